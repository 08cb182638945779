package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// digest is the password hash of every user of the data set.
const digest = "$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"

// What user number i, from 1, goes by. Numbers of German mobile phones are taken
// because a hundred million of them in a row are valid.
func uidOf(i int) string   { return fmt.Sprintf("ID%010X", i) }
func emailOf(i int) string { return fmt.Sprintf("user%d@bench.example", i) }
func phoneOf(i int) string { return fmt.Sprintf("49151%08d", i) }

// load fills an empty, migrated database with users: each has a profile, a phone
// and the private labels email, phone and profile; a tenth has the label
// tier:gold, and another tenth a document.
func load(ctx context.Context, pool *pgxpool.Pool, size int) error {
	for _, statement := range []string{
		`INSERT INTO users (id, uid, email, email_folded, password_digest, role, level, otp, state, created_at, updated_at)
		 SELECT i, 'ID' || lpad(upper(to_hex(i)), 10, '0'), 'user' || i || '@bench.example', 'user' || i || '@bench.example', '` + digest + `',
		        'member', 2, false, 'active', timestamptz '2024-01-01Z' + i * interval '1 second', timestamptz '2024-01-01Z' + i * interval '1 second'
		 FROM generate_series(1, $1) i`,
		`SELECT setval(pg_get_serial_sequence('users', 'id'), $1)`,
		`INSERT INTO profiles (user_id, first_name, last_name, dob, address, postcode, city, country, state, created_at, updated_at)
		 SELECT i, 'Ada', 'Lovelace', date '1815-12-10', '12, St James Square', 'SW1Y 4JH', 'London', 'GB', 'completed', u.created_at, u.created_at
		 FROM generate_series(1, $1) i JOIN users u ON u.id = i`,
		`INSERT INTO phones (user_id, country, number, validated_at, created_at, updated_at)
		 SELECT i, 'DE', '49151' || lpad(i::text, 8, '0'), u.created_at, u.created_at, u.created_at
		 FROM generate_series(1, $1) i JOIN users u ON u.id = i`,
		`INSERT INTO labels (user_id, key, value, scope, created_at, updated_at)
		 SELECT i, k, 'verified', 'private', u.created_at, u.created_at
		 FROM generate_series(1, $1) i JOIN users u ON u.id = i CROSS JOIN unnest(ARRAY['profile', 'email', 'phone']) k`,
		`INSERT INTO labels (user_id, key, value, scope, created_at, updated_at)
		 SELECT i, 'tier', 'gold', 'private', u.created_at, u.created_at
		 FROM generate_series(10, $1, 10) i JOIN users u ON u.id = i`,
		`INSERT INTO documents (user_id, doc_type, doc_number, filename, content_type, size, object, created_at, updated_at)
		 SELECT i, 'Passport', 'AB' || i, 'passport.png', 'image/png', 70, 'bench/' || i, u.created_at, u.created_at
		 FROM generate_series(5, $1, 10) i JOIN users u ON u.id = i`,
	} {
		if _, err := pool.Exec(ctx, statement, size); err != nil {
			return fmt.Errorf("the data set could not be loaded: %w", err)
		}
	}
	_, err := pool.Exec(ctx, "VACUUM ANALYZE")
	return err
}
