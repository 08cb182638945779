package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// digest is the password hash of every user of the data set.
const digest = "$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"

// secret of one-time codes, which the first users have.
const (
	secret      = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" //nolint:gosec // of users that are nobody
	withSecrets = 20_000
)

// What user number i, from 1, goes by. Numbers of German mobile phones are taken
// because a hundred million of them in a row are valid.
func uidOf(i int) string   { return fmt.Sprintf("ID%010X", i) }
func emailOf(i int) string { return fmt.Sprintf("user%d@bench.example", i) }
func phoneOf(i int) string { return fmt.Sprintf("49151%08d", i) }
func robotOf(i int) string { return fmt.Sprintf("SI%010X", i) } // the service account of that user

// generate writes that many users as NDJSON: each has a profile, a validated
// phone and the private labels email, phone and profile; a tenth has the label
// tier:gold. The first have a secret of one-time codes.
func generate(to io.Writer, size int) error {
	buffered := bufio.NewWriterSize(to, 1<<20)
	began := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := 1; i <= size; i++ {
		created := began.Add(time.Duration(i) * time.Second).Format(time.RFC3339)
		gold, code := "", ""
		if i <= withSecrets {
			code = `"otp_secret":"` + secret + `",`
		}
		if i%10 == 0 {
			gold = `,{"key":"tier","value":"gold"}`
		}
		fmt.Fprintf(buffered, `{"uid":%q,"email":%q,"password_digest":%q,"created_at":%q,%s"phones":[{"number":%q,"validated_at":%q}],`+
			`"first_name":"Ada","last_name":"Lovelace","dob":"1815-12-10","address":"12, St James Square","postcode":"SW1Y 4JH",`+
			`"city":"London","country":"GB","labels":[{"key":"profile","value":"verified"},{"key":"email","value":"verified"},`+
			`{"key":"phone","value":"verified"}%s]}`+"\n", uidOf(i), emailOf(i), digest, created, code, phoneOf(i), created, gold)
	}
	return buffered.Flush()
}

// otpKey encrypts the users' secrets: those of an import, and of each server that reads them.
var otpKey = "base64key://" + base64.URLEncoding.EncodeToString(bytes.Repeat([]byte("bench"), 7)[:32])

// load fills an empty database by the bulk import, and adds documents, which a tenth of the users
// have, and service accounts, of which each user owns one.
func load(ctx context.Context, binary, dir, database string, size int) error {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(generate(writer, size)) }()
	command := exec.CommandContext(ctx, binary, "import", "-", "--format", "ndjson")
	command.Env = append(os.Environ(), "DATABASE_URL="+database, "BARONG_DATA_DIR="+filepath.Join(dir, "server"), "BARONG_OTP_KEY="+otpKey)
	command.Stdin, command.Stdout, command.Stderr = reader, os.Stderr, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("the users could not be imported: %w", err)
	}
	connection, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(ctx) }()
	for _, statement := range []string{
		`INSERT INTO documents (user_id, doc_type, doc_number, filename, content_type, size, object, created_at, updated_at)
		 SELECT id, 'Passport', 'AB' || id, 'passport.png', 'image/png', 70, 'bench/' || id, created_at, created_at FROM users WHERE id % 10 = 5`,
		`INSERT INTO service_accounts (uid, owner_id, email, email_folded, role, created_at, updated_at)
		 SELECT 'SI' || substr(uid, 3), id, 'robot' || id || '@bench.example', 'robot' || id || '@bench.example', 'service_account', created_at, created_at
		 FROM users ORDER BY id`,
		"VACUUM ANALYZE",
	} {
		if _, err := connection.Exec(ctx, statement); err != nil {
			return fmt.Errorf("the data set could not be completed: %w", err)
		}
	}
	return nil
}
