package faults

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"barong/clients/go/signing"
)

// workers is how many clients send at once; each waits for its answer.
const workers = 8

// digest is a hash that nobody knows the password of.
const digest = "$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"

// load is clients that write and read at the same time, and remember what the
// servers acknowledged.
type load struct {
	t       testing.TB
	who     signers
	client  *http.Client
	targets atomic.Pointer[[]string] // base URLs; the first that takes the connection gets the request
	done    chan struct{}
	running sync.WaitGroup

	documents bool // whether documents are among what is written

	mutex    sync.Mutex
	users    map[string]*acknowledged // by uid
	answers  map[int]int              // by status; 0: no answer came
	failures []time.Time              // when a write was refused or broke off
	writes   []time.Time              // when one was acknowledged
	wrong    []string                 // what must never be
}

// acknowledged is what a server said that it has stored.
type acknowledged struct {
	step      int // the value of the label step: the last that was acknowledged
	tried     int // and the last that was sent
	documents int // acknowledged
	// Steps of which no success was answered: the database may have been handed
	// them all the same, and take them later than one that was acknowledged since.
	open []int
}

var emails atomic.Int64

func startLoad(t testing.TB, who signers, documents bool, targets ...*server) *load {
	t.Helper()
	l := newLoad(t, who, targets...)
	l.documents = documents
	l.begin()
	return l
}

// begin lets the clients send.
func (l *load) begin() {
	for range workers {
		l.running.Go(l.work)
	}
}

// newLoad returns a load whose clients have not begun.
func newLoad(t testing.TB, who signers, targets ...*server) *load {
	t.Helper()
	l := &load{
		t: t, who: who, done: make(chan struct{}), users: map[string]*acknowledged{}, answers: map[int]int{},
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: workers}},
	}
	l.aim(targets...)
	return l
}

// aim sends what follows to these servers.
func (l *load) aim(targets ...*server) {
	urls := make([]string, len(targets))
	for i, s := range targets {
		urls[i] = s.url
	}
	l.targets.Store(&urls)
}

func (l *load) stop() {
	close(l.done)
	l.running.Wait()
	l.client.CloseIdleConnections()
}

func (l *load) work() {
	for {
		select {
		case <-l.done:
			return
		default:
			l.round()
		}
	}
}

// round is a user's first minute: imported, labelled, read, listed.
func (l *load) round() {
	n := emails.Add(1)
	status, body := l.call("POST", "/users/import", map[string]any{
		"email": fmt.Sprintf("load%d@example.com", n), "password_digest": digest, "phone": fmt.Sprintf("+4420794%05d", n%100000),
		"first_name": "Ada", "last_name": "Lovelace", "dob": "1985-12-10", "address": "12 St James", "postcode": "SW1Y 4JH", "city": "London", "country": "GB",
	})
	l.wrote(status)
	if status != http.StatusCreated {
		time.Sleep(20 * time.Millisecond)
		return
	}
	var user struct{ UID string }
	if err := json.Unmarshal(body, &user); err != nil {
		l.never("an import was answered %s", body)
		return
	}
	known := &acknowledged{}
	l.mutex.Lock()
	l.users[user.UID] = known
	l.mutex.Unlock()
	for range 3 {
		l.mutex.Lock()
		known.tried++
		step := known.tried
		l.mutex.Unlock()
		status, _ := l.call("PUT", "/labels", map[string]any{"user_uid": user.UID, "key": "step", "value": fmt.Sprintf("step%04d", step)})
		l.wrote(status)
		l.mutex.Lock()
		if status == http.StatusOK {
			known.step = step
		} else {
			known.open = append(known.open, step)
		}
		l.mutex.Unlock()
		l.read(user.UID, known)
	}
	if l.documents {
		status, _ := l.call("POST", "/documents", map[string]any{
			"uid": user.UID, "doc_type": "Passport", "doc_number": "AB123123", "filename": "passport.png", "file_ext": "png", "upload": picture,
		})
		l.wrote(status)
		if status == http.StatusCreated {
			l.mutex.Lock()
			known.documents++
			l.mutex.Unlock()
		}
	}
	l.call("POST", "/users/list", map[string]any{"limit": 10, "extended": true})
}

// picture is a PNG of one pixel and much behind it: what disks run out on.
var picture = func() string {
	png, err := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==")
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(append(png, make([]byte, 20_000)...))
}()

type userView struct {
	UID     string
	Profile *struct{ State string }
	Phones  []struct{ Number string }
	Labels  []struct{ Key, Value string }

	Documents []struct{ Upload string }
}

// read holds what is shown of a user against what was acknowledged before.
func (l *load) read(uid string, known *acknowledged) {
	l.mutex.Lock()
	atLeast := *known
	l.mutex.Unlock()
	status, body := l.call("POST", "/users/get", map[string]any{"uid": uid})
	if status == http.StatusNotFound {
		l.never("the user %s, whose import was acknowledged, is gone", uid)
	}
	if status != http.StatusCreated {
		return
	}
	var user userView
	if err := json.Unmarshal(body, &user); err != nil {
		l.never("a user was answered as %s", body)
		return
	}
	l.compare(user, atLeast)
}

