package tests

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"barong/internal/long"
	"barong/repository"
)

// hookSettings are those of a server with one endpoint, named crm, at a receiver.
func hookSettings(t *testing.T, r *receiver) map[string]string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"webhooks.yml": fmt.Sprintf("endpoints:\n  - name: crm\n    url: %s/hook\n    secret: %s\n    allow_networks: [127.0.0.0/8]\n", r.URL, r.secret),
		"roots.pem":    string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw})),
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]string{
		"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t),
		"BARONG_WEBHOOKS": filepath.Join(dir, "webhooks.yml"), "SSL_CERT_FILE": filepath.Join(dir, "roots.pem"),
	}
}

// accountIn returns level and state of the user in a message of Barong's Event API.
func accountIn(t *testing.T, message amqp.Delivery) (level int, state string) {
	t.Helper()
	var envelope struct{ Payload string }
	var payload struct {
		Event struct {
			Record struct {
				User struct {
					Level int
					State string
				}
			}
		}
	}
	if err := json.Unmarshal(message.Body, &envelope); err != nil {
		t.Fatal(err)
	}
	text, err := base64.RawURLEncoding.DecodeString(envelope.Payload)
	if err == nil {
		err = json.Unmarshal(text, &payload)
	}
	if err != nil {
		t.Fatal(err)
	}
	return payload.Event.Record.User.Level, payload.Event.Record.User.State
}

// Guards the way of a write through a server: its row is sealed within a second, the broker and the
// endpoint have it with the account as the write left it, and the commands and the checkpoint vouch for it.
func TestAWriteReachesTheJournalAndTheReceivers(t *testing.T) {
	long.Test(t)
	t.Parallel()
	r, broker := newReceiver(t), newBrokerURL(t)
	queue := bind(t, broker, "", false, nil, "model.label.created")
	settings := hookSettings(t, r)
	settings["BARONG_EVENTS_AMQP_URL"], settings["BARONG_IDEMPOTENCY"] = broker, "on"
	p := serve(t, settings)
	settings["BARONG_URL"] = "http://" + p.public
	repo := repository.New(newPool(t, settings["DATABASE_URL"]))
	until(t, time.Minute, "ready for events", func() bool {
		cursors, err := repo.EventCursors(t.Context())
		return err == nil && len(cursors) == 2
	})
	called := func(args ...string) string {
		t.Helper()
		out, problems, exit := barong(t, settings, args...)
		if exit != 0 {
			t.Fatalf("%v: %d %s%s", args, exit, out, problems)
		}
		return out
	}
	var user struct{ UID string }
	if err := json.Unmarshal([]byte(called("call", "importUser", "email=ada@example.com", "password_digest="+digest)), &user); err != nil {
		t.Fatal(err)
	}
	called("call", "createLabel", "user_uid="+user.UID, "key=email", "value=verified")
	until(t, time.Minute, "sealed", func() bool { head, err := repo.JournalHead(t.Context()); return err == nil && head.Size == 2 })

	var message amqp.Delivery
	until(t, time.Minute, "published", func() (got bool) {
		var err error
		if message, got, err = queue.channel.Get(queue.queue, true); err != nil {
			t.Fatal(err)
		}
		return got
	})
	if level, state := accountIn(t, message); level != 1 || state != "active" || decodeDelivery(message).UID != user.UID {
		t.Errorf("the broker has %d %q: %s", level, state, message.Body)
	}
	until(t, time.Minute, "posted", func() bool { return len(r.messages()) == 3 })
	for i, kind := range []string{"user.created", "user.updated", "label.created"} {
		var body struct {
			Data struct {
				Account struct {
					Level int
					State string
				}
			}
		}
		got := r.messages()[i]
		if err := json.Unmarshal(got.body, &body); err != nil || got.kind != kind || got.uid != user.UID {
			t.Errorf("message %d is %s (%v)", i, got.body, err)
		}
		if account := body.Data.Account; i > 0 && (account.Level != 1 || account.State != "active") {
			t.Errorf("%s has the account %+v", kind, account)
		}
	}

	for text, args := range map[string][]string{
		"2 rows are as they were sealed": {"journal", "verify", "--signatures"},
		"proved":                         {"journal", "show", user.UID},
		"label.created":                  {"events", "tail", "--no-wait", "--from", "1"},
		"createLabel":                    {"users", "show", user.UID},
	} {
		if out := called(args...); !strings.Contains(out, text) {
			t.Errorf("%v says nothing of %q: %s", args, text, out)
		}
	}
	checkpointIsAccepted(t, settings, p)
}

