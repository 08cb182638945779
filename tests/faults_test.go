package tests

import (
	"net/http"
	"strings"
	"testing"
)

func TestDatabaseThatIsGoneIsAnswered503(t *testing.T) {
	t.Parallel()
	a := start(t)
	uid := a.user(nil)
	name := a.pool.Config().ConnConfig.Database
	if err := admin(t.Context(), "ALTER DATABASE "+name+" ALLOW_CONNECTIONS false"); err != nil {
		t.Fatal(err)
	}
	if err := admin(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+name+"'"); err != nil {
		t.Fatal(err)
	}
	for operation, given := range map[string]parameters{
		"getUser":     {"uid": uid},
		"listUsers":   nil,
		"createLabel": {"user_uid": uid, "key": "email", "value": "verified"},
		"importUser":  ada,
		"createUser":  {"email": "ada@example.com", "password": "Tecohvi0"},
	} {
		// The first try finds a connection that broke, the second finds none.
		for range 2 {
			got := a.call(envelopeForm, operation, given)
			if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
				t.Errorf("%s: %d %s, Retry-After %q", operation, got.status, got.body, got.header.Get("Retry-After"))
			}
		}
	}
	if got := a.call(envelopeForm, "getTimestamp", nil); got.status != http.StatusCreated {
		t.Errorf("an operation that needs no database: %d %s", got.status, got.body)
	}
	if err := admin(t.Context(), "ALTER DATABASE "+name+" ALLOW_CONNECTIONS true"); err != nil {
		t.Fatal(err)
	}
	if got := a.call(envelopeForm, "getUser", parameters{"uid": uid}); got.status != http.StatusCreated {
		t.Errorf("with the database back: %d %s", got.status, got.body)
	}
}

func TestFaultOfOursIsA500WithoutDetails(t *testing.T) {
	t.Parallel()
	a := start(t)
	if _, err := a.pool.Exec(t.Context(), "ALTER TABLE labels RENAME TO lost"); err != nil {
		t.Fatal(err)
	}
	got := a.call(envelopeForm, "listLabels", parameters{"user_uid": "ID1"})
	got.refused(t, http.StatusInternalServerError, "Internal server error")
	log := a.log.String()
	if !strings.Contains(log, got.header.Get("X-Request-Id")) || !strings.Contains(log, "labels") {
		t.Errorf("the cause is not in the log: %s", log)
	}
}
