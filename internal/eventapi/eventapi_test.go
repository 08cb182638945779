package eventapi

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"barong/clients/go/signing"
	"barong/internal/events"
	"barong/internal/identity"
	"barong/internal/journal"
)

var (
	created = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	written = time.Date(2026, 4, 2, 13, 14, 15, 600000, time.UTC)
	sent    = time.Unix(1777777777, 0)
)

// subjects has one profile and one document.
type subjects struct{ gone bool }

func (s subjects) EventProfile(context.Context, string, int) (identity.Profile, error) {
	if s.gone {
		return identity.Profile{}, identity.ErrRecordNotFound
	}
	return identity.Profile{
		FirstName: new("Ada"), LastName: new("O'Hara"), DOB: new(time.Date(1990, 5, 6, 0, 0, 0, 0, time.UTC)), Country: new("DE"),
		Metadata: []byte(`{"nationality": "DE"}`), CreatedAt: created, UpdatedAt: written,
	}, nil
}

func (s subjects) EventDocument(context.Context, int64) (identity.Document, error) {
	if s.gone {
		return identity.Document{}, identity.ErrRecordNotFound
	}
	return identity.Document{
		Type: "Passport", Number: "C01X00T47", Expire: new(time.Date(2031, 5, 6, 0, 0, 0, 0, time.UTC)), Metadata: new(`{"side":"front"}`),
		CreatedAt: created, UpdatedAt: created,
	}, nil
}

func newSigner(t *testing.T, s subjects) *Signer {
	t.Helper()
	private, _, err := signing.GenerateKey("RS256")
	if err != nil {
		t.Fatal(err)
	}
	key, err := signing.NewSigner("barong", "RS256", private)
	if err != nil {
		t.Fatal(err)
	}
	return &Signer{
		Key: key, Subjects: s, Clock: func() time.Time { return sent }, Expiry: time.Hour,
		URL: func(context.Context, identity.File) (string, error) {
			return "https://files.example/documents/doc1?expires=1&signature=a_b", nil
		},
	}
}

// payloadOf verifies the signature of a body, whose own form is fixed, and returns the payload.
func payloadOf(t *testing.T, body []byte, key crypto.PublicKey) string {
	t.Helper()
	rest, begins := strings.CutPrefix(string(body), `{"payload":"`)
	payload, rest, found := strings.Cut(rest, `","signatures":[{"protected":"eyJhbGciOiJSUzI1NiJ9","header":{"kid":"barong"},"signature":"`)
	signature, ends := strings.CutSuffix(rest, `"}]}`)
	if !begins || !found || !ends {
		t.Fatalf("the message has another form: %s", body)
	}
	digest := sha256.Sum256([]byte("eyJhbGciOiJSUzI1NiJ9." + payload))
	value, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), crypto.SHA256, digest[:], value) != nil {
		t.Error("the signature does not verify")
	}
	text, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The user of the records, with the account before and after a first label.
const (
	before = `"uid":"ID0000000001","email":"ada@example.com","role":"member","level":0,"otp":false,"state":"pending"`
	after  = `"uid":"ID0000000001","email":"ada@example.com","role":"member","level":1,"otp":false,"state":"active"`
	times  = `"created_at":"2026-03-01T12:00:00Z","updated_at":"2026-04-02T13:14:15Z"`
	inside = `"referral_uid":null,` + times
)

func account(level int, state string) *journal.Account {
	return &journal.Account{Level: level, State: state, Role: "member"}
}

func label(key string, old, value *string) []journal.LabelChange {
	return []journal.LabelChange{{ID: 3, Key: key, Scope: "private", Old: old, New: value}}
}

var (
	up   = journal.Changes{Level: &journal.Change[int]{New: 1}, State: &journal.Change[string]{Old: "pending", New: "active"}}
	down = journal.Changes{Level: &journal.Change[int]{Old: 1}, State: &journal.Change[string]{Old: "active", New: "pending"}}
)

