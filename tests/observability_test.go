package tests

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"barong/clients/go/signing"
	"barong/handlers"
	"barong/internal/otp"
)

// personal is what no log may hold, whatever a test has sent: whole e-mail
// addresses, hashes of passwords, tokens and envelopes.
var personal = regexp.MustCompile(`[A-Za-z0-9._%+-]+@[A-Za-z0-9-]|\$(2[aby]|argon2)[a-z]*\$|eyJ[A-Za-z0-9_-]{10,}|Tecohvi0|Bearer [A-Za-z0-9._-]{12,}`)

// holdsNothingPersonal looks through the log of every server that any test runs,
// at the level debug.
func holdsNothingPersonal(t testing.TB, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		if strings.Contains(line, `"journal checkpoint"`) {
			continue // a hash and a signature may look like a token
		}
		if found := personal.FindString(line); found != "" {
			t.Errorf("%q is in the log: %s", found, line)
		}
	}
}

// supervised is a running server with a keychain of the tests, at the level debug.
func supervised(t testing.TB, settings map[string]string) *process {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "management_api.yml")
	if err := os.WriteFile(file, []byte(keychainFile()), 0o600); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"BARONG_DATA_DIR": dir, "DATABASE_URL": newDatabase(t), "BARONG_MANAGEMENT_API": file, "BARONG_LOG_LEVEL": "debug", "BARONG_BCRYPT_COST": "4"}
	for name, value := range settings {
		all[name] = value
	}
	p := serve(t, all)
	t.Cleanup(func() { holdsNothingPersonal(t, p.log.String()) })
	return p
}

// post sends a request with a Bearer token to an operation's path.
func (p *process) post(path, authorization, body string, header map[string]string) answer {
	p.t.Helper()
	request, err := http.NewRequest(http.MethodPost, "http://"+p.public+handlers.BasePath+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", authorization)
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	return read(p.t, response)
}

// lines are those of the log that are about requests, by the request's id.
func (p *process) lines() map[string][]map[string]any {
	byID := map[string][]map[string]any{}
	lines := bufio.NewScanner(strings.NewReader(p.log.String()))
	for lines.Scan() {
		var line map[string]any
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			p.t.Errorf("a line of the log is not JSON: %s", lines.Text())
		}
		if id, ok := line["request_id"].(string); ok {
			byID[id] = append(byID[id], line)
		}
	}
	return byID
}

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestEachRequestHasOneLineWithTheReasonOfItsRefusal(t *testing.T) {
	t.Parallel()
	p := supervised(t, nil)
	token := bearer(t, signing.NewClaims(time.Now(), time.Hour))
	forged, err := signing.Token(signing.NewClaims(time.Now(), time.Hour), impostor().signer)
	if err != nil {
		t.Fatal(err)
	}
	given := p.post("/timestamp", token, "{}", map[string]string{"X-Request-Id": "mine", "Traceparent": traceparent})
	traced := p.post("/users/get", token, `{"uid":"ID0000000000"}`, map[string]string{"Traceparent": traceparent})
	made := p.post("/users/get", "Bearer "+forged, `{"uid":"ID0000000000"}`, map[string]string{"Traceparent": "00-zz"})
	nowhere := p.post("/ada@example.com", token, "{}", nil)
	p.signal(syscall.SIGTERM)
	p.stops()

	lines := p.lines()
	for _, c := range []struct {
		name string
		got  answer
		id   string
		want map[string]any
	}{
		{"given", given, "mine", map[string]any{"level": "INFO", "operation": "getTimestamp", "status": 201.0, "signers": "backend", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "bytes": float64(len(given.body))}},
		{"traced", traced, "4bf92f3577b34da6a3ce929d0e0e4736", map[string]any{"level": "INFO", "operation": "getUser", "status": 404.0, "reason": "not_found", "error": "Record is not found"}},
		{"made", made, "", map[string]any{"level": "WARN", "operation": "getUser", "status": 401.0, "reason": "unauthenticated", "signers": ""}},
		{"nowhere", nowhere, "", map[string]any{"operation": "", "status": 404.0, "path": handlers.BasePath + "/…@example.com"}},
	} {
		id := c.got.header.Get("X-Request-Id")
		if c.id != "" && id != c.id || id == "" {
			t.Errorf("%s: the answer has the id %q", c.name, id)
		}
		if len(lines[id]) != 1 {
			t.Fatalf("%s: %d lines: %v", c.name, len(lines[id]), lines[id])
		}
		line := lines[id][0]
		if took, ok := line["duration_ms"].(float64); !ok || took < 0 || took > 60_000 {
			t.Errorf("%s: the duration is %v", c.name, line["duration_ms"])
		}
		for name, value := range c.want {
			if line[name] != value {
				t.Errorf("%s: %s is %v and not %v", c.name, name, line[name], value)
			}
		}
	}
	if cause, _ := lines[made.header.Get("X-Request-Id")][0]["error"].(string); !strings.Contains(cause, "the signature by backend does not verify") {
		t.Errorf("the cause of the 401 is %q", cause)
	}
}

