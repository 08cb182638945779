package faults

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"barong/internal/long"
)

func TestDatabaseThatIsKilledAndStartedAgain(t *testing.T) {
	long.Test(t)
	p, who := startPostgres(t), newSigners(t)
	s := serve(t, who, map[string]string{"DATABASE_URL": p.url()})
	l := startLoad(t, who, false, s)
	l.settle(200)
	p.kill()
	time.Sleep(time.Second)
	s.ready(http.StatusServiceUnavailable)
	p.start()
	l.settle(200)
	s.ready(http.StatusOK)
	l.verify(p)
}

func TestConnectionsThatAreCut(t *testing.T) {
	long.Test(t)
	p, who := startPostgres(t), newSigners(t)
	l := startLoad(t, who, false, serve(t, who, map[string]string{"DATABASE_URL": p.url()}))
	for range 10 {
		l.settle(50)
		p.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
	}
	l.settle(200)
	l.verify(p)
}

func TestDatabaseThatHangs(t *testing.T) {
	long.Test(t)
	p, who := startPostgres(t), newSigners(t)
	s := serve(t, who, map[string]string{"DATABASE_URL": p.url()})
	l := startLoad(t, who, false, s)
	l.settle(200)
	p.signal(syscall.SIGSTOP)
	time.Sleep(5 * time.Second) // past a request's deadline
	s.notReady("database")
	p.signal(syscall.SIGCONT)
	l.settle(200)
	s.ready(http.StatusOK)
	l.verify(p)
}

func TestPrimaryThatIsReplacedByItsStandby(t *testing.T) {
	long.Test(t)
	primary, who := startPostgres(t), newSigners(t)
	serve(t, who, map[string]string{"DATABASE_URL": primary.url()}).terminate() // makes the schema
	standby := primary.standby()
	s := serve(t, who, map[string]string{"DATABASE_URL": both(t, primary, standby)})
	l := startLoad(t, who, false, s)
	l.settle(200)
	primary.kill()
	s.notReady("read-only", "database") // the only host that answers is a standby, which may take a while to say so
	standby.exec("SELECT pg_promote()")
	l.settle(200)
	s.ready(http.StatusOK)
	l.verify(standby)
}

func TestServerOfAStandbyIsReadyOnceThatIsPromoted(t *testing.T) {
	long.Test(t)
	primary, who := startPostgres(t), newSigners(t)
	serve(t, who, map[string]string{"DATABASE_URL": primary.url()}).terminate() // makes the schema
	standby := primary.standby()
	s := serve(t, who, map[string]string{"DATABASE_URL": standby.url()})
	s.notReady("read-only")
	standby.exec("SELECT pg_promote()")
	s.ready(http.StatusOK)
}

// both is a URL that means whichever of two servers takes writes.
func both(t *testing.T, first, second *postgres) string {
	t.Helper()
	var hosts, ports []string
	for _, p := range []*postgres{first, second} {
		parsed, err := pgx.ParseConfig(p.url())
		if err != nil {
			t.Fatal(err)
		}
		hosts, ports = append(hosts, parsed.Host), append(ports, "5432")
	}
	parsed, err := url.Parse(first.url())
	if err != nil {
		t.Fatal(err)
	}
	query := parsed.Query()
	if query.Get("port") != "" {
		ports = []string{query.Get("port"), query.Get("port")}
	}
	query.Set("host", strings.Join(hosts, ","))
	query.Set("port", strings.Join(ports, ","))
	query.Set("target_session_attrs", "read-write")
	parsed.RawQuery = query.Encode()
	return parsed.String()
}

// ready waits until /readyz has this status.
func (s *server) ready(status int) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		answer, err := http.Get(s.admin + "/readyz")
		if err != nil {
			s.t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode == status {
			return
		}
	}
	s.t.Errorf("/readyz did not get to %d", status)
}

// notReady waits until /readyz gives this reason, and no other before it but for those that may.
func (s *server) notReady(reason string, before ...string) {
	s.t.Helper()
	var got struct{ Reason string }
	for end := time.Now().Add(time.Minute); (got.Reason == "" || slices.Contains(before, got.Reason)) && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		answer, err := http.Get(s.admin + "/readyz")
		if err != nil {
			s.t.Fatal(err)
		}
		got.Reason = ""
		_ = json.NewDecoder(answer.Body).Decode(&got)
		answer.Body.Close()
	}
	if got.Reason != reason {
		s.t.Errorf("/readyz gives the reason %q and not %q", got.Reason, reason)
	}
}