// operations are the writes of our operations, and the events that Barong sends for them, in its order and
// with its members in order.
var operations = map[string]struct {
	changes journal.Changes
	events  []string
}{
	"/users": {journal.Changes{Created: true, Account: account(0, "pending"), Fields: []string{"data"}}, []string{
		`{"record":{` + before + `,` + times + `},"name":"model.user.created"}`,
	}},
	"/users/import with a profile": {
		journal.Changes{Created: true, Account: account(0, "pending"), Level: up.Level, State: up.State, Labels: label("profile", nil, new("verified")), Profile: &journal.Profile{Number: 1}},
		[]string{
			`{"record":{` + before + `,` + times + `},"name":"model.user.created"}`,
			`{"record":{` + after + `,` + times + `},"changes":{"level":0,"state":"pending"},"name":"model.user.updated"}`,
			`{"record":{"id":3,"key":"profile","value":"verified","user":{` + after + `,` + inside + `}},"name":"model.label.created"}`,
			`{"record":{"user":{` + after + `,` + inside + `},"first_name":"Ada","last_name":"O'Hara","dob":"1990-05-06","country":"DE","metadata":"{\"nationality\": \"DE\"}",` + times + `},"name":"model.profile.created"}`,
		},
	},
	"/labels": {journal.Changes{Account: account(0, "pending"), Level: up.Level, State: up.State, Labels: label("email", nil, new("verified"))}, []string{
		`{"record":{` + after + `,` + times + `},"changes":{"level":0,"state":"pending"},"name":"model.user.updated"}`,
		`{"record":{"id":3,"key":"email","value":"verified","user":{` + after + `,` + inside + `}},"name":"model.label.created"}`,
	}},
	"PUT /labels of a verified document": {journal.Changes{Account: account(1, "active"), Labels: label("document", new("pending"), new("verified"))}, []string{
		`{"record":{"id":3,"key":"document","value":"verified","user":{` + after + `,` + inside + `}},"name":"system.document.verified"}`,
		`{"record":{"id":3,"key":"document","value":"verified","user":{` + after + `,` + inside + `}},"changes":{"value":"pending"},"name":"model.label.updated"}`,
	}},
	"/labels of a rejected document": {journal.Changes{Account: account(1, "active"), Labels: label("document", nil, new("rejected"))}, []string{
		`{"record":{"id":3,"key":"document","value":"rejected","user":{` + after + `,` + inside + `}},"name":"system.document.rejected"}`,
		`{"record":{"id":3,"key":"document","value":"rejected","user":{` + after + `,` + inside + `}},"name":"model.label.created"}`,
	}},
	"PUT /labels of the same value": {journal.Changes{}, nil},
	"PUT /labels of a description": {journal.Changes{Account: account(1, "active"), Labels: label("document", new("verified"), new("verified"))}, []string{
		`{"record":{"id":3,"key":"document","value":"verified","user":{` + after + `,` + inside + `}},"changes":{},"name":"model.label.updated"}`,
	}},
	"/labels/delete": {journal.Changes{Account: account(1, "active"), Level: down.Level, State: down.State, Labels: label("document", new("verified"), nil)}, []string{
		`{"record":{` + before + `,` + times + `},"changes":{"level":1,"state":"active"},"name":"model.user.updated"}`,
	}},
	"/documents": {journal.Changes{Account: account(0, "pending"), Labels: label("document", nil, new("pending")), Document: &journal.File{ID: 9}}, []string{
		`{"record":{"id":3,"key":"document","value":"pending","user":{` + before + `,` + inside + `}},"name":"model.label.created"}`,
		`{"record":{"user":{` + before + `,` + inside + `},"upload":"https%3A%2F%2Ffiles.example%2Fdocuments%2Fdoc1%3Fexpires%3D1%26signature%3Da_b","doc_type":"Passport","doc_number":"C01X00T47","doc_expire":"2031-05-06","metadata":"{\"side\":\"front\"}","created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00Z"},"name":"model.document.created"}`,
	}},
	"users update of a password": {journal.Changes{Account: account(1, "active"), Fields: []string{"password"}}, []string{
		`{"record":{` + after + `,` + times + `},"changes":{},"name":"model.user.updated"}`,
	}},
}

