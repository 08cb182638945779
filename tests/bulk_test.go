package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/jackc/pgx/v5"

	"barong/internal/keys"
	"barong/internal/long"
)

// bulkFile is a database and a folder for files of users.
type bulkFile struct {
	t        testing.TB
	dir      string
	url      string
	settings map[string]string
}

func newBulk(t testing.TB) bulkFile {
	t.Helper()
	b := bulkFile{t: t, dir: t.TempDir(), url: newDatabase(t)}
	b.settings = map[string]string{"DATABASE_URL": b.url, "BARONG_DATA_DIR": filepath.Join(b.dir, "data"), "BARONG_OTP_KEY": keys.NewURL()}
	return b
}

// sharing is another database whose secrets are encrypted by the same key.
func (b bulkFile) sharing() bulkFile {
	other := newBulk(b.t)
	other.settings["BARONG_OTP_KEY"] = b.settings["BARONG_OTP_KEY"]
	return other
}

func (b bulkFile) write(name, content string) string {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b bulkFile) read(path string) string {
	b.t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(content)
}

func (b bulkFile) run(want int, args ...string) (stdout, stderr string) {
	b.t.Helper()
	stdout, stderr, status := barong(b.t, b.settings, args...)
	if status != want {
		b.t.Fatalf("%v: %d, want %d\n%s%s", args, status, want, stdout, stderr)
	}
	return stdout, stderr
}

