package barongdb

import (
	"context"
	"iter"
	"strings"
	"time"

	sq "github.com/Masterminds/squirrel"
	"go.yaml.in/yaml/v3"
)

// ServiceAccount is a service account of Barong 2.6.
type ServiceAccount struct {
	ID        int64
	UID       string
	Email     string
	Role      string
	Level     int
	State     string
	OwnerUID  *string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// APIKey is an API key of Barong 2.6.
type APIKey struct {
	ID        int64
	KID       string
	Algorithm string
	Scopes    []string
	State     string
	HolderUID string  // of a user or of a service account; "" if it is no longer there
	Secret    *string // decrypted; nil if it cannot be
	CreatedAt time.Time
	UpdatedAt time.Time
}

// secretKey is the name of the key of Vault that encrypts secrets of API keys, without that of the
// application.
const secretKey = "apikeys_secret"

// HasServiceAccounts reports whether the installation has service accounts, and keys of them: it is a 2.6.
func (d *DB) HasServiceAccounts() bool {
	return d.schema.has("service_accounts", "uid") && d.schema.has("apikeys", "key_holder_account_id") && d.schema.has("apikeys", "secret_encrypted")
}

// keyPage is how many service accounts or keys are read at once.
const keyPage = 500

// ServiceAccounts returns the service accounts in the order of their ids, as they were at one time. The
// error, if any, is the last value.
func (d *DB) ServiceAccounts(ctx context.Context) iter.Seq2[ServiceAccount, error] {
	selected := []string{
		"service_accounts.id", "service_accounts.uid", "service_accounts.email", "service_accounts.role", "service_accounts.level",
		"service_accounts.state", "users.uid", "service_accounts.created_at", "service_accounts.updated_at",
	}
	rows := compile(d.dialect, selected, func(b sq.SelectBuilder) sq.SelectBuilder {
		return b.From("service_accounts").LeftJoin("users ON users.id = service_accounts.owner_id").
			Where("service_accounts.id > ?", 0).OrderBy("service_accounts.id").Suffix("LIMIT ?", keyPage)
	})
	return pages(ctx, d, func(ctx context.Context, s *snapshot, deliver func([]ServiceAccount) bool) error {
		for after := int64(0); ; {
			var page []ServiceAccount
			err := s.read(ctx, rows, func(c cells) (err error) {
				a := ServiceAccount{UID: c.text(1), Email: c.text(2), Role: c.text(3), State: c.text(5), OwnerUID: c.optional(6)}
				if a.ID, err = c.integer(0); err != nil {
					return err
				}
				level, err := c.integer(4)
				a.Level = int(level)
				a.CreatedAt, a.UpdatedAt = keyTimes(c, 7)
				page = append(page, a)
				return err
			}, after, keyPage)
			if err != nil || len(page) == 0 || !deliver(page) {
				return err
			}
			after = page[len(page)-1].ID
		}
	})
}

// APIKeys returns the API keys with their secrets in the order of their ids, as they were at one time. The
// error, if any, is the last value.
func (d *DB) APIKeys(ctx context.Context) iter.Seq2[APIKey, error] {
	selected := []string{
		"apikeys.id", "apikeys.kid", "apikeys.algorithm", "apikeys.scope", "apikeys.state", "COALESCE(users.uid, service_accounts.uid)",
		"apikeys.secret_encrypted", "apikeys.created_at", "apikeys.updated_at",
	}
	rows := compile(d.dialect, selected, func(b sq.SelectBuilder) sq.SelectBuilder {
		return b.From("apikeys").
			LeftJoin("users ON users.id = apikeys.key_holder_account_id AND apikeys.key_holder_account_type = 'User'").
			LeftJoin("service_accounts ON service_accounts.id = apikeys.key_holder_account_id AND apikeys.key_holder_account_type = 'ServiceAccount'").
			Where("apikeys.id > ?", 0).OrderBy("apikeys.id").Suffix("LIMIT ?", keyPage)
	})
	return pages(ctx, d, func(ctx context.Context, s *snapshot, deliver func([]APIKey) bool) error {
		for after := int64(0); ; {
			var page []APIKey
			var secrets []string
			err := s.read(ctx, rows, func(c cells) (err error) {
				k := APIKey{KID: c.text(1), Algorithm: c.text(2), Scopes: scopesOf(c.text(3)), State: c.text(4), HolderUID: c.text(5)}
				k.ID, err = c.integer(0)
				k.CreatedAt, k.UpdatedAt = keyTimes(c, 7)
				page, secrets = append(page, k), append(secrets, c.text(6))
				return err
			}, after, keyPage)
			if err != nil || len(page) == 0 {
				return err
			}
			decrypted, err := d.decrypter.decrypt(ctx, secretKey, secrets)
			if err != nil {
				return err
			}
			for i, secret := range decrypted {
				page[i].Secret = secret
			}
			after = page[len(page)-1].ID
			if !deliver(page) {
				return nil
			}
		}
	})
}

// scopesOf reads scopes as Rails serialises an array, in YAML, or as a text with commas.
func scopesOf(text string) []string {
	var list []string
	if yaml.Unmarshal([]byte(text), &list) == nil {
		return list
	}
	return strings.Split(text, ",")
}

// keyTimes returns created_at and the next column, updated_at; the year 1970 for a date that does not exist.
func keyTimes(c cells, i int) (created, updated time.Time) {
	created, isCreated := c.moment(i)
	if !isCreated {
		created = time.Unix(0, 0).UTC()
	}
	updated, isUpdated := c.moment(i + 1)
	if !isUpdated {
		updated = created
	}
	return created, updated
}