// checkpointIsAccepted restarts a server, which signs the journal when it stops, and verifies the journal
// by what the admin listener has then.
func checkpointIsAccepted(t *testing.T, settings map[string]string, p *process) {
	t.Helper()
	p.signal(syscall.SIGTERM)
	p.stops()
	p = serve(t, settings)
	var note []byte
	until(t, time.Minute, "a checkpoint", func() bool {
		response, err := http.Get("http://" + p.admin + "/journal/checkpoint")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		note, err = io.ReadAll(response.Body)
		return err == nil && response.StatusCode == http.StatusOK
	})
	verify := func(note []byte) (string, int) {
		t.Helper()
		outside := t.TempDir()
		if err := os.WriteFile(filepath.Join(outside, "checkpoint.txt"), note, 0o600); err != nil {
			t.Fatal(err)
		}
		out, problems, exit := barong(t, settings, "journal", "verify", "--checkpoints", outside)
		return out + problems, exit
	}
	if out, exit := verify(note); exit != 0 || !strings.Contains(out, "2 checkpoints agree") {
		t.Errorf("%d %s", exit, out)
	}
	if out, exit := verify([]byte(strings.Replace(string(note), "\n2\n", "\n1\n", 1))); exit != 3 {
		t.Errorf("a checkpoint that was changed: %d %s", exit, out)
	}
}

// Guards that a server whose journal is off leaves no row of a write.
func TestAJournalThatIsOffHasNoRows(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"BARONG_DATA_DIR": t.TempDir(), "DATABASE_URL": newDatabase(t), "BARONG_JOURNAL": "off"}
	p := serve(t, settings)
	settings["BARONG_URL"] = "http://" + p.public
	if out, problems, exit := barong(t, settings, "call", "importUser", "email=ada@example.com", "password_digest="+digest); exit != 0 {
		t.Fatal(out, problems)
	}
	p.signal(syscall.SIGTERM)
	p.stops()
	var rows int
	err := newPool(t, settings["DATABASE_URL"]).QueryRow(t.Context(), "SELECT (SELECT count(*) FROM journal_inbox) + (SELECT count(*) FROM journal)").Scan(&rows)
	if err != nil || rows != 0 {
		t.Errorf("the journal has %d rows (%v)", rows, err)
	}
}

// Guards that verify says in words why it does not know the key of a checkpoint: servers without the setting
// have a key each. With the other key given, the journal is whole.
func TestCheckpointsOfServersWithKeysOfTheirOwn(t *testing.T) {
	t.Parallel()
	k := newKeptJournal(t)
	fillInbox(t, k.pool, 3)
	seal(t, k.repo)
	k.checkpoint()
	theirs := strings.TrimSpace(k.command(0, "checkpoint", "--key"))
	k.settings["BARONG_JOURNAL_SIGNING_KEY"] = strings.TrimSpace(k.command(0, "keygen"))
	ours := strings.TrimSpace(k.command(0, "checkpoint", "--key"))
	k.expect(3, "Servers without BARONG_JOURNAL_SIGNING_KEY make a key each", "verify")
	k.expect(0, "1 checkpoints agree", "verify", "--public-key", ours, "--public-key", theirs)
}

