package tests

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
)

var hostileRequests = flag.Int("hostile", 1500, "how many hostile requests TestNoInputMakesA5xx sends")

// hostile are values that have broken servers.
var hostile = []any{
	nil, "", " ", "\x00", "a\x00b", "\u2028", "\ufeff", "\U0001F9FF", strings.Repeat("é", 300), strings.Repeat("a", 70_000), "%", "%00", "%s%n", "'; DROP TABLE users; --",
	"\\", "\"", "<script>", "{}", "[]", "null", "true", "0", "-1", "1e400", "NaN", "Infinity", "9223372036854775808", "2024-02-30", "0000-01-01", "9999-12-31",
	"+442079460018", "00442079460018", "٤٤٢٠٧٩٤٦٠٠١٨", "verified", "EMAIL", "ǅ", "İ", "ß", "\u0301", "a@b", "A@B", "ada@example.com", "a@" + strings.Repeat("b.", 120) + "c",
	digest, "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$" + strings.Repeat("A", 43), "$2a$99$" + strings.Repeat("x", 53), "Tecohvi0", "updated", "private", "Passport",
	0, 1, -1, 2.5, 1e300, json.Number("1e400"), json.Number("-0"), json.Number("1E+2"), json.Number("9223372036854775807"), json.Number("-9223372036854775808"), json.Number("123456789012345678901234567890"),
	true, false,
	[]any{},
	[]any{1, "a", nil},
	map[string]any{},
	map[string]any{"payload": "e30", "signatures": []any{}},
}

func TestNoInputMakesA5xx(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(parameters{"email": "ada@example.com", "phone": "+442079460018"})
	values := append(slices.Clone(hostile), uid, uid, uid)
	random := rand.New(rand.NewPCG(1, 2))
	operations := map[string][]string{}
	for _, item := range document.Paths.Map() {
		for _, operation := range item.Operations() {
			schema := operation.RequestBody.Value.Content["application/json"].Schema.Value.AnyOf[0].Value // the other one is the envelope
			operations[operation.OperationID] = slices.Sorted(maps.Keys(schema.Properties))
		}
	}
	ids := slices.Sorted(maps.Keys(operations))
	answered := map[int]int{}
	for range *hostileRequests {
		id := ids[random.IntN(len(ids))]
		given := parameters{}
		for _, name := range operations[id] {
			if random.IntN(4) > 0 {
				given[name] = values[random.IntN(len(values))]
			}
		}
		f := forms[random.IntN(len(forms))]
		got := a.call(f, id, given)
		answered[got.status]++
		if got.status >= http.StatusInternalServerError {
			t.Errorf("%s as %s with %.300s answered %s", id, f, fmt.Sprint(given), got)
		}
	}
	t.Logf("statuses: %v", answered)
	if answered[http.StatusCreated]+answered[http.StatusOK] == 0 {
		t.Error("nothing that was sent was ever right: the values are not worth much")
	}
}