func (l *load) compare(user userView, atLeast acknowledged) {
	if user.Profile == nil || user.Profile.State != "completed" || len(user.Phones) != 1 || labelOf(user, "profile") != "verified" {
		l.never("the user %s is half written: %+v", user.UID, user)
	}
	step := 0
	if _, err := fmt.Sscanf(labelOf(user, "step"), "step%d", &step); err != nil && atLeast.step > 0 {
		l.never("the label of %s was acknowledged and is %q", user.UID, labelOf(user, "step"))
	}
	if step < atLeast.step && !slices.Contains(atLeast.open, step) {
		l.never("step %d of %s was acknowledged, and step %d is there", atLeast.step, user.UID, step)
	}
	if len(user.Documents) < atLeast.documents {
		l.never("%d documents of %s were acknowledged, and %d are there", atLeast.documents, user.UID, len(user.Documents))
	}
}

func labelOf(user userView, key string) string {
	for _, label := range user.Labels {
		if label.Key == key {
			return label.Value
		}
	}
	return ""
}

// call sends a request to the first target that takes the connection, and returns
// status 0 where no answer came.
func (l *load) call(method, path string, given map[string]any) (status int, answer []byte) {
	text, err := json.Marshal(given)
	if err != nil {
		l.t.Error(err)
		return 0, nil
	}
	token, err := signing.Token(signing.NewClaims(time.Now(), time.Minute), l.who.signer)
	if err != nil {
		l.t.Error(err)
		return 0, nil
	}
	for _, target := range *l.targets.Load() {
		request, err := http.NewRequestWithContext(context.Background(), method, target+path, bytes.NewReader(text))
		if err != nil {
			l.t.Error(err)
			return 0, nil
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", "application/json")
		response, err := l.client.Do(request)
		if err != nil {
			if strings.Contains(err.Error(), "connection refused") {
				continue // nothing was sent: another server may have it
			}
			l.note(0)
			return 0, nil
		}
		answer, err = io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			l.note(0)
			return 0, nil
		}
		status = response.StatusCode
		l.note(status)
		if !slices.Contains([]int{200, 201, 404, 503}, status) {
			l.never("%s %s was answered %d %s", method, path, status, answer)
		}
		if status == http.StatusServiceUnavailable && response.Header.Get("Retry-After") == "" {
			l.never("%s was answered 503 without Retry-After: %s", path, answer)
		}
		return status, answer
	}
	l.note(0)
	return 0, nil
}

func (l *load) note(status int) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.answers[status]++
}

// wrote notes how a write ended, and when.
func (l *load) wrote(status int) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if status == http.StatusOK || status == http.StatusCreated {
		l.writes = append(l.writes, time.Now())
	} else {
		l.failures = append(l.failures, time.Now())
	}
}

// never notes what breaks a promise.
func (l *load) never(format string, args ...any) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
}

// settle waits until writes are acknowledged again, so many times.
func (l *load) settle(writes int) {
	l.t.Helper()
	count := func() int {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		return len(l.writes)
	}
	want := count() + writes
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if count() >= want {
			return
		}
	}
	l.t.Errorf("no more than %d of %d writes were acknowledged in two minutes", count()-want+writes, writes)
}

// outage is the longest time between two writes that were acknowledged.
func (l *load) outage() (longest time.Duration) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for i := 1; i < len(l.writes); i++ {
		longest = max(longest, l.writes[i].Sub(l.writes[i-1]))
	}
	return longest
}

// verify ends the load and holds everything that was acknowledged against what
// the servers and the database have.
func (l *load) verify(p *postgres) {
	l.t.Helper()
	l.stop()
	lost := len(l.wrong)
	for uid, known := range l.users {
		l.read(uid, known)
	}
	lost = len(l.wrong) - lost
	for _, broken := range l.wrong[:min(len(l.wrong), 10)] {
		l.t.Error(broken)
	}
	half := p.number(`SELECT count(*) FROM users u WHERE u.email LIKE 'load%' AND NOT (
		EXISTS (SELECT 1 FROM phones WHERE user_id = u.id) AND
		EXISTS (SELECT 1 FROM profiles WHERE user_id = u.id) AND
		EXISTS (SELECT 1 FROM labels WHERE user_id = u.id AND key = 'profile'))`)
	if half > 0 {
		l.t.Errorf("%d users are half written", half)
	}
	sent, answered := 0, 0
	for status, n := range l.answers {
		sent += n
		if status != 0 {
			answered += n
		}
	}
	if len(l.writes) == 0 {
		l.t.Error("nothing was ever acknowledged: this proves nothing")
	}
	fmt.Printf("fault %-45s outage %5.2fs  requests %6d  refused %5d  broken off %4d  writes acknowledged %6d  lost %d\n",
		l.t.Name(), l.outage().Seconds(), sent, l.answers[http.StatusServiceUnavailable], sent-answered, len(l.writes), lost)
}