// Guards that a checkpoint reaches the store after all where its server could not write to that.
func TestCheckpointReachesTheStoreLater(t *testing.T) {
	t.Parallel()
	k := newKeptJournal(t)
	fillInbox(t, k.pool, 3)
	seal(t, k.repo)
	signed := k.checkpoint() // and no server exports it
	outside := t.TempDir()
	k.settings["BARONG_JOURNAL_CHECKPOINTS"] = "file://" + outside
	exported := func() (content string) {
		if err := filepath.WalkDir(outside, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			content += string(text)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return content
	}
	start := func() {
		p := serve(t, k.settings)
		until(t, time.Minute, "a checkpoint", func() bool { return status(t, "http://"+p.admin+"/journal/checkpoint") == http.StatusOK })
		p.signal(syscall.SIGTERM)
		p.stops()
	}
	start()
	if content := exported(); content != "" {
		t.Errorf("a server exports what another one has made just now: %s", content)
	}
	k.exec("UPDATE journal_checkpoints SET signed_at = signed_at - interval '2 minutes'")
	start()
	if content := exported(); content != signed {
		t.Errorf("%q is exported instead of %q", content, signed)
	}
}

// Guards that no row is pruned that a receiver needs: the cursor of the broker, the user of an endpoint
// who is furthest behind, and a dead letter each hold it back.
func TestPruningKeepsWhatReceiversNeed(t *testing.T) {
	t.Parallel()
	k := newKeptJournal(t)
	fillInbox(t, k.pool, 30)
	seal(t, k.repo)
	prunable := func(want int64, who string) {
		t.Helper()
		last, slowest, err := k.repo.Prunable(t.Context(), time.Now().Add(time.Hour))
		if err != nil || last != want || (slowest == nil) != (who == "") || slowest != nil && slowest.Sink != who {
			t.Errorf("rows up to %d may be pruned instead of %d, and %+v holds back (%v)", last, want, slowest, err)
		}
	}
	prunable(29, "")
	k.exec("INSERT INTO event_cursors (sink, seq, holder, until) VALUES ('amqp', 20, '', now()), ('webhooks', 28, '', now())")
	prunable(20, "amqp")
	if err := k.repo.OpenWebhookEndpoint(t.Context(), "crm"); err != nil {
		t.Fatal(err)
	}
	if err := k.repo.ExtendWebhookLanes(t.Context(), []repository.WebhookLane{
		{Endpoint: "crm", UID: "ID1", SentSeq: 12, SentIndex: repository.WholeRow, WantedSeq: 28}, {Endpoint: "crm", UID: "ID2", SentSeq: 25, WantedSeq: 28},
	}); err != nil {
		t.Fatal(err)
	}
	prunable(12, "crm")
	if err := k.repo.AddDeadEvent(t.Context(), repository.DeadEvent{Endpoint: "crm", Seq: 9, UID: "ID3", Type: "user.updated", Outcome: "5xx", DiedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	prunable(8, "crm")
	if err := k.repo.Prune(t.Context(), 8, newRecord(t), func(int64) {}); err != nil {
		t.Fatal(err)
	}
	if rows, err := k.repo.JournalAfter(t.Context(), 0, 1); err != nil || rows[0].Seq != 9 {
		t.Errorf("the first row is %+v (%v)", rows, err)
	}
	if err := k.repo.DropDeadEvent(t.Context(), "crm", 9, 0); err != nil {
		t.Fatal(err)
	}
	prunable(12, "crm")
	k.exec("DELETE FROM webhook_lanes WHERE uid = 'ID1'")
	prunable(20, "amqp")
}

// Guards that a receiver that is gone can be forgotten with all that the journal keeps for it, and one that is
// in use cannot.
func TestReceiverThatIsGoneIsForgotten(t *testing.T) {
	t.Parallel()
	k := newKeptJournal(t)
	fillInbox(t, k.pool, 30)
	seal(t, k.repo)
	k.exec("INSERT INTO event_cursors (sink, seq, holder, until) VALUES ('amqp', 20, 'a server', now() + interval '1 hour'), ('webhook:crm', 10, '', now())")
	k.exec("INSERT INTO webhook_endpoints (endpoint, disabled_why) VALUES ('crm', '')")
	k.exec("INSERT INTO webhook_lanes (endpoint, uid, sent_seq, sent_index, wanted_seq, failures, due) VALUES ('crm', 'ID1', 5, 0, 9, 0, now())")
	k.exec("INSERT INTO webhook_dead (endpoint, seq, place, uid, kind, outcome, died_at) VALUES ('crm', 4, 0, 'ID1', 'user.updated', '5xx', now())")
	forget := func(name string, want int) string {
		t.Helper()
		out, problems, status := barong(t, k.settings, "events", "forget", name, "--yes")
		if status != want {
			t.Errorf("events forget %s: %d, want %d: %s%s", name, status, want, out, problems)
		}
		return problems
	}
	if problems := forget("amqp", 1); !strings.Contains(problems, "a server delivers to amqp") {
		t.Error(problems)
	}
	forget("crm", 0)
	forget("crm", 1)
	var left int
	if err := k.pool.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM webhook_endpoints) + (SELECT count(*) FROM webhook_lanes) + (SELECT count(*) FROM webhook_dead)").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d rows of the endpoint are left (%v)", left, err)
	}
	if last, slowest, err := k.repo.Prunable(t.Context(), time.Now().Add(time.Hour)); err != nil || last != 20 || slowest == nil || slowest.Sink != "amqp" {
		t.Errorf("rows up to %d may be pruned, and %+v holds back (%v)", last, slowest, err)
	}
	k.settings["BARONG_EVENTS_AMQP_URL"] = "amqp://127.0.0.1:1/"
	if problems := forget("amqp", 2); !strings.Contains(problems, "is a receiver of these settings") {
		t.Error(problems)
	}
	if _, _, status := barong(t, k.settings, "events", "forget", "crm"); status != 2 {
		t.Errorf("without --yes: %d", status)
	}
}

