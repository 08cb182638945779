package auth

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// longLived is the lifetime of a signature above which a warning is logged.
const longLived = 24 * time.Hour

// notices logs what is accepted but questionable, once per signer for the life of the process.
// nil logs nothing. It is safe for concurrent use.
type notices struct {
	log  *slog.Logger
	told sync.Map // set of notice
}

// notice identifies a warning about a signer or a scope. Both are names from a keychain file,
// so that their number is bounded.
type notice struct{ about, of string }

func (n *notices) first(about, of string) bool {
	_, told := n.told.LoadOrStore(notice{about, of}, true)
	return !told
}

// inspect warns of the declared operations that no signer of the keychain may call.
func (n *notices) inspect(k *Keychain, declared []Operation) {
	if k.isEmpty() {
		if n.first("empty", "") {
			n.log.Warn("the keychain file names no signers or no scopes: nobody may call anything")
		}
		return
	}
	missing := map[string][]string{}
	for _, operation := range declared {
		if _, known := k.scopes[operation.Scope]; !known {
			missing[operation.Scope] = append(missing[operation.Scope], operation.ID)
		}
	}
	for _, scope := range slices.Sorted(maps.Keys(missing)) {
		if n.first("scope", scope) {
			slices.Sort(missing[scope])
			n.log.Warn("the keychain file lacks a scope: nobody may call its operations", "scope", scope, "operations", strings.Join(missing[scope], " "))
		}
	}
}

// look warns of questionable times in a valid signature.
func (n *notices) look(signers []string, d dates, lifetime time.Duration) {
	if n == nil || !d.inMilliseconds() && lifetime <= longLived {
		return
	}
	for _, signer := range signers {
		if d.inMilliseconds() && n.first("milliseconds", signer) {
			n.log.Warn("a signer sends exp, iat or nbf in milliseconds; they are read so, and should be in seconds", "signer", signer)
		}
		if lifetime > longLived && n.first("lifetime", signer) {
			n.log.Warn("a signer's token is good for more than a day, also for whoever steals it; jwt.max_lifetime in the keychain file bounds that",
				"signer", signer, "lifetime", off(lifetime).String())
		}
	}
}