func (b bulkFile) count(query string) (n int64) {
	b.t.Helper()
	connection, err := pgx.Connect(b.t.Context(), b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	defer connection.Close(context.Background())
	if err := connection.QueryRow(b.t.Context(), query).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b bulkFile) exec(statement string) {
	b.t.Helper()
	connection, err := pgx.Connect(b.t.Context(), b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	defer connection.Close(context.Background())
	if _, err := connection.Exec(b.t.Context(), statement); err != nil {
		b.t.Fatal(err)
	}
}

// everything is users with all that a file can carry.
var everything = strings.ReplaceAll(`
{"uid":"IDAAAAAAAAAA","email":"Ada@Example.com","password_digest":"DIGEST","role":"admin","state":"banned","otp":true,"otp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP","referral_uid":"IDBBBBBBBBBB","data":"{\"a\": \"b,\\n\"}","created_at":"2020-02-03T04:05:06Z","updated_at":"2021-02-03T04:05:06.123456Z","phones":[{"number":"4915100000001","validated_at":"2020-02-03T04:05:07Z"},{"number":"4915100000002","created_at":"2020-02-03T04:05:09Z","updated_at":"2020-02-03T04:05:10Z"}],"first_name":"Ada","last_name":"O'Neil","dob":"1985-12-10","address":"12, \"St\" James","postcode":"SW1Y 4JH","city":"Łódź","country":"POL","profile_metadata":{"a":[1,"ü"]},"profile_created_at":"2020-02-03T04:05:08Z","profile_updated_at":"2020-02-03T04:05:09Z","labels":[{"key":"email","value":"verified","description":"by a \"link\""},{"key":"email","value":"pending","scope":"public","created_at":"2020-03-03T04:05:06Z"},{"key":"tier","value":"gold","created_at":"2020-02-04T04:05:06Z","updated_at":"2020-02-05T04:05:06Z"}]}
{"uid":"IDBBBBBBBBBB","email":"b@example.com","password_digest":"DIGEST","role":"member","state":"pending","data":"","created_at":"2020-02-03T04:05:06Z"}
{"uid":"IDCCCCCCCCCC","email":"c@example.com","password_digest":"DIGEST","role":"member","state":"pending","otp":true,"referral_uid":"IDAAAAAAAAAA","created_at":"2020-02-03T04:05:06Z","first_name":"Carl","labels":[]}
`[1:], "DIGEST", digest)

func TestExportOfWhatWasExportedAndImportedIsTheSame(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	b.run(0, "import", b.write("users.ndjson", everything))
	first, stderr := b.run(0, "export", "--secrets")
	if first != everything {
		t.Errorf("what came out\n%swent in as\n%s", first, everything)
	}
	if !strings.Contains(stderr, "password digests") {
		t.Errorf("export says %s", stderr)
	}
	if n := b.count("SELECT sum(level) FROM users"); n != 1 {
		t.Errorf("the levels together are %d, and the labels give 1", n)
	}

	csv := filepath.Join(b.dir, "users.csv")
	b.run(0, "export", csv, "--secrets")
	if info, err := os.Stat(csv); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file's mode: %v %v", info, err)
	}
	if _, stderr := b.run(1, "export", csv); !strings.Contains(stderr, "exists") {
		t.Errorf("export over a file: %s", stderr)
	}
	other := b.sharing()
	other.run(0, "import", csv)
	// CSV knows no difference between an empty text and none.
	want := strings.Replace(everything, `"data":"",`, "", 1)
	if got, _ := other.run(0, "export", "--secrets"); got != want {
		t.Errorf("by way of CSV\n%sbecame\n%s", want, got)
	}
	if got, _ := other.run(0, "export"); strings.Contains(got, "otp_secret") {
		t.Error("secrets were exported without --secrets")
	}
}

func TestRefusedRowsAreMendedInTheirFileAndImportedFromIt(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"ndjson", "csv"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			b := newBulk(t)
			rows := []string{ // e-mail, digest, phone, uid, referral
				"a@example.com,DIGEST,+49 151 00000001,,",
				"A@EXAMPLE.COM,DIGEST,,,",
				"b@example.com,DIGEST,4915100000001,,",
				"bad_email,nonsense,12,,",
				"c@example.com,DIGEST,,IDCCCCCCCCCC,IDDDDDDDDDDD",
				"d@example.com,DIGEST,,IDDDDDDDDDDD,IDCCCCCCCCCC",
				"e@example.com,DIGEST,,IDDDDDDDDDDD,",
				"f@example.com,DIGEST,,IDFFFFFFFFFF,IDEEEEEEEEEE",
				"g@example.com,DIGEST,,,IDFFFFFFFFFF",
			}
			content := "email,password_digest,phone,uid,referral_uid\n" + strings.Join(rows, "\n") + "\n"
			if format == "ndjson" {
				content = ""
				for _, each := range rows {
					fields := strings.Split(each, ",")
					content += fmt.Sprintf("{\"email\":%q,\"password_digest\":%q,\"phone\":%q,\"uid\":%q,\"referral_uid\":%q}\n", fields[0], fields[1], fields[2], fields[3], fields[4])
				}
			}
			content = strings.ReplaceAll(content, "DIGEST", digest)
			file := b.write("users."+format, content)

			dry, _ := b.run(3, "import", file, "--dry-run", "--batch", "2", "--refused", file+".dry")
			if n := b.count("SELECT count(*) FROM users"); n != 0 {
				t.Errorf("the dry run stored %d users", n)
			}
			out, stderr := b.run(3, "import", file)
			if !strings.HasPrefix(out, "3 imported, 6 refused") || !strings.HasPrefix(dry, "3 would be imported, 6 refused") {
				t.Errorf("import: %s%s\ndry run: %s", out, stderr, dry)
			}
			refused := b.read(file + ".refused." + format)
			for _, want := range []string{
				"User already exists by this email", "Number has already been taken", "Email is invalid", "Password digest is invalid",
				"Number is invalid", "Uid has already been taken", "Referral uid is not found",
			} {
				if !strings.Contains(refused, want) {
					t.Errorf("the refused rows lack %q:\n%s", want, refused)
				}
			}
			if !strings.Contains(stderr, "Email is invalid, Password digest is invalid, Number is invalid") {
				t.Errorf("the first refusals are not shown: %s", stderr)
			}

			mended := strings.NewReplacer("bad_email", "h@example.com", "nonsense", digest, "A@EXAMPLE.COM", "i@example.com",
				`"phone":"12"`, `"phone":null`, ",12,", ",,", "4915100000001", "+4915100000002", "IDEEEEEEEEEE", "IDCCCCCCCCCC").Replace(refused)
			mended = strings.Replace(mended, "IDDDDDDDDDDD", "ID9999999999", 1)
			out, stderr = b.run(0, "import", b.write("mended."+format, mended))
			if !strings.HasPrefix(out, "6 imported, 0 refused") {
				t.Errorf("mended: %s%s\n%s", out, stderr, mended)
			}
			if n := b.count("SELECT sum(n) FROM user_counts"); n != 9 {
				t.Errorf("%d users are counted, and 9 there", n)
			}
			out, _ = b.run(3, "import", file)
			if !strings.Contains(out, "was imported on") {
				t.Errorf("the same file again: %s", out)
			}
			b.run(3, "import", file, "--restart")
			if n := b.count("SELECT count(*) FROM users"); n != 9 {
				t.Errorf("a second import made of 9 users %d", n)
			}
		})
	}
}