func TestLogHoldsNothingThatWasEntrusted(t *testing.T) {
	t.Parallel()
	a := start(t)
	const email, password, number, name, doc = "grace.hopper@navy.example", "Xy7fai5aesoLE", "4915112345678", "Zephyrine", "QX 998-877"
	a.must("createUser", parameters{"email": email, "password": password})
	a.call(jsonForm, "createUser", parameters{"email": strings.ToUpper(email), "password": password})
	a.call(formForm, "createUser", parameters{"email": email + "@" + email, "password": "weak"})
	uid := a.user(parameters{"email": "other." + email, "phone": number, "first_name": name})
	a.call(jsonForm, "importUser", parameters{"email": "third." + email, "password_digest": digest + "x", "phone": number})
	a.call(jsonForm, "getUser", parameters{"email": email, "phone_num": number})
	a.call(jsonForm, "getUser", parameters{"email": "nobody." + email})
	content := png(2000)
	given := passport(uid, content)
	given["doc_number"] = doc
	a.must("createDocument", given)
	given["upload"] = "!" + given["upload"].(string)
	a.call(jsonForm, "createDocument", given)
	enrolled, secret := a.enrolled()
	code, wrong := a.code(secret, 0), a.wrong(secret)
	a.sign(jsonForm, enrolled, wrong, "")
	a.sign(jsonForm, enrolled, code, "")
	a.sign(formForm, enrolled, code, `{"payload": "`+email+`"}`)

	token := bearer(t, signing.NewClaims(a.clock.Now(), time.Hour))
	a.send("getUser", "application/json", []byte(`{"email":"`+email), token)
	a.send("getUser", "application/json", []byte(`{"`+email+`":1,"`+email+`":2}`), token)
	a.send("getUser", "application/x-www-form-urlencoded", []byte(email+"=1&"+email+"=2"), token)
	a.send("getUser", email, []byte("{}"), token)
	a.send("getUser", "application/json", []byte("{}"), token+"x")
	a.send("getUser", "application/json", []byte("{}"), "Basic "+password)
	a.raw(http.MethodGet, a.root+"/"+email+"/"+strings.TrimPrefix(token, "Bearer "), "", "")
	a.raw(http.MethodPost, a.url+"/users/get?email="+email, "application/json", "{}")

	log := a.log.String()
	if strings.Count(log, "msg=request") < 20 {
		t.Fatalf("there are too few lines to say anything: %s", log)
	}
	words := []string{
		email, password, number, name, doc, digest, code, wrong, "passport.png", string(secret), strings.TrimPrefix(token, "Bearer "),
		given["upload"].(string)[1:40], "signature=",
	}
	for _, word := range words {
		for line := range strings.Lines(log) {
			if strings.Contains(strings.ToLower(line), strings.ToLower(word)) {
				t.Errorf("%q is in the log: %s", word, line)
			}
		}
	}
}

