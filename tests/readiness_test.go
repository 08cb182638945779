package tests

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"barong/clients/go/signing"
)

// readiness is "ready", or the reason for which the server is not. The metrics must
// say the same.
func (p *process) readiness() string {
	p.t.Helper()
	response, err := http.Get("http://" + p.admin + "/readyz")
	if err != nil {
		p.t.Fatal(err)
	}
	got := read(p.t, response).object(p.t)
	metrics := p.scrape()
	reason, _ := got["reason"].(string)
	if got["status"] == "ready" {
		reason = "ready"
	}
	wantReady := 0.0
	if reason == "ready" {
		wantReady = 1
	}
	if value(metrics["barong_database_ready"]) != wantReady {
		p.t.Errorf("/readyz says %v, and barong_database_ready is %v", got, value(metrics["barong_database_ready"]))
	}
	for _, each := range []string{"database", "read-only", "pool", "schema"} {
		want := 0.0
		if each == reason {
			want = 1
		}
		if is := value(metrics["barong_database_not_ready"], "reason="+each); is != want {
			p.t.Errorf("/readyz says %v, and barong_database_not_ready for %s is %v", got, each, is)
		}
	}
	return reason
}

func TestReadinessSaysWhyNot(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	p := supervised(t, map[string]string{"DATABASE_URL": url, "BARONG_DRAIN_DELAY": "5s"})
	ask := func(path string) (int, map[string]any) {
		response, err := http.Get("http://" + p.admin + path)
		if err != nil {
			return 0, nil
		}
		got := read(t, response)
		if got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s is of the type %s", path, got.header.Get("Content-Type"))
		}
		return got.status, got.object(t)
	}
	expect := func(status int, member, value string) { // a check that takes too long says something else
		t.Helper()
		eventually(t, value, func() bool {
			got, body := ask("/readyz")
			return got == status && body[member] == value
		})
	}
	if got, body := ask("/healthz"); got != http.StatusOK || body["status"] != "ok" {
		t.Errorf("/healthz: %d %v", got, body)
	}
	expect(http.StatusOK, "status", "ready")
	pool := newPool(t, url)
	var newest int64
	if err := pool.QueryRow(t.Context(), "DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version) RETURNING version_id").Scan(&newest); err != nil {
		t.Fatal(err)
	}
	expect(http.StatusServiceUnavailable, "reason", "schema")
	// One that is newer than the binary is good: the next release runs beside this one.
	if _, err := pool.Exec(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, true)", newest+1); err != nil {
		t.Fatal(err)
	}
	expect(http.StatusOK, "status", "ready")
	if _, err := pool.Exec(t.Context(), "ALTER TABLE goose_db_version RENAME TO lost"); err != nil {
		t.Fatal(err)
	}
	expect(http.StatusServiceUnavailable, "reason", "database")
	p.signal(syscall.SIGTERM)
	eventually(t, "the server drains", func() bool {
		got, body := ask("/readyz")
		return got == http.StatusServiceUnavailable && body["reason"] == "draining"
	})
	p.stops()
}

// An operator who sees "database" looks at Postgres; one who sees "pool" at what holds
// the connections.
func TestReadinessTellsAPoolThatIsUsedUpFromADatabaseThatIsGone(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	p := supervised(t, map[string]string{"DATABASE_URL": with(url, "pool_max_conns=1&lock_timeout=0")})
	pool := newPool(t, url)
	release := holdLock(t, pool, "LOCK TABLE users")
	answered := make(chan int, 1)
	go func() {
		answered <- p.post("/users/get", bearer(t, signing.NewClaims(time.Now(), time.Hour)), `{"uid":"ID0000000000"}`, nil).status
	}()
	eventually(t, "the request waits for the table", func() bool {
		var waiting int
		err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting)
		return err == nil && waiting == 1
	})
	eventually(t, "with no connection left: pool", func() bool { return p.readiness() == "pool" })
	release()
	if got := <-answered; got != http.StatusNotFound {
		t.Errorf("the request that waited: %d", got)
	}
	eventually(t, "ready afterwards", func() bool { return p.readiness() == "ready" })
}

