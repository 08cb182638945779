package bulk

import (
	"testing"
	"time"

	"barong/internal/identity"
)

const usual = `{"uid":"ID000000000A","email":"user10@bench.example","password_digest":"$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",` +
	`"created_at":"2024-01-01T00:00:10Z","phones":[{"number":"4915100000010","validated_at":"2024-01-01T00:00:10Z"}],` +
	`"first_name":"Ada","last_name":"Lovelace","dob":"1815-12-10","address":"12, St James Square","postcode":"SW1Y 4JH",` +
	`"city":"London","country":"GB","labels":[{"key":"profile","value":"verified"},{"key":"email","value":"verified"},` +
	`{"key":"phone","value":"verified"},{"key":"tier","value":"gold"}]}`

// BenchmarkCheck measures the validation of a row before it is stored.
func BenchmarkCheck(b *testing.B) {
	i := &importing{Options: Options{Policy: identity.DefaultPolicy(), UIDPrefix: "ID", Clock: time.Now}}
	b.ReportAllocs()
	for b.Loop() {
		r := &row{raw: []byte(usual)}
		if err := i.check(b.Context(), &batch{rows: []*row{r}, checked: make(chan struct{})}); err != nil || r.sentences != nil {
			b.Fatal(err, r.sentences)
		}
	}
}
