package faults

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"barong/internal/long"

	"barong/clients/go/signing"
)

// memoryBound is what the server has, in bytes, while it is attacked, and
// memoryTarget what its collector is told to stay below: as deploy/ has them.
const (
	memoryBound  = 512 << 20
	memoryTarget = "400MiB"
	bodyMemory   = 128 << 20
)

// attacked is a server in a bounded group, and a good client's signer.
type attacked struct {
	*server
	t       *testing.T
	who     signers
	group   cgroup
	address string // host:port
}

func startAttacked(t *testing.T, settings map[string]string) *attacked {
	t.Helper()
	p := startPostgres(t)
	who := newSigners(t, "read_users")
	group := newCgroup(t, memoryBound)
	all := map[string]string{
		"DATABASE_URL": p.url(), "GOMEMLIMIT": memoryTarget, "BARONG_BODY_MEMORY": fmt.Sprint(bodyMemory), "BARONG_REQUEST_TIMEOUT": "30s",
	}
	for name, value := range settings {
		all[name] = value
	}
	s := serve(t, who, all, group.prefix()...)
	return &attacked{server: s, t: t, who: who, group: group, address: strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/api/v2/management")}
}

// attack runs while a good client is served, for as long as work takes.
func (a *attacked) attack(name string, work func(good *goodClient)) {
	a.t.Helper()
	good := startGoodClient(a.t, a.who.signer, a.url)
	time.Sleep(300 * time.Millisecond)
	work(good)
	good.stop(name)
	select {
	case err := <-a.ended:
		a.t.Fatalf("%s ended the server: %v", name, err)
	default:
	}
	a.t.Logf("%s: at most %d MiB were taken until now", name, a.group.taken()>>20)
}

// stolenToken is one of the signer whose key was stolen.
func (a *attacked) stolenToken() string {
	a.t.Helper()
	token, err := signing.Token(signing.NewClaims(time.Now(), time.Minute), a.who.thief)
	if err != nil {
		a.t.Fatal(err)
	}
	return token
}

// finish holds the server's peak against the bound, and ends it.
func (a *attacked) finish() {
	taken := peak(a.command.Process.Pid)
	a.t.Logf("the server took %d MiB at most, with the kernel's part for it %d MiB, of %d", taken>>20, a.group.taken()>>20, memoryBound>>20)
	if taken > memoryBound {
		a.t.Errorf("the server took %d MiB", taken>>20)
	}
	a.terminate()
}

// members is a JSON object of about so many bytes with as many members as fit.
func members(size int) string {
	var object strings.Builder
	object.WriteByte('{')
	for i := 0; object.Len() < size; i++ {
		if i > 0 {
			object.WriteByte(',')
		}
		fmt.Fprintf(&object, `"%s":0`, letters(i))
	}
	object.WriteByte('}')
	return object.String()
}

// letters writes a number in four letters.
func letters(n int) string {
	name := []byte("aaaa")
	for i := 3; n > 0 && i >= 0; i-- {
		name[i] = 'a' + byte(n%26)
		n /= 26
	}
	return string(name)
}

// post sends one body as often as the time allows, from several connections.
func (a *attacked) post(connections int, lasts time.Duration, contentType, authorization string, body []byte, check func(status int, answer []byte)) {
	client := &http.Client{Timeout: 40 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	end := time.Now().Add(lasts)
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			for sent := 0; time.Now().Before(end) && sent < 200; sent++ {
				r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, a.url+"/users/get", bytes.NewReader(body))
				if err != nil {
					a.t.Error(err)
					return
				}
				r.Header.Set("Content-Type", contentType)
				r.Header.Set("Authorization", authorization)
				response, err := client.Do(r)
				if err != nil {
					continue // it was cut off
				}
				answer, _ := io.ReadAll(response.Body)
				response.Body.Close()
				check(response.StatusCode, answer)
			}
		})
	}
	group.Wait()
}