var entry = uuid.MustParse("01890a5d-ac96-774b-bcce-b302099a8057")

func messagesOf(t *testing.T, changes journal.Changes) []Message {
	t.Helper()
	changed, err := json.Marshal(changes)
	if err != nil {
		t.Fatal(err)
	}
	uid := "ID0000000001"
	all, err := events.Of(&journal.Row{Seq: 7, UID: &uid, Record: journal.Record{Entry: entry, At: written}, Changed: changed})
	if err != nil {
		t.Fatal(err)
	}
	return Of(all)
}

func ada() *identity.User {
	return &identity.User{UID: "ID0000000001", Email: "ada@example.com", Role: "admin", State: "banned", CreatedAt: created, UpdatedAt: written.Add(time.Hour)}
}

// Guards the wire of Barong: for each write which messages there are, in which order, with which members
// in which order and with which nulls. The account is that of the write, though the user has another now.
func TestMessagesAreThoseOfBarong(t *testing.T) {
	t.Parallel()
	signer := newSigner(t, subjects{})
	for name, test := range operations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			messages := messagesOf(t, test.changes)
			if len(messages) != len(test.events) {
				t.Fatalf("there are %d messages, not %d", len(messages), len(test.events))
			}
			for i, m := range messages {
				body, err := signer.Body(t.Context(), &m, ada())
				if err != nil {
					t.Fatal(err)
				}
				want := `{"iss":"barong","jti":"` + m.ID.String() + `","iat":1777777777,"exp":1777781377,"event":` + test.events[i] + `}`
				if payload := payloadOf(t, body, signer.Key.PublicKey()); payload != want {
					t.Errorf("message %d is\n%s\nand not\n%s", i, payload, want)
				}
				if _, key, _ := strings.Cut(m.Name, "."); m.RoutingKey() != key || m.Exchange() != "barong.events."+strings.TrimSuffix(m.Name, "."+key) || m.Index != i || !Known(m.Name) {
					t.Errorf("%s is published to %s with %s", m.Name, m.Exchange(), m.RoutingKey())
				}
			}
		})
	}
}

// Guards that the identifiers of a row's messages differ, and are the same whenever they are derived.
func TestIdentifiersOfMessages(t *testing.T) {
	t.Parallel()
	changes := operations["PUT /labels of a verified document"].changes
	first, again := messagesOf(t, changes), messagesOf(t, changes)
	if first[0].ID == first[1].ID || first[0].ID != again[0].ID || first[1].ID != again[1].ID {
		t.Errorf("the identifiers are %v and %v", first, again)
	}
}

// Guards that a user's referral is told, and that nothing is sent of a profile or a document that is gone.
func TestReferralsAndWhatIsGone(t *testing.T) {
	t.Parallel()
	signer, user := newSigner(t, subjects{gone: true}), ada()
	user.ReferralUID = new("ID0000000002")
	for i, m := range messagesOf(t, operations["/users/import with a profile"].changes) {
		body, err := signer.Body(t.Context(), &m, user)
		if i == 3 {
			if !errors.Is(err, ErrGone) {
				t.Errorf("the profile is gone, and the message is %s, %v", body, err)
			}
		} else if err != nil || !strings.Contains(payloadOf(t, body, signer.Key.PublicKey()), `"referral_uid":"ID0000000002"`) {
			t.Errorf("%s, %v", body, err)
		}
	}
	for i, m := range messagesOf(t, operations["/documents"].changes) {
		if _, err := signer.Body(t.Context(), &m, user); i == 1 && !errors.Is(err, ErrGone) {
			t.Errorf("the document is gone: %v", err)
		}
	}
}
