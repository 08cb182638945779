package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"barong/internal/problem"
)

// Operation is the operation that a request calls, as openapi.yaml declares it.
type Operation struct {
	ID    string // operationId
	Scope string // x-scope: the keychain file says which signers have it
}

// Authorize checks whether the credentials permit an operation, and returns the permitted signers
// in the order of their signatures. It checks, in this order:
//
//   - The keychain has the scope.
//   - Every signature of a permitted signer verifies with the key and the algorithm of the
//     keychain. Two signatures of one signer must both verify and count as one. Signatures of
//     other signers, and those without a kid, are ignored; a signature whose two headers have
//     different kids is an error.
//   - The claims are valid at the time now, and op, if present, names the operation.
//   - All mandatory signers have signed.
//
// If the last check fails, the error is [ErrMissingSignatures], else [ErrUnverified]. Both have a
// cause for the log that names the kid.
func (k *Keychain) Authorize(c *Credentials, operation Operation, now time.Time) (signers []string, err error) {
	allowed, ok := k.scopes[operation.Scope]
	if !ok {
		return nil, ErrUnverified.WithCause(fmt.Errorf("the keychain file has no scope %s", operation.Scope))
	}
	if signers, err = k.verified(c, allowed); err != nil {
		return nil, ErrUnverified.WithCause(err)
	}
	times := c.claims.dates()
	if err := k.rules.check(c.claims, times, now); err != nil {
		k.verifiedTokens.Remove(c) // in most cases it has expired
		failure := ErrUnverified.WithCause(fmt.Errorf("signed by %s: %w", joinSigners(signers), err))
		if errors.As(err, new(clockError)) {
			failure.Reason = problem.WrongClock
		}
		return nil, failure
	}
	k.notices.look(signers, times, times.lifetime(now, k.rules.iatLeeway))
	if err := c.claims.checkOperation(operation.ID); err != nil {
		return nil, ErrUnverified.WithCause(fmt.Errorf("signed by %s: %w", joinSigners(signers), err))
	}
	var missing []string
	for _, id := range allowed.mandatory {
		if !slices.Contains(signers, id) {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		return nil, ErrMissingSignatures.WithCause(
			fmt.Errorf("the scope %s must be signed by %s too, and is signed by %s", operation.Scope, joinSigners(missing), joinSigners(signers)))
	}
	return signers, nil
}

// verified returns the permitted signers, all of whose signatures verify. It stops at the
// first invalid signature, so that a forged request costs one verification.
func (k *Keychain) verified(c *Credentials, allowed scope) (signers []string, err error) {
	known := c.verifiedBy == k
	for _, s := range c.signatures {
		if s.ConflictingKIDs {
			return nil, errors.New("a signature has one kid in its protected header and another in its header")
		}
		if !allowed.permitted[s.KID] {
			continue
		}
		if !known {
			digest, err := s.Verify(c.payload, k.keys[s.KID])
			if err != nil {
				return nil, fmt.Errorf("the signature by %s does not verify: %w", s.KID, err)
			}
			if c.digest == nil {
				c.verified = append(c.verified, verifiedSignature{s, k.keys[s.KID], digest})
			}
			k.verifiedTokens.Add(c, k) // no effect for an envelope; a Bearer token has only this one signature
		}
		if !slices.Contains(signers, s.KID) {
			signers = append(signers, s.KID)
		}
	}
	return signers, nil
}

// joinSigners formats a list of signers for the log.
func joinSigners(ids []string) string {
	if len(ids) == 0 {
		return "nobody permitted"
	}
	return strings.Join(ids, ", ")
}
