package repository

import (
	"context"
	"errors"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

	"barong/internal/identity"
)

// ImportRun is how far the import of a file has come.
type ImportRun struct {
	Name        string
	Position    int64 // bytes of the input that are done
	Line        int64 // lines of the input that are done
	Imported    int64
	Refused     int64
	RefusedSize int64 // bytes of the file of refused rows
	StartedAt   time.Time
	UpdatedAt   time.Time
	FinishedAt  *time.Time // nil until the end of the input
}

// ErrImportMoved is reported when another process has moved the same run on.
var ErrImportMoved = errors.New("another process imports the same file")

// OpenImportRun finds the run of a name, or starts it: then it is new.
func (r *Repository) OpenImportRun(ctx context.Context, name string, now time.Time) (run ImportRun, isNew bool, err error) {
	tag, err := r.db.Exec(ctx, `INSERT INTO import_runs (name, position, line, imported, refused, refused_size, started_at, updated_at)
		VALUES ($1, 0, 0, 0, 0, 0, $2, $2) ON CONFLICT (name) DO NOTHING`, name, now)
	if err != nil {
		return run, false, translate(err)
	}
	run, err = one[ImportRun](ctx, r, psql.Select("name", "position", "line", "imported", "refused", "refused_size",
		"started_at", "updated_at", "finished_at").From("import_runs").Where(sq.Eq{"name": name}))
	return run, tag.RowsAffected() == 1, err
}

// ForgetImportRun lets the next run of that name start at the beginning.
func (r *Repository) ForgetImportRun(ctx context.Context, name string) error {
	return r.exec(ctx, psql.Delete("import_runs").Where(sq.Eq{"name": name}))
}

// moveImportRun stores a run that stood at from until now. It is ErrImportMoved
// where it stood elsewhere.
func (r *Repository) moveImportRun(ctx context.Context, from, to ImportRun) error {
	tag, err := r.db.Exec(ctx, `UPDATE import_runs SET position = $3, line = $4, imported = $5, refused = $6, refused_size = $7,
		updated_at = $8, finished_at = $9 WHERE name = $1 AND position = $2 AND finished_at IS NULL`,
		from.Name, from.Position, to.Position, to.Line, to.Imported, to.Refused, to.RefusedSize, to.UpdatedAt, to.FinishedAt)
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrImportMoved
	}
	return translate(err)
}

// Taken is what is in the way of new users, and whom they may name.
type Taken struct {
	Emails  map[string]bool  // folded, and keys of mailboxes: an e-mail is taken where either of its own is there
	UIDs    map[string]int64 // to ids: who is there, as another user or as a referrer
	Numbers map[string]bool  // validated by somebody
}

// HasEmail says whether a user has this e-mail, in whatever spelling.
func (t Taken) HasEmail(email string) bool {
	return t.Emails[identity.FoldEmail(email)] || t.Emails[identity.MailboxKey(email)]
}

var (
	selectTakenFolded = compile(psql.Select("email_folded").From("users").Where("email_folded = ANY(?)", argument))
	selectTakenKeys   = compile(psql.Select("email_key").From("users").Where("email_key = ANY(?)", argument))
)