// Guards that another server delivers what a killed one has left in the midst of jobs: no event is lost, and
// those of a user keep their order. River looks every half minute for jobs that have run for two minutes; a busy
// machine gets another minute and a half.
func TestAnotherServerDeliversTheJobsOfAKilledOne(t *testing.T) {
	long.Test(t)
	t.Parallel()
	const users, rows = 6, 20
	r := newReceiver(t)
	var arrived atomic.Int64
	gone := make(chan struct{})
	release := sync.OnceFunc(func() { close(gone) })
	t.Cleanup(release)
	r.answers(func(_ delivered, w http.ResponseWriter) { // the receiver answers one after the other
		if arrived.Add(1) > users*rows/3 {
			<-gone // so that jobs run when the server is killed
		}
		w.WriteHeader(http.StatusNoContent)
	})
	settings := hookSettings(t, r)
	first := serve(t, settings)
	pool := newPool(t, settings["DATABASE_URL"])
	h := &hookedService{pool: pool, repo: repository.New(pool)}
	until(t, time.Minute, "ready for events", func() bool {
		cursors, err := h.repo.EventCursors(t.Context())
		return err == nil && len(cursors) == 1
	})
	for range rows {
		for user := range users {
			h.write(t, fmt.Sprintf("ID%010d", user))
		}
	}
	until(t, time.Minute, "at work", func() bool { return arrived.Load() > users*rows/3 })
	if err := first.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-first.ended
	release()
	var running int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM barong_river.river_job WHERE state = 'running'").Scan(&running); err != nil || running == 0 {
		t.Fatalf("%d jobs ran when the server was killed (%v): this proves nothing", running, err)
	}
	before, killed := len(r.messages()), time.Now()
	settings["BARONG_DATA_DIR"] = t.TempDir()
	serve(t, settings)
	distinct := func() int {
		ids := map[string]bool{}
		for _, m := range r.messages() {
			ids[m.id] = true
		}
		return len(ids)
	}
	until(t, 4*time.Minute, "delivered", func() bool { return distinct() == 2*users*rows })
	rescued := time.Since(killed)
	seen, last := map[string]bool{}, map[string]int64{}
	for _, m := range r.messages() {
		if !seen[m.id] && m.sequence < last[m.uid] {
			t.Errorf("row %d of %s comes after row %d", m.sequence, m.uid, last[m.uid])
		}
		seen[m.id], last[m.uid] = true, max(last[m.uid], m.sequence)
	}
	t.Logf("%d of %d before the kill, %d twice, the last one %s after it", before, 2*users*rows, len(r.messages())-2*users*rows, rescued.Round(time.Second))
}