// Under load a database that hangs holds every connection of the pool, which is then
// not the cause.
func TestReadinessBlamesADatabaseThatHangs(t *testing.T) {
	t.Parallel()
	between, url := relayTo(t, newDatabase(t))
	p := supervised(t, map[string]string{"DATABASE_URL": with(url, "pool_max_conns=1"), "BARONG_REQUEST_TIMEOUT": "1m"})
	eventually(t, "ready before", func() bool { return p.readiness() == "ready" })
	between.gate.Lock()
	token := bearer(t, signing.NewClaims(time.Now(), time.Hour))
	answered := make(chan int, 4)
	for range cap(answered) {
		go func() { answered <- p.post("/users/get", token, `{"uid":"ID0000000000"}`, nil).status }()
	}
	eventually(t, "requests hold all connections", func() bool { return value(p.scrape()["barong_database_connections_busy"]) == 1 })
	for range 2 { // over the connection that was there, and over a new one
		began := time.Now()
		if got := p.readiness(); got != "database" {
			t.Errorf("while it hangs: %s", got)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the check took %s", took)
		}
	}
	between.gate.Unlock()
	for range cap(answered) {
		if got := <-answered; got != http.StatusNotFound {
			t.Errorf("a request that waited: %d", got)
		}
	}
	eventually(t, "ready again", func() bool { return p.readiness() == "ready" })
}

func TestReadinessSaysThatTheDatabaseTakesNoWrites(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	p := supervised(t, map[string]string{"DATABASE_URL": url})
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	writable := func(setting string) {
		for _, statement := range []string{
			"ALTER DATABASE " + config.Database + " SET default_transaction_read_only = " + setting,
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + config.Database + "'",
		} {
			if err := admin(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
			if setting == "off" {
				return // as an operator leaves it: connections that are open stay as they are
			}
		}
	}
	token := bearer(t, signing.NewClaims(time.Now(), time.Hour))
	signUp := func() int {
		return p.post("/users", token, `{"email":"`+"ada@example.com"+`","password":"Tecohvi0"}`, nil).status
	}
	writable("on")
	eventually(t, "the requests' connections are read-only", func() bool { return p.readiness() == "read-only" })
	for range 3 {
		if got := signUp(); got != http.StatusServiceUnavailable {
			t.Fatalf("a write: %d", got)
		}
	}
	writable("off")
	eventually(t, "ready again", func() bool { return p.readiness() == "ready" })
	if got := signUp(); got != http.StatusCreated {
		t.Errorf("a write after it was ready again: %d", got)
	}
}

// A probe that itself takes what it watches makes an outage of a shortage.
func TestReadinessChecksShareOneConnectionAndDoWithoutIt(t *testing.T) {
	t.Parallel()
	database := newDatabase(t)
	config, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	role := config.Database // as unique
	for _, statement := range []string{
		"CREATE ROLE " + role + " LOGIN PASSWORD 'secret' IN ROLE pg_read_all_data, pg_write_all_data",
		"ALTER DATABASE " + config.Database + " OWNER TO " + role,
	} {
		if err := admin(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		_ = admin(context.Background(), "ALTER DATABASE "+config.Database+" OWNER TO CURRENT_USER")
		if err := admin(context.Background(), "DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	limited, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	limited.User = url.UserPassword(role, "secret")
	query := limited.Query()
	query.Del("user")
	query.Del("password")
	limited.RawQuery = query.Encode()
	p := supervised(t, map[string]string{"DATABASE_URL": with(limited.String(), "pool_max_conns=2")})
	pool := newPool(t, database)
	open := func() (n int) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE usename = $1", role).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			eventually(t, "one of many checks is answered", func() bool { return status(t, "http://"+p.admin+"/readyz") == http.StatusOK })
		})
	}
	group.Wait()
	eventually(t, "two or three connections are open after many checks", func() bool { // two of the pool; one that ends is still counted
		n := open()
		return n == 2 || n == 3
	})
	// One connection is all that the database gives, and the pool has it.
	if err := admin(t.Context(), "ALTER ROLE "+role+" CONNECTION LIMIT 1"); err != nil {
		t.Fatal(err)
	}
	if err := admin(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '"+role+"'"); err != nil {
		t.Fatal(err)
	}
	token := bearer(t, signing.NewClaims(time.Now(), time.Hour))
	eventually(t, "requests are served over one connection", func() bool {
		return p.post("/users/get", token, `{"uid":"ID0000000000"}`, nil).status == http.StatusNotFound
	})
	eventually(t, "the server is ready with one connection for all", func() bool { return p.readiness() == "ready" })
}
