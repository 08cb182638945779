package tests

import (
	"path/filepath"
	"strings"
	"testing"

	"barong/internal/barongdb/barongtest"
	"barong/internal/keys"
)

const keysAsTexts = `SELECT coalesce(string_agg(concat_ws(' ', k.kid, coalesce(u.uid, s.uid), k.algorithm, array_to_string(k.scopes, ','), k.state, to_char(k.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')), E'\n' ORDER BY k.kid), '')
	FROM api_keys k LEFT JOIN users u ON u.id = k.user_id LEFT JOIN service_accounts s ON s.id = k.service_account_id`

const accountsAsTexts = `SELECT coalesce(string_agg(concat_ws(' ', s.uid, o.uid, s.email, s.role, coalesce(s.level::text, '-'), coalesce(s.state, '-')), E'\n' ORDER BY s.uid), '')
	FROM service_accounts s LEFT JOIN users o ON o.id = s.owner_id`

// text is the only value that a query returns.
func (b bulkFile) text(query string) (text string) {
	b.t.Helper()
	if err := newPool(b.t, b.url).QueryRow(b.t.Context(), query).Scan(&text); err != nil {
		b.t.Fatal(err)
	}
	return text
}

func TestServiceAccountsAndKeysOfBarongComeOver(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB, barongtest.Schema) *barongtest.Database{"MariaDB": barongtest.MariaDB, "Postgres": barongtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := open(t, barongtest.V26)
			source.Bulk(t, 4)
			source.Exec(t, "UPDATE users SET state = 'active', role = 'member' WHERE id < 4")
			source.Exec(t, "UPDATE users SET state = 'pending' WHERE id = 4")
			const account = "INSERT INTO service_accounts (id, uid, owner_id, email, role, level, state, created_at, updated_at) VALUES "
			source.Exec(t, account+`(1, 'SI0000000001', 1, 'a+SI1@example.com', 'service_account', 3, 'banned', '2021-01-01', '2021-01-02'),
				(2, 'SI0000000002', NULL, 'b@example.com', 'trader', 5, 'active', '2021-01-01', '2021-01-02'),
				(3, 'SI0000000003', 2, 'c@example.com', 'service_account', 1, 'disabled', '2021-01-01', '2021-01-02'),
				(4, 'SI0000000004', 2, 'no address', 'service_account', 1, 'active', '2021-01-01', '2021-01-02')`)
			const key = "INSERT INTO apikeys (key_holder_account_id, key_holder_account_type, kid, algorithm, scope, secret_encrypted, state, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, '2021-02-01', '2021-02-02')"
			sealed := func(secret string) string { return source.Transit.Encrypt("apikeys_secret", secret) }
			source.Exec(t, key, 1, "User", "k1", "HS256", "---\n- trade\n- history\n", sealed("first secret"), "active")
			source.Exec(t, key, 4, "User", "k2", "HS256", "trade", sealed("second secret"), "active")
			source.Exec(t, key, 1, "ServiceAccount", "k3", "HS256", nil, sealed("third secret"), "inactive")
			source.Exec(t, key, 3, "ServiceAccount", "k4", "HS256", "--- []\n", sealed("fourth secret"), "active")
			source.Exec(t, key, 2, "User", "k5", "RS256", nil, sealed("fifth secret"), "active")
			source.Exec(t, key, 99, "User", "k6", "HS256", nil, sealed("sixth secret"), "active")
			source.Exec(t, key, 2, "User", "k7", "HS256", nil, "vault:v1:broken", "active")

			b := newBulk(t)
			url := keys.NewURL()
			for name, value := range map[string]string{
				"BARONG_IMPORT_FROM": source.URL, "BARONG_API_KEYS_KEY": url, "VAULT_ADDR": source.Transit.URL, "VAULT_TOKEN": source.Transit.Token, "VAULT_APP_NAME": source.Transit.App,
			} {
				b.settings[name] = value
			}
			for i, want := range []string{"3 service accounts and 4 API keys would be imported, 0 already there, 4 refused\n", "3 service accounts and 4 API keys imported, 0 already there, 4 refused\n", "0 service accounts and 0 API keys imported, 7 already there, 4 refused\n"} {
				args := []string{"import", "--restart", "--lenient"}
				if i == 0 {
					args = append(args, "--dry-run")
				}
				out, stderr := b.run(3, args...)
				if !strings.HasSuffix(out, want) {
					t.Errorf("run %d: %s%s", i, out, stderr)
				}
				for _, reason := range []string{"SI0000000004: Email is invalid", "k5: algorithm.inclusion", "k6: Holder is not there", "k7: Secret cannot be decrypted"} {
					if !strings.Contains(stderr, reason) {
						t.Errorf("run %d does not say %q: %s", i, reason, stderr)
					}
				}
				if strings.Contains(out+stderr, " secret\n") {
					t.Errorf("run %d prints a secret: %s%s", i, out, stderr)
				}
			}
			if got, want := b.text(accountsAsTexts), strings.Join([]string{
				"SI0000000001 ID0000000001 a+SI1@example.com service_account - -", "SI0000000002 b@example.com trader 5 active", "SI0000000003 ID0000000002 c@example.com service_account - disabled",
			}, "\n"); got != want {
				t.Errorf("accounts\n%s\nwant\n%s", got, want)
			}
			if got, want := b.text(keysAsTexts), strings.Join([]string{
				"k1 ID0000000001 HS256 trade,history active 2021-02-01", "k2 ID0000000004 HS256 trade inactive 2021-02-01",
				"k3 SI0000000001 HS256  inactive 2021-02-01", "k4 SI0000000003 HS256  inactive 2021-02-01",
			}, "\n"); got != want {
				t.Errorf("keys\n%s\nwant\n%s", got, want)
			}
			var secret []byte
			if err := newPool(t, b.url).QueryRow(t.Context(), "SELECT secret FROM api_keys WHERE kid = 'k1'").Scan(&secret); err != nil {
				t.Fatal(err)
			}
			if plain, err := sealerOf(t, url).Unseal(t.Context(), "k1", secret); err != nil || plain != "first secret" {
				t.Errorf("the secret is %q, %v", plain, err)
			}
			if dump := dumpOf(t, b.url); strings.Contains(dump, "first secret") {
				t.Error("the database has a secret that is not encrypted")
			}

			// A ban that a later run brings takes the keys along.
			source.Exec(t, "UPDATE users SET state = 'banned', updated_at = '2026-01-01' WHERE id = 1")
			b.run(3, "import", "--lenient")
			if got := b.text("SELECT u.state || ' ' || k.state FROM api_keys k JOIN users u ON u.id = k.user_id WHERE kid = 'k1'"); got != "banned inactive" {
				t.Errorf("a holder and its key are %s", got)
			}
		})
	}
}