// scrape reads /metrics.
func (p *process) scrape() map[string]*dto.MetricFamily {
	p.t.Helper()
	response, err := http.Get("http://" + p.admin + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return families
}

// value is that of the one series with these labels; -1 where there is none.
func value(family *dto.MetricFamily, labels ...string) float64 {
	for _, metric := range family.GetMetric() {
		var has []string
		for _, pair := range metric.GetLabel() {
			has = append(has, pair.GetName()+"="+pair.GetValue())
		}
		if !slices.Equal(has, labels) {
			continue
		}
		switch {
		case metric.Histogram != nil:
			return float64(metric.GetHistogram().GetSampleCount())
		case metric.Counter != nil:
			return metric.GetCounter().GetValue()
		default:
			return metric.GetGauge().GetValue()
		}
	}
	return -1
}

func TestMetricsCountWhatHappensWithAKnownFewLabels(t *testing.T) {
	t.Parallel()
	p := supervised(t, nil)
	before := p.scrape()
	token := bearer(t, signing.NewClaims(time.Now(), time.Hour))
	p.post("/timestamp", token, "{}", nil)
	p.post("/timestamp", "Bearer nonsense", "{}", nil)
	for _, made := range []time.Time{time.Now().Add(-time.Hour), time.Now().Add(time.Minute)} {
		p.post("/timestamp", bearer(t, signing.NewClaims(made, time.Minute)), "{}", nil)
	}
	p.post("/users", token, `{"email":"ada@example.com","password":"Tecohvi0"}`, nil)
	uid := p.post("/users/get", token, `{"email":"ada@example.com"}`, nil).object(t)["uid"].(string)
	p.post("/labels", token, `{"user_uid":"`+uid+`","key":"email","value":"verified"}`, nil)
	for _, path := range []string{"/a", "/b", "/users/x?y=1", "/openapi"} {
		p.post(path, token, "{}", nil)
	}
	for _, method := range []string{"BREW", "SPILL", http.MethodGet} {
		request, _ := http.NewRequest(method, "http://"+p.public+handlers.BasePath+"/users", nil)
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
		}
	}

	after := p.scrape()
	for _, c := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{1, "barong_request_duration_seconds", []string{"operation=getTimestamp", "status=2xx"}},
		{3, "barong_request_duration_seconds", []string{"operation=getTimestamp", "status=4xx"}},
		{1, "barong_request_duration_seconds", []string{"operation=createUser", "status=2xx"}},
		{0, "barong_request_duration_seconds", []string{"operation=createUser", "status=5xx"}},
		{7, "barong_request_duration_seconds", []string{"operation=other", "status=4xx"}},
		{1, "barong_refusals_total", []string{"reason=unauthenticated"}},
		{2, "barong_refusals_total", []string{"reason=clock"}},
		{4, "barong_refusals_total", []string{"reason=not_found"}},
		{3, "barong_refusals_total", []string{"reason=method_not_allowed"}},
		{0, "barong_refusals_total", []string{"reason=internal"}},
		{0, "barong_requests_in_flight", nil},
		{0, "barong_passwords_waiting", nil},
		{1, "barong_database_ready", nil},
		{0, "barong_otp_checks_total", []string{"outcome=" + string(otp.Accepted)}},
	} {
		if got := value(after[c.name], c.labels...); got != c.want {
			t.Errorf("%s %v is %v and not %v", c.name, c.labels, got, c.want)
		}
	}
	// A hash that took long lowers the length of the queue.
	if got := value(before["barong_passwords_waiting_max"]); got != 128 {
		t.Errorf("at first, %v may wait for a password", got)
	}
	if version := value(after["barong_schema_version"]); version < 1 || version != value(after["barong_schema_version_required"]) {
		t.Errorf("the version of the schema is %v", version)
	}
	if open := value(after["barong_database_connections_open"]); open < 1 {
		t.Errorf("%v connections are open", open)
	}
	for name, family := range after {
		if strings.HasPrefix(name, "barong_") && len(family.GetMetric()) != len(before[name].GetMetric()) {
			t.Errorf("%s had %d series and has %d", name, len(before[name].GetMetric()), len(family.GetMetric()))
		}
	}
	if got := status(t, "http://"+p.admin+"/debug/pprof/goroutine?debug=1"); got != http.StatusOK {
		t.Errorf("pprof: %d", got)
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/healthz", "/readyz"} {
		if got := status(t, "http://"+p.public+path); got != http.StatusNotFound {
			t.Errorf("%s of the public listener: %d", path, got)
		}
	}
}

// A name that is wrong in a dashboard or a rule shows nothing, or never fires.
func TestDashboardAndAlertsUseMetricsThatExist(t *testing.T) {
	t.Parallel()
	settings := certified(t)
	settings["BARONG_EVENTS_AMQP_URL"] = "amqp://127.0.0.1:1" // nothing answers there
	settings["BARONG_WEBHOOKS"] = filepath.Join(t.TempDir(), "webhooks.yml")
	endpoint := "endpoints: [{name: a, url: 'https://example.com/', enabled: false, secret: whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "}]"
	if err := os.WriteFile(settings["BARONG_WEBHOOKS"], []byte(endpoint), 0o600); err != nil {
		t.Fatal(err)
	}
	exposed := supervised(t, settings).scrape()
	alerts, err := os.ReadFile("../deploy/observability/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dashboard, err := os.ReadFile("../deploy/observability/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(dashboard) {
		t.Error("the dashboard is not JSON")
	}
	operations, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"alerts.yaml": string(alerts), "dashboard.json": string(dashboard), "operations.md": string(operations)} {
		for _, metric := range regexp.MustCompile(`\b(barong|go|process)_[a-z_]+[a-z]\b`).FindAllString(text, -1) {
			family := metric
			for _, suffix := range []string{"_bucket", "_count"} {
				family = strings.TrimSuffix(family, suffix)
			}
			if metric == "go_version" { // a label
				continue
			}
			if exposed[family] == nil {
				t.Errorf("%s has %s, which is not exposed", name, metric)
			}
		}
	}
	for name := range exposed {
		if strings.HasPrefix(name, "barong_") && !strings.Contains(string(operations), "`"+name+"`") {
			t.Errorf("docs/operations.md lacks %s", name)
		}
	}
	for _, alert := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(alerts), -1) {
		if !strings.Contains(string(operations), "### "+alert[1]+"\n") || !strings.Contains(string(alerts), "operations.md#"+strings.ToLower(alert[1])+"\n") {
			t.Errorf("docs/operations.md does not say what to do about %s", alert[1])
		}
	}
}