func TestRowsThatCannotBeReadAreRefusedAndTheOthersImported(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	good := fmt.Sprintf(`{"email":"a@example.com","password_digest":%q}`, digest)
	content := strings.Join([]string{
		"[]", `{"email":`, `{"email":"b@example.com","nickname":1}`, `{"email":"a","email":"b"}`, `{"labels":{}}`, "", good,
		`{"email":"b@example.com","labels":[{"key":"ab","value":"abc","scope":"secret"}],"created_at":"yesterday","state":"odd","role":"A","uid":"../x","data":"\u0000","profile_metadata":5,"otp_secret":"1"} `,
	}, "\n")
	b.run(3, "import", b.write("users.ndjson", content))
	var got []string
	for line := range strings.Lines(b.read(filepath.Join(b.dir, "users.ndjson.refused.ndjson"))) {
		var row struct {
			Line   int      `json:"line"`
			Errors []string `json:"errors"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		got = append(got, fmt.Sprint(row.Line, " ", strings.Join(row.Errors, "; ")))
	}
	want := []string{
		"1 Row is not a JSON object", "2 Row is not a JSON object", "3 nickname is unknown", "4 email is given twice", "5 labels is invalid",
		"8 Password digest is invalid; Profile metadata is not a JSON object; Uid only allows 3 to 36 letters and digits: \"../x\"; Role is invalid: \"A\"; " +
			"State must be one of pending, active, banned, deleted, locked: \"odd\"; Data is invalid; Key is too short (minimum is 3 characters); Scope is invalid; " +
			"Created at is invalid: \"yesterday\"; Otp secret is invalid: the secret must be base32: letters and the digits 2 to 7",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if n := b.count("SELECT count(*) FROM users"); n != 1 {
		t.Errorf("%d users, want 1", n)
	}
	for name, header := range map[string]string{"unknown.csv": "email,nickname\n", "twice.csv": "email,email\n", "empty.csv": ""} {
		if _, stderr := b.run(1, "import", b.write(name, header)); !strings.Contains(stderr, "header") {
			t.Errorf("%s: %s", name, stderr)
		}
	}
	b.run(2, "import", b.write("users.txt", ""))
}

// A third of the rows is refused. Whatever a kill interrupts, the run that goes on
// makes it the same as one that was never killed.
func TestImportThatIsKilledGoesOnWithoutDuplicatesOrGaps(t *testing.T) {
	long.Test(t)
	t.Parallel()
	const rows = 9000
	var content bytes.Buffer
	for i := range rows {
		email := fmt.Sprintf("user%d@example.com", i)
		if i%3 == 0 {
			email = fmt.Sprintf("bad%d", i)
		}
		fmt.Fprintf(&content, "{\"email\":%q,\"password_digest\":%q,\"phone\":\"49151%08d\",\"first_name\":\"Ada\"}\n", email, digest, i)
	}
	b := newBulk(t)
	file := b.write("users.ndjson", content.String())
	b.runKilled(10, int64(content.Len()), 3, "import", file, "--batch", "100")
	for query, want := range map[string]int64{
		"SELECT count(*) FROM users": rows / 3 * 2, "SELECT count(*) FROM phones": rows / 3 * 2, "SELECT count(*) FROM profiles": rows / 3 * 2,
		"SELECT count(*) FROM labels": rows / 3 * 2, "SELECT sum(n) FROM user_counts": rows / 3 * 2,
		"SELECT imported FROM import_runs": rows / 3 * 2, "SELECT refused FROM import_runs": rows / 3,
	} {
		if got := b.count(query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	refused := b.read(file + ".refused.ndjson")
	if lines := strings.Count(refused, "\n"); lines != rows/3 {
		t.Errorf("%d refused rows in the file, want %d", lines, rows/3)
	}
	for i := 0; i < rows; i += 3 {
		if strings.Count(refused, fmt.Sprintf("\"bad%d\"", i)) != 1 {
			t.Fatalf("row %d is not in the file of refused rows once", i)
		}
	}
	exported, _ := b.run(0, "export")
	at := 0
	for i := range rows {
		if i%3 == 0 {
			continue
		}
		found := strings.Index(exported[at:], fmt.Sprintf("\"user%d@", i))
		if found < 0 {
			t.Fatalf("user %d does not follow the one before it in the file", i)
		}
		at += found
	}
}

// Every batch refers to the one before it and wants what that one took.
func TestBatchesThatAreStoredAtTheSameTimeSeeEachOther(t *testing.T) {
	t.Parallel()
	var content bytes.Buffer
	const rows = 3000
	for i := range rows {
		fmt.Fprintf(&content, "{\"uid\":\"ID%05d\",\"email\":\"user%d@example.com\",\"password_digest\":%q,\"phone\":\"49151%08d\"", i, i/2, digest, i/2)
		if i >= 25 && i%2 == 0 {
			fmt.Fprintf(&content, ",\"referral_uid\":\"ID%05d\"", (i-25)/2*2)
		}
		content.WriteString("}\n")
	}
	b := newBulk(t)
	out, stderr := b.run(3, "import", b.write("users.ndjson", content.String()), "--batch", "7")
	if !strings.HasPrefix(out, fmt.Sprintf("%d imported, %d refused", rows/2, rows/2)) {
		t.Fatalf("%s%s", out, stderr)
	}
	if n := b.count("SELECT count(*) FROM users WHERE referral_id IS NOT NULL"); n != rows/2-13 {
		t.Errorf("%d users have a referrer, want %d", n, rows/2-13)
	}
}

// Somebody else takes addresses of the file while it is imported.
func TestImportThatLosesAnAddressToSomebodyElseRefusesThatRowOnly(t *testing.T) {
	t.Parallel()
	var content bytes.Buffer
	const rows = 4000
	for i := range rows {
		fmt.Fprintf(&content, "{\"email\":\"user%d@example.com\",\"password_digest\":%q}\n", i, digest)
	}
	b := newBulk(t)
	c := command(t, b.settings, "import", b.write("users.ndjson", content.String()), "--batch", "40")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	pool := newPool(t, b.url)
	var mine int64
	for i := rows - 1; ; i-- {
		select {
		case <-ended:
		default:
			tag, err := pool.Exec(t.Context(), `INSERT INTO users (uid, email, email_folded, password_digest, created_at, updated_at)
				VALUES ($1, $2, $2, 'x', now(), now()) ON CONFLICT DO NOTHING`, fmt.Sprintf("MINE%d", i), fmt.Sprintf("user%d@example.com", rand.IntN(rows)))
			if err != nil {
				t.Fatal(err)
			}
			mine += tag.RowsAffected()
			continue
		}
		break
	}
	if got := b.count("SELECT count(*) FROM users"); got != rows {
		t.Errorf("%d users, want %d\n%s", got, rows, &stderr)
	}
	if got := b.count("SELECT imported FROM import_runs"); got != rows-mine {
		t.Errorf("%d imported, and %d of %d were taken", got, mine, rows)
	}
}

func TestStandardInputIsImportedAndGoesOnUnderAName(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	content := "email,password_digest\na@example.com," + digest + "\n\"b@example.com\",\"" + digest + "\"\n"
	feed := func(want int, args ...string) string {
		t.Helper()
		c := command(t, b.settings, append([]string{"import", "-", "--format", "csv"}, args...)...)
		c.Dir, c.Stdin = b.dir, strings.NewReader(content)
		output, _ := c.CombinedOutput()
		if c.ProcessState.ExitCode() != want {
			t.Fatalf("%v: %d %s", args, c.ProcessState.ExitCode(), output)
		}
		return string(output)
	}
	feed(0, "--resume", "dump")
	if out := feed(0, "--resume", "dump"); !strings.Contains(out, "was imported on") {
		t.Errorf("the same name again: %s", out)
	}
	if out := feed(3); !strings.Contains(out, "0 imported, 2 refused") {
		t.Errorf("without a name: %s", out)
	}
	// As an earlier run left it that was killed behind the first row.
	connection, err := pgx.Connect(t.Context(), b.url)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.Background())
	position := strings.Index(content, "\"b@")
	if _, err := connection.Exec(t.Context(), "UPDATE import_runs SET finished_at = NULL, position = $1, line = 2, imported = 1; ", position); err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Exec(t.Context(), "DELETE FROM users WHERE email = 'b@example.com'"); err != nil {
		t.Fatal(err)
	}
	if out := feed(0, "--resume", "dump"); !strings.Contains(out, "2 imported, 0 refused") {
		t.Errorf("going on: %s", out)
	}
}

// Spreadsheets write semicolons where a comma stands in numbers, and UTF-16 or
// Latin-1 where they are told to write Unicode or nothing.
func TestCSVOfSpreadsheetsIsImported(t *testing.T) {
	t.Parallel()
	b := newBulk(t)
	text := func(n int) string {
		return fmt.Sprintf("Email ;PASSWORD_DIGEST;First_Name;City\nzoe%d@example.com;%s;Zo\u00eb;K\u00f6ln\n", n, digest)
	}
	var marked []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text(2))) {
		marked = append(marked, byte(unit), byte(unit>>8))
	}
	latin := strings.NewReplacer("\u00eb", "\xeb", "\u00f6", "\xf6").Replace(text(3))
	b.run(0, "import", b.write("semicolons.csv", text(1)))
	b.run(0, "import", b.write("utf16.csv", string(marked)))
	if _, stderr := b.run(1, "import", b.write("latin.csv", latin)); !strings.Contains(stderr, "--encoding latin-1") {
		t.Errorf("Latin-1: %s", stderr)
	}
	b.run(0, "import", filepath.Join(b.dir, "latin.csv"), "--encoding", "latin-1")
	b.run(0, "import", b.write("bars.csv", strings.ReplaceAll(text(4), ";", "|")), "--delimiter", "|")
	if n := b.count("SELECT count(*) FROM profiles WHERE first_name = 'Zo\u00eb' AND city = 'K\u00f6ln'"); n != 4 {
		t.Errorf("%d of 4 users are who they are", n)
	}
	if _, stderr := b.run(1, "import", b.write("misspelt.csv", "email;pasword_digest\n")); !strings.Contains(stderr, `did you mean "password_digest"?`) {
		t.Errorf("a misspelt column: %s", stderr)
	}

	// Refused rows have the delimiter of the input, so that their file can be imported.
	b.run(3, "import", b.write("refused.csv", "email;password_digest;state\nada@example.com;"+digest+";bannd\n"))
	refused := b.read(filepath.Join(b.dir, "refused.csv.refused.csv"))
	if !strings.HasPrefix(refused, "email;password_digest;state;line;errors\n") || !strings.Contains(refused, `bannd`) || !strings.Contains(refused, `locked: \""bannd\""`) {
		t.Errorf("the refused rows: %s", refused)
	}
	b.run(0, "import", b.write("mended.csv", strings.Replace(refused, ";bannd;", ";banned;", 1)))
}
