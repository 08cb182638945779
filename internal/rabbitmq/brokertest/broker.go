// Package brokertest starts a RabbitMQ server of this machine for tests.
package brokertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"barong/internal/freeport"
)

// program is the server without Debian's wrapper, which changes the user.
const program = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// Broker is a server with its files in a directory. Each test has a virtual host of its own.
type Broker struct {
	directory string
	port      int
	epmd      int
	env       []string
	process   *exec.Cmd
	ended     chan struct{}
	next      atomic.Int64
}

// virtualHosts is how many URLs a broker gives.
const virtualHosts = 20

// Need skips a test on a machine without RabbitMQ, or fails it if BARONG_TEST_RABBITMQ is set.
func Need(t testing.TB) {
	t.Helper()
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("BARONG_TEST_RABBITMQ") != "" {
			t.Fatalf("BARONG_TEST_RABBITMQ is set: %v", err)
		}
		t.Skip("this machine has no RabbitMQ")
	}
}

// Start starts a broker and stops it with the test.
func Start(t testing.TB) *Broker {
	t.Helper()
	Need(t)
	b, err := newBroker(t.TempDir())
	if err == nil {
		t.Cleanup(b.Stop)
		err = b.Run()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// open are the brokers of Open.
var open struct {
	sync.Mutex
	brokers []*Broker
}

// Open starts a broker that Close ends, and not a test.
func Open() (*Broker, error) {
	directory, err := os.MkdirTemp("", "barong-broker-")
	if err != nil {
		return nil, err
	}
	b, err := newBroker(directory)
	if err != nil {
		return nil, err
	}
	open.Lock()
	open.brokers = append(open.brokers, b)
	open.Unlock()
	return b, b.Run()
}

// Close ends the brokers of Open, and removes their files.
func Close() {
	open.Lock()
	defer open.Unlock()
	for _, b := range open.brokers {
		b.Stop()
		_ = os.RemoveAll(b.directory)
	}
	open.brokers = nil
}

func newBroker(directory string) (*Broker, error) {
	b := &Broker{directory: directory}
	var distribution int
	for _, port := range []*int{&b.port, &b.epmd, &distribution} {
		var err error
		if *port, err = freeport.Find(); err != nil {
			return nil, err
		}
	}
	definitions, err := json.Marshal(b.definitions())
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf("listeners.tcp.1 = 127.0.0.1:%d\nload_definitions = %s\nlog.file.level = warning\n", b.port, filepath.Join(directory, "definitions.json"))
	for name, content := range map[string][]byte{"definitions.json": definitions, "rabbitmq.conf": []byte(config), "plugins": []byte("[].\n")} {
		if err := os.WriteFile(filepath.Join(directory, name), content, 0o600); err != nil {
			return nil, err
		}
	}
	for name, value := range map[string]string{
		"HOME": directory, "RABBITMQ_NODENAME": fmt.Sprintf("barong%d@localhost", b.port), "RABBITMQ_NODE_PORT": strconv.Itoa(b.port),
		"RABBITMQ_DIST_PORT": strconv.Itoa(distribution), "ERL_EPMD_PORT": strconv.Itoa(b.epmd), "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",
		"RABBITMQ_MNESIA_BASE": filepath.Join(directory, "mnesia"), "RABBITMQ_LOG_BASE": directory, "RABBITMQ_LOGS": filepath.Join(directory, "log"),
		"RABBITMQ_CONFIG_FILE": filepath.Join(directory, "rabbitmq"), "RABBITMQ_ENABLED_PLUGINS_FILE": filepath.Join(directory, "plugins"),
		"RABBITMQ_PID_FILE": filepath.Join(directory, "pid"), "RABBITMQ_CONF_ENV_FILE": filepath.Join(directory, "none"), "PATH": os.Getenv("PATH"), "LANG": "C.UTF-8",
	} {
		b.env = append(b.env, name+"="+value)
	}
	return b, nil
}

// definitions are the virtual hosts, and the user guest with all permissions.
func (b *Broker) definitions() map[string]any {
	salted := sha256.Sum256([]byte("saltguest"))
	hash := base64.StdEncoding.EncodeToString(append([]byte("salt"), salted[:]...))
	var hosts, permissions []map[string]string
	for i := range virtualHosts {
		host := "test" + strconv.Itoa(i)
		hosts = append(hosts, map[string]string{"name": host})
		permissions = append(permissions, map[string]string{"user": "guest", "vhost": host, "configure": ".*", "write": ".*", "read": ".*"})
	}
	return map[string]any{
		"users":  []map[string]string{{"name": "guest", "password_hash": hash, "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": "administrator"}},
		"vhosts": hosts, "permissions": permissions,
	}
}

// NewURL returns the URL of a virtual host that no other test has.
func (b *Broker) NewURL(t testing.TB) string {
	t.Helper()
	n := b.next.Add(1) - 1
	if n >= virtualHosts {
		t.Fatalf("a broker has %d virtual hosts", virtualHosts)
	}
	return fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d/test%d", b.port, n)
}

// startTimeout is far more than a start takes on a busy machine.
const startTimeout = 2 * time.Minute

// Run starts the server, once more after Kill, and waits until it is open.
func (b *Broker) Run() error {
	b.process = exec.CommandContext(context.Background(), program)
	b.process.Env, b.process.Dir = b.env, b.directory
	b.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var output bytes.Buffer
	b.process.Stdout, b.process.Stderr = &output, &output
	b.process.WaitDelay = time.Second
	if err := b.process.Start(); err != nil {
		return err
	}
	b.ended = make(chan struct{})
	go func(process *exec.Cmd, ended chan struct{}) { _ = process.Wait(); close(ended) }(b.process, b.ended)
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); {
		if b.answers() {
			return nil
		}
		select {
		case <-b.ended:
			return fmt.Errorf("the broker has ended: %s", output.String())
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("the broker does not answer")
}

// answers reports whether the server opens connections: it begins with its version of the protocol, or
// with a method, and not with the end of the connection.
func (b *Broker) answers() bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", b.port))
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err = conn.Write([]byte("AMQP\x00\x00\x09\x01")); err != nil {
		return false
	}
	first := make([]byte, 1)
	_, err = conn.Read(first)
	return err == nil && first[0] == 1
}

// controlProgram administers the server, without Debian's wrapper.
const controlProgram = "/usr/lib/rabbitmq/bin/rabbitmqctl"

// RaiseMemoryAlarm makes the server read no more from connections that publish, as it does when its memory is
// used up; LowerMemoryAlarm ends that.
func (b *Broker) RaiseMemoryAlarm() error { return b.setMemoryMark("0.0000001") }

// LowerMemoryAlarm ends what RaiseMemoryAlarm began.
func (b *Broker) LowerMemoryAlarm() error { return b.setMemoryMark("0.9") }

func (b *Broker) setMemoryMark(ofMachine string) error {
	return b.control("set_vm_memory_high_watermark", ofMachine)
}

func (b *Broker) control(arguments ...string) error {
	control := exec.CommandContext(context.Background(), controlProgram, arguments...)
	control.Env, control.Dir = b.env, b.directory
	if output, err := control.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

// Shutdown ends the server after it has written everything to the disk. One that is killed soon after a queue
// was bound may not know the binding any more when it runs again.
func (b *Broker) Shutdown() error {
	if err := b.control("shutdown"); err != nil {
		return err
	}
	<-b.ended
	return nil
}

// Kill ends the server with SIGKILL.
func (b *Broker) Kill() {
	_ = syscall.Kill(-b.process.Process.Pid, syscall.SIGKILL)
	<-b.ended
}

// Stop ends the server and its name service.
func (b *Broker) Stop() {
	if b.process != nil && b.process.Process != nil {
		b.Kill()
	}
	names := exec.CommandContext(context.Background(), "epmd", "-kill")
	names.Env = b.env
	_ = names.Run() // one that has not been started need not end
}