// spans is a collector that keeps what it is sent.
type spans struct {
	mutex sync.Mutex
	all   []*tracepb.Span
}

func (s *spans) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var sent collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &sent); err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, "no spans", http.StatusBadRequest)
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, resource := range sent.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			s.all = append(s.all, scope.GetSpans()...)
		}
	}
}

func attribute(span *tracepb.Span, name string) string {
	for _, pair := range span.GetAttributes() {
		if pair.GetKey() == name {
			return pair.GetValue().GetStringValue()
		}
	}
	return ""
}

// withoutIDs is a span without its random bytes, which may look like an e-mail.
func withoutIDs(span *tracepb.Span) *tracepb.Span {
	readable := proto.Clone(span).(*tracepb.Span)
	readable.TraceId, readable.SpanId, readable.ParentSpanId = nil, nil, nil
	return readable
}

func TestTracesHaveTheRouteAndTheStatementsWithoutArguments(t *testing.T) {
	t.Parallel()
	var received spans
	listening := httptest.NewServer(&received)
	defer listening.Close()
	p := supervised(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": listening.URL})
	token := bearer(t, signing.NewClaims(time.Now(), time.Hour))
	p.post("/users", token, `{"email":"ada@example.com","password":"Tecohvi0"}`, nil)
	p.post("/users/get", token, `{"email":"ada@example.com"}`, map[string]string{"Traceparent": traceparent})
	eventually(t, "the span of the request is there", func() bool {
		received.mutex.Lock()
		defer received.mutex.Unlock()
		return slices.ContainsFunc(received.all, func(span *tracepb.Span) bool { return attribute(span, "barong.operation") == "getUser" })
	})
	p.signal(syscall.SIGTERM)
	p.stops() // what was not sent is sent now

	received.mutex.Lock()
	defer received.mutex.Unlock()
	var request *tracepb.Span
	for _, span := range received.all {
		if attribute(span, "barong.operation") == "getUser" {
			request = span
		}
		if found := personal.FindString(withoutIDs(span).String()); found != "" {
			t.Errorf("%q is in the span %s", found, span)
		}
	}
	if request == nil {
		t.Fatalf("no span of the request among %d", len(received.all))
	}
	route := handlers.BasePath + "/users/get"
	if request.GetName() != "POST "+route || attribute(request, "http.route") != route || request.GetKind() != tracepb.Span_SPAN_KIND_SERVER {
		t.Errorf("the request's span is %s", request)
	}
	if parent := "\x00\xf0\x67\xaa\x0b\xa9\x02\xb7"; string(request.GetParentSpanId()) != parent {
		t.Errorf("its parent is %x", request.GetParentSpanId())
	}
	statements := 0
	for _, span := range received.all {
		if string(span.GetTraceId()) == string(request.GetTraceId()) && strings.Contains(attribute(span, "db.query.text"), "FROM users") {
			statements++
		}
	}
	if statements == 0 {
		t.Error("the trace has no statement")
	}
}

// Guards that the metrics of the journal follow the inbox: they count what waits while nothing can be sealed, and
// nothing afterwards.
func TestMetricsCountTheRowsThatWaitToBeSealed(t *testing.T) {
	t.Parallel()
	url := newDatabase(t)
	p := supervised(t, map[string]string{"DATABASE_URL": url})
	pool := newPool(t, url)
	waiting := func() (rows, seconds float64) {
		metrics := p.scrape()
		return value(metrics["barong_journal_unsealed"]), value(metrics["barong_journal_oldest_unsealed_seconds"])
	}
	release := holdLock(t, pool, "SELECT 1 FROM journal_head FOR UPDATE")
	token := bearer(t, signing.NewClaims(time.Now(), time.Hour))
	for _, email := range []string{"a@example.com", "b@example.com"} {
		if got := p.post("/users", token, `{"email":"`+email+`","password":"Tecohvi0"}`, nil); got.status != http.StatusCreated {
			t.Fatal(got)
		}
	}
	eventually(t, "two rows wait, and longer and longer", func() bool { rows, seconds := waiting(); return rows == 2 && seconds > 1 })
	release()
	eventually(t, "none waits", func() bool { rows, seconds := waiting(); return rows == 0 && seconds == 0 })
	var sealed int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM journal WHERE operation = 'createUser'").Scan(&sealed); err != nil || sealed != 2 {
		t.Errorf("%d rows are sealed, %v", sealed, err)
	}
}
