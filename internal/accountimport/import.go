// Package accountimport imports and exports service accounts and API keys: a file of this server, or
// the database of Barong 2.6. Secrets of keys stay encrypted in files; those of Barong's database are
// encrypted anew.
package accountimport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"iter"
	"regexp"
	"strings"
	"time"

	"barong/internal/identity"
	"barong/internal/journal"
	"barong/internal/keys"
	"barong/repository"
)

// Row is a service account or an API key: one of the two is not nil. Accounts come before the keys
// that they hold.
type Row struct {
	Account *Account `json:"service_account,omitempty"`
	Key     *Key     `json:"api_key,omitempty"`
}

// Account is a service account in a file. Level and state are null where they are the owner's.
type Account struct {
	UID       string    `json:"uid"`
	Email     string    `json:"email"`
	Role      string    `json:"role"`
	Level     *int      `json:"level"`
	State     *string   `json:"state"`
	OwnerUID  *string   `json:"owner_uid"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Key is an API key in a file.
type Key struct {
	KID       string    `json:"kid"`
	HolderUID string    `json:"holder_uid"`
	Algorithm string    `json:"algorithm"`
	Scopes    []string  `json:"scopes"`
	State     string    `json:"state"`
	Secret    []byte    `json:"secret"` // encrypted for the kid by the key of BARONG_API_KEYS_KEY
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`

	plain *string // the secret of a key from Barong's database, in place of Secret
}

// Options define an import.
type Options struct {
	Repo   *repository.Repository
	Record func() *journal.Record // called for each batch that is stored
	Rows   iter.Seq2[Row, error]
	Sealer func() (*keys.Sealer, error) // called for the first key
	DryRun bool                         // nothing is stored

	// Refused is called with each rejected row: the uid of an account or the kid of a key, and the
	// reason.
	Refused func(name, reason string)
}

// Result counts the rows of an import.
type Result struct {
	Accounts, Keys int64 // stored, or valid in a dry run
	Known          int64 // there already, by uid or kid; they stay as they are
	Refused        int64
}

// batchSize is how many rows are stored in a transaction.
const batchSize = 500

// importing is an import in progress.
type importing struct {
	Options
	sealer   *keys.Sealer
	accounts []identity.ServiceAccount
	held     []repository.HeldKey
	result   Result
	row      int64 // number of the current row

	accountRows, heldRows rowsRead // of accounts and held
}

// rowsRead are consecutive rows.
type rowsRead struct {
	first, last int64
	digest      hash.Hash
}

func (r *rowsRead) add(number int64, row Row) error {
	content, err := json.Marshal(row)
	if err != nil {
		return err
	}
	if r.digest == nil {
		r.first, r.digest = number, sha256.New()
	}
	r.last = number
	r.digest.Write(content)
	return nil
}

// take returns the rows as the journal has them, and forgets them.
func (r *rowsRead) take() journal.Batch {
	batch := journal.Batch{First: r.first, Last: r.last, Digest: hex.EncodeToString(r.digest.Sum(nil))}
	*r = rowsRead{}
	return batch
}

// Import stores rows, and returns what became of them. What is stored stays stored where it fails; the
// same import again goes on.
func Import(ctx context.Context, o Options) (Result, error) {
	i := &importing{Options: o}
	for row, err := range o.Rows {
		if err == nil {
			err = i.add(ctx, row)
		}
		if err != nil {
			return i.result, err
		}
	}
	return i.result, errors.Join(i.storeAccounts(ctx), i.storeKeys(ctx))
}

func (i *importing) add(ctx context.Context, row Row) error {
	i.row++
	switch {
	case row.Account != nil && row.Key == nil:
		account, reason := row.Account.account()
		if reason != "" {
			i.refuse(row.Account.UID, reason)
			return nil
		}
		if err := i.accountRows.add(i.row, row); err != nil {
			return err
		}
		if i.accounts = append(i.accounts, account); len(i.accounts) == batchSize {
			return i.storeAccounts(ctx)
		}
	case row.Key != nil && row.Account == nil:
		if err := i.storeAccounts(ctx); err != nil { // its holder may be among them
			return err
		}
		key, reason, err := i.key(ctx, row.Key)
		if err != nil {
			return err
		}
		if reason != "" {
			i.refuse(row.Key.KID, reason)
			return nil
		}
		if err := i.heldRows.add(i.row, row); err != nil {
			return err
		}
		if i.held = append(i.held, key); len(i.held) == batchSize {
			return i.storeKeys(ctx)
		}
	default:
		i.refuse("", "a row is either a service_account or an api_key")
	}
	return nil
}

func (i *importing) refuse(name, reason string) {
	i.result.Refused++
	i.Refused(name, reason)
}

var roleText = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