// FindTaken looks up e-mails, uids and numbers, all in one round trip.
func (r *Repository) FindTaken(ctx context.Context, emails, uids, numbers []string) (Taken, error) {
	taken := Taken{Emails: map[string]bool{}, UIDs: map[string]int64{}, Numbers: map[string]bool{}}
	texts := func(into map[string]bool) func(pgx.Rows) error {
		return func(rows pgx.Rows) error {
			var text string
			_, err := pgx.ForEachRow(rows, []any{&text}, func() error { into[text] = true; return nil })
			return err
		}
	}
	var keys, folded []string
	for _, email := range emails {
		key, fold := identity.MailboxKey(email), identity.FoldEmail(email)
		keys, folded = append(keys, key), append(folded, fold)
		if key != fold { // a user without a key has it as the folded e-mail
			folded = append(folded, key)
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(selectTakenFolded, folded).Query(texts(taken.Emails))
	batch.Queue(selectTakenKeys, keys).Query(texts(taken.Emails))
	batch.Queue("SELECT number FROM phones WHERE number = ANY($1) AND validated_at IS NOT NULL", numbers).Query(texts(taken.Numbers))
	batch.Queue("SELECT uid, id FROM users WHERE uid = ANY($1)", uids).Query(func(rows pgx.Rows) error {
		var uid string
		var id int64
		_, err := pgx.ForEachRow(rows, []any{&uid, &id}, func() error { taken.UIDs[uid] = id; return nil })
		return err
	})
	return taken, translate(r.db.SendBatch(ctx, batch).Close())
}

// ImportedUser is a user whom a file brings.
type ImportedUser struct {
	identity.User
	Secret []byte // of one-time codes, encrypted; nil without one
}

// ImportUsers stores users with all that they have and moves the run from where
// it stood, all or nothing. ids, of ReserveUserIDs, are those that the users get.
// A user's ReferralUID is one of referrers or of the users themselves. A run
// without a name is not kept. Whatever is taken after all is the same error as
// from InsertUser, and identity.UIDTaken.
//
// turn is waited for once the users are written, before anything is locked that
// others may want, and the transaction ends: so imports that were started one
// after the other write at the same time, and end in that order.
func (r *Repository) ImportUsers(ctx context.Context, users []ImportedUser, ids []int64, referrers map[string]int64, from, to ImportRun, turn func() error) error {
	return r.InTx(ctx, func(tx *Repository) error {
		// Whoever holds what this one wants may itself wait for an import that waits
		// for its turn, of which the database knows nothing.
		if _, err := tx.db.Exec(ctx, "SET LOCAL lock_timeout = '5s'"); err != nil {
			return translate(err)
		}
		if len(users) > 0 {
			if err := tx.copyUsers(ctx, users, ids, referrers); err != nil {
				return err
			}
			if err := tx.copyRelations(ctx, users, ids); err != nil {
				return err
			}
		}
		if err := turn(); err != nil {
			return err
		}
		if from.Name != "" {
			if err := tx.moveImportRun(ctx, from, to); err != nil {
				return err
			}
		}
		if len(users) == 0 {
			return nil
		}
		_, err := tx.db.Exec(ctx, countMany("unnest($1::bigint[]) AS inserted (id)", "$2"), ids, countSlot())
		return translate(err)
	})
}

// ReserveUserIDs takes ids for users to come, in their order.
func (r *Repository) ReserveUserIDs(ctx context.Context, n int) ([]int64, error) {
	rows, err := r.db.Query(ctx, "SELECT nextval(pg_get_serial_sequence('users', 'id')) FROM generate_series(1, $1)", n)
	if err != nil {
		return nil, translate(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	return ids, translate(err)
}

func (r *Repository) copyUsers(ctx context.Context, users []ImportedUser, ids []int64, referrers map[string]int64) error {
	byUID := make(map[string]int64)
	for i, u := range users {
		byUID[u.UID] = ids[i]
	}
	return r.copy(ctx, "users",
		[]string{"id", "uid", "email", "email_folded", "password_digest", "role", "level", "otp", "state", "referral_id", "data", "created_at", "updated_at", "email_key"},
		pgx.CopyFromSlice(len(users), func(i int) ([]any, error) {
			u := &users[i]
			var referrer *int64
			if u.ReferralUID != nil {
				id, ok := byUID[*u.ReferralUID]
				if !ok {
					id = referrers[*u.ReferralUID]
				}
				referrer = &id
			}
			return []any{
				ids[i], u.UID, u.Email, identity.FoldEmail(u.Email), u.PasswordDigest, u.Role, int32(u.Level), u.OTP, u.State, referrer, u.Data, //nolint:gosec // levels are few
				u.CreatedAt, u.UpdatedAt, identity.MailboxKey(u.Email),
			}, nil
		}))
}

// copyRelations sends, table by table, what belongs to the users.
func (r *Repository) copyRelations(ctx context.Context, users []ImportedUser, ids []int64) error {
	var profiles, phones, labels, secrets [][]any
	for i := range users {
		u := &users[i]
		if p := u.Profile; p != nil {
			profiles = append(profiles, []any{
				ids[i], p.FirstName, p.LastName, p.DOB, p.Address, p.Postcode, p.City, p.Country, p.State, p.Metadata, u.CreatedAt, u.UpdatedAt,
			})
		}
		for _, p := range u.Phones {
			phones = append(phones, []any{ids[i], p.Country, p.Number, p.ValidatedAt, u.CreatedAt, u.UpdatedAt})
		}
		for _, l := range u.Labels {
			labels = append(labels, []any{ids[i], l.Key, l.Value, l.Scope, l.CreatedAt, l.UpdatedAt})
		}
		if u.Secret != nil {
			secrets = append(secrets, []any{ids[i], u.Secret, u.UpdatedAt})
		}
	}
	for _, part := range []struct {
		table   string
		columns []string
		rows    [][]any
	}{
		{
			"profiles",
			[]string{"user_id", "first_name", "last_name", "dob", "address", "postcode", "city", "country", "state", "metadata", "created_at", "updated_at"},
			profiles,
		},
		{"phones", []string{"user_id", "country", "number", "validated_at", "created_at", "updated_at"}, phones},
		{"labels", []string{"user_id", "key", "value", "scope", "created_at", "updated_at"}, labels},
		{"otp_secrets", []string{"user_id", "secret", "created_at"}, secrets},
	} {
		if err := r.copy(ctx, part.table, part.columns, pgx.CopyFromRows(part.rows)); err != nil {
			return err
		}
	}
	return nil
}

func (r *Repository) copy(ctx context.Context, table string, columns []string, rows pgx.CopyFromSource) error {
	_, err := r.db.CopyFrom(ctx, pgx.Identifier{table}, columns, rows)
	return translate(err)
}