// What strangers send over HTTP/1.1 neither takes more memory than there is nor
// keeps a caller from being served.
func TestStrangersOverHTTP1DoNotTakeTheServersMemory(t *testing.T) {
	long.Test(t)
	a := startAttacked(t, nil)
	var once sync.Once
	short := func(want ...int) func(int, []byte) {
		return func(status int, answer []byte) {
			if len(answer) > 1024 {
				t.Errorf("an answer has %d bytes", len(answer))
			}
			for _, each := range want {
				if status == each {
					return
				}
			}
			once.Do(func() { t.Errorf("the answer is %d %.100s", status, answer) })
		}
	}
	const large = 16<<20 - 4096 // with what surrounds it, it stays below the limit
	for name, body := range map[string]string{
		"members without end":           members(large),
		"members of an unknown member":  `{"x":` + members(large-10) + `}`,
		"values without end":            `{"x":[` + strings.Repeat("0,", large/2) + `0]}`,
		"escaped names":                 `{"` + strings.Repeat(`\u0061`, large/6) + `":0}`,
		"members of an envelope's data": `{"payload":"` + base64.RawURLEncoding.EncodeToString([]byte(`{"data":`+members(large-16)+`}`)) + `","signatures":[{"signature":"AA","header":{"kid":"backend"}}]}`,
		"members of its payload":        `{"payload":"` + base64.RawURLEncoding.EncodeToString([]byte(members(large))) + `","signatures":[]}`,
		"signatures without end":        `{"payload":"e30","signatures":[` + strings.Repeat(`{"signature":"AA"},`, large/19) + `{"signature":"AA"}]}`,
		"members beside them":           `{"payload":"e30","signatures":[],` + members(large)[1:],
	} {
		a.attack(name, func(*goodClient) {
			a.post(8, 2*time.Second, "application/json", "", []byte(body), short(http.StatusBadRequest, http.StatusUnauthorized, http.StatusRequestEntityTooLarge, http.StatusServiceUnavailable))
		})
	}
	for name, body := range map[string]string{
		"a form of broken text":      strings.Repeat("\xff", large),
		"a form of many parameters":  strings.Repeat("a&", large/2),
		"a form of other parameters": strings.Repeat("a=1&b=2&", large/8),
	} {
		a.attack(name, func(*goodClient) {
			a.post(8, time.Second, "application/x-www-form-urlencoded", "", []byte(body), short(http.StatusUnauthorized))
		})
		a.attack(name+" with a stolen token", func(*goodClient) {
			a.post(8, 2*time.Second, "application/x-www-form-urlencoded", "Bearer "+a.stolenToken(), []byte(body), short(http.StatusBadRequest, http.StatusServiceUnavailable))
		})
	}
	a.attack("uploads that stop", func(good *goodClient) {
		held := a.hold(16, "POST /api/v2/management/documents HTTP/1.1\r\nHost: barong\r\nContent-Type: application/json\r\nContent-Length: 16777216\r\n\r\n"+`{"`+strings.Repeat("x", 510))
		defer held()
		if took := good.upload(); took > patience {
			t.Errorf("an upload took %s", took)
		}
	})
	a.attack("connections without a body", func(*goodClient) {
		a.hold(12_000, "POST /api/v2/management/users/get HTTP/1.1\r\nHost: barong\r\nContent-Type: application/json\r\nContent-Length: 65536\r\n\r\n")()
	})
	a.attack("connections without a request", func(*goodClient) { a.hold(5_000, "P")() })
	a.finish()
}

// hold opens connections, sends the same text on each, and keeps those that the
// server keeps.
func (a *attacked) hold(count int, text string) (release func()) {
	var mutex sync.Mutex
	var open []net.Conn
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range count / 16 {
				connection, err := net.DialTimeout("tcp", a.address, 5*time.Second)
				if err != nil {
					continue
				}
				_, _ = io.WriteString(connection, text)
				mutex.Lock()
				open = append(open, connection)
				mutex.Unlock()
			}
		})
	}
	group.Wait()
	time.Sleep(time.Second)
	return func() {
		for _, each := range open {
			each.Close()
		}
	}
}