// account returns the account of a row, or why it is none.
func (a *Account) account() (account identity.ServiceAccount, reason string) {
	account = identity.ServiceAccount{
		UID: a.UID, Role: a.Role, OwnLevel: a.Level, OwnState: a.State, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
	email, violations := identity.ParseEmail(a.Email)
	account.Email = email
	switch {
	case !identity.IsUID(a.UID):
		return account, "Uid only allows 3 to 36 letters and digits"
	case len(violations) > 0:
		return account, violations[0].Message
	case !roleText.MatchString(a.Role):
		return account, "Role is invalid"
	case a.Level != nil && *a.Level < 0:
		return account, "Level is negative"
	case a.OwnerUID == nil && (a.Level == nil || a.State == nil || *a.State == ""):
		return account, "Level and state are missing, and there is no owner"
	case a.OwnerUID != nil && a.State != nil && *a.State != identity.StateDisabled:
		return account, "State of an account with an owner is the owner's, or disabled"
	}
	if a.OwnerUID != nil {
		account.Owner = &identity.User{UID: *a.OwnerUID}
	}
	return account, ""
}

// key returns the key of a row, or why it is none.
func (i *importing) key(ctx context.Context, k *Key) (held repository.HeldKey, reason string, err error) {
	scopes, violations := identity.ParseKeyScopes(strings.Join(k.Scopes, ","))
	violations = append(append(identity.CheckKeyAlgorithm(k.Algorithm), violations...), identity.CheckKeyState(k.State)...)
	switch {
	case k.KID == "" || len(k.KID) > 255 || strings.ContainsAny(k.KID, "\n\x00"):
		return held, "Kid is invalid", nil
	case k.HolderUID == "":
		return held, "Holder is not there", nil
	case len(violations) > 0:
		return held, violations[0].Message, nil
	}
	if i.sealer == nil {
		if i.sealer, err = i.Sealer(); err != nil {
			return held, "", err
		}
	}
	sealed := k.Secret
	switch {
	case sealed == nil && k.plain == nil:
		return held, "Secret cannot be decrypted", nil
	case k.plain != nil:
		if sealed, err = i.sealer.Seal(ctx, k.KID, *k.plain); err != nil {
			return held, "", err
		}
	default:
		if _, err := i.sealer.Unseal(ctx, k.KID, sealed); err != nil {
			return held, "Secret cannot be decrypted, which takes the BARONG_API_KEYS_KEY of the server that wrote the file", nil //nolint:nilerr // the row is rejected
		}
	}
	return repository.HeldKey{Holder: k.HolderUID, APIKey: identity.APIKey{
		KID: k.KID, Algorithm: k.Algorithm, Scopes: scopes, State: k.State, Sealed: sealed, CreatedAt: k.CreatedAt, UpdatedAt: k.UpdatedAt,
	}}, "", nil
}

func (i *importing) storeAccounts(ctx context.Context) error {
	batch := i.accounts
	i.accounts = i.accounts[:0]
	if len(batch) == 0 {
		return nil
	}
	rows := i.accountRows.take()
	uids := make([]string, len(batch))
	for n, account := range batch {
		uids[n] = account.UID
	}
	known, err := i.Repo.FindConflicts(ctx, nil, uids, nil)
	if err != nil {
		return err
	}
	stored, err := i.store(len(batch), func() ([]bool, error) { return i.Repo.Recorded(i.Record()).ImportServiceAccounts(ctx, batch, rows) })
	if err != nil {
		return err
	}
	for n, account := range batch {
		switch {
		case known.AccountUIDs[account.UID] != 0:
			i.result.Known++
		case stored[n]:
			i.result.Accounts++
		default:
			i.refuse(account.UID, "Email or uid is taken, or the owner is not there")
		}
	}
	return nil
}

func (i *importing) storeKeys(ctx context.Context) error {
	batch := i.held
	i.held = i.held[:0]
	if len(batch) == 0 {
		return nil
	}
	rows := i.heldRows.take()
	kids := make([]string, len(batch))
	for n, key := range batch {
		kids[n] = key.KID
	}
	known, err := i.Repo.KnownKeys(ctx, kids)
	if err != nil {
		return err
	}
	stored, err := i.store(len(batch), func() ([]bool, error) { return i.Repo.Recorded(i.Record()).ImportAPIKeys(ctx, batch, rows) })
	if err != nil {
		return err
	}
	for n, key := range batch {
		switch {
		case known[key.KID]:
			i.result.Known++
		case stored[n]:
			i.result.Keys++
		default:
			i.refuse(key.KID, fmt.Sprintf("Holder %s is not there", key.Holder))
		}
	}
	return nil
}

// store stores a batch, or in a dry run takes all of it for stored.
func (i *importing) store(n int, write func() ([]bool, error)) ([]bool, error) {
	if !i.DryRun {
		return write()
	}
	stored := make([]bool, n)
	for k := range stored {
		stored[k] = true
	}
	return stored, nil
}