func TestExportedAccountsAndKeysImport(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	url := keys.NewURL()
	b.settings["BARONG_API_KEYS_KEY"] = url
	a := start(t, withKeys, func(s *setup) { s.pool = newPool(t, b.url); s.apiKeys.sealer = sealerOf(t, url) })
	owner, banned := a.activeUser(), a.activeUser()
	robot := a.robot(parameters{"owner_uid": owner, "service_account_level": 4})
	a.robot(parameters{"service_account_email": "own@example.com", "service_account_state": "active"})
	a.key(robot)
	a.must("createAPIKey", parameters{"uid": owner, "algorithm": "HS256", "scopes": "trade,history"})
	kid := a.key(banned)
	secret := a.must("createAPIKey", parameters{"uid": banned, "algorithm": "HS256"}).object(t)["secret"].(string)
	users, accounts := filepath.Join(b.dir, "users.ndjson"), filepath.Join(b.dir, "keys.ndjson")
	b.run(0, "export", users)
	b.run(0, "api-keys", "export", accounts)
	if strings.Contains(b.read(accounts), secret) {
		t.Error("the file has a secret that is not encrypted")
	}

	other := b.sharing()
	other.settings["BARONG_API_KEYS_KEY"] = keys.NewURL()
	other.run(0, "import", users)
	if out, stderr := other.run(3, "api-keys", "import", accounts); !strings.HasPrefix(out, "2 service accounts and 0 API keys imported, 0 already there, 4 refused") || !strings.Contains(stderr, kid+": Secret cannot be decrypted") {
		t.Errorf("with another key: %s%s", out, stderr)
	}
	other.settings["BARONG_API_KEYS_KEY"] = url
	other.exec("UPDATE users SET state = 'banned' WHERE uid = '" + banned + "'")
	for _, want := range []string{"0 service accounts and 4 API keys imported, 2 already there, 0 refused", "0 service accounts and 0 API keys imported, 6 already there, 0 refused"} {
		if out, _ := other.run(0, "api-keys", "import", accounts); !strings.HasPrefix(out, want) {
			t.Errorf("imported: %s", out)
		}
	}
	a.label(banned, "fraud", "yes")
	for _, query := range []string{accountsAsTexts, keysAsTexts} {
		if got, want := other.text(query), b.text(query); got != want || got == "" {
			t.Errorf("imported\n%s\nexported\n%s", got, want)
		}
	}
	broken := other.write("broken.ndjson", "{\"user\": 1}\n")
	if _, stderr := other.run(1, "api-keys", "import", broken); !strings.Contains(stderr, "line 1 is not a service account or an API key in JSON") {
		t.Errorf("a broken file: %s", stderr)
	}
	both := other.write("both.ndjson", "{}\n{\"service_account\":{\"uid\":\"SI1\",\"email\":\"x@example.com\",\"role\":\"member\",\"owner_uid\":\"ID0000000000\"}}\n")
	if out, stderr := other.run(3, "api-keys", "import", both); !strings.Contains(out, "2 refused") || !strings.Contains(stderr, "the owner is not there") {
		t.Errorf("rows that are none: %s%s", out, stderr)
	}
}

// A user takes neither uid nor e-mail of a service account in a file either.
func TestImportLeavesWhatServiceAccountsHave(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	b.run(0, "migrate", "up")
	b.exec(`INSERT INTO service_accounts (uid, email, email_folded, role, level, state, created_at, updated_at) VALUES ('Robot7', 'Bot@example.com', 'bot@example.com', 'member', 0, 'active', now(), now())`)
	file := b.write("users.ndjson", `{"uid":"Robot7","email":"ada@example.com","password_digest":"`+digest+`"}`+"\n"+`{"email":"BOT@example.com","password_digest":"`+digest+`"}`+"\n")
	b.run(3, "import", file)
	refused := b.read(file + ".refused.ndjson")
	if !strings.Contains(refused, "Uid has already been taken") || !strings.Contains(refused, "User already exists by this email") {
		t.Errorf("refused: %s", refused)
	}
}
