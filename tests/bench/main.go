// Command bench measures the server against the fastest server that could be, on
// the same database in the same run. docs/performance.md tells how to read it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"barong/handlers"
)

var selfPID = os.Getpid()

func main() {
	if len(os.Args) == 3 && os.Args[1] == "ceiling" {
		fail(serveCeiling(os.Args[2]))
		return
	}
	if len(os.Args) == 3 && os.Args[1] == "generate" {
		size, err := strconv.Atoi(os.Args[2])
		if err == nil {
			err = generate(os.Stdout, size)
		}
		fail(err)
		return
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if len(os.Args) > 1 && os.Args[1] == "soak" {
		fail(soak(ctx, os.Args[2:]))
		return
	}
	o, err := parseOptions()
	if err == nil {
		err = run(ctx, o)
	}
	fail(err)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	cluster, err := startCluster(ctx, o.dir, o.synchronousCommit)
	if err != nil {
		return err
	}
	defer cluster.stop()
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return err
	}
	if o.against != "" {
		if o.against, err = filepath.Abs(o.against); err != nil {
			return err
		}
	}
	signer, err := newParty(o.dir, "RS256")
	if err != nil {
		return err
	}
	rows := map[int][]row{}
	slices.Sort(o.sizes)
	for _, size := range o.sizes {
		if rows[size], err = runSize(ctx, o, cluster, signer, size); err != nil {
			return err
		}
	}
	if len(o.sizes) > 1 {
		printGrowth(o.sizes, rows)
	}
	return nil
}

func runSize(ctx context.Context, o options, cluster *cluster, signer *party, size int) (rows []row, err error) {
	original, err := cluster.loaded(ctx, o.binary, o.dir, size)
	if err != nil {
		return nil, err
	}
	database, err := cluster.copied(ctx, original)
	if err != nil {
		return nil, err
	}
	server, err := startServer(ctx, o, o.binary, signer, database)
	if err != nil {
		return nil, err
	}
	defer server.stop()
	idle, _ := residentOf(server.pid())
	fmt.Printf("\n%d users; the server was ready in %d ms and took %.0f MB\n", size, server.ready.Milliseconds(), megabytes(idle))
	bare, err := startCeiling(ctx, database)
	if err != nil {
		return nil, err
	}
	defer bare.stop()

	bench := &bench{options: o, size: size, signer: signer, server: server, ceiling: bare, database: database, signed: map[string][]request{}}
	if o.against != "" {
		if bench.other, err = startServer(ctx, o, o.against, signer, database); err != nil {
			return nil, err
		}
		defer bench.other.stop()
	}
	printHeader()
	for _, operation := range operations {
		if !o.wants(operation.name) {
			continue
		}
		for _, connections := range o.connections {
			row, err := bench.measure(ctx, operation, connections)
			if err != nil {
				return nil, fmt.Errorf("%s, %d connections: %w", operation.name, connections, err)
			}
			row.print()
			rows = append(rows, row)
		}
	}
	if o.more {
		if err := errors.Join(bench.crawl(), bench.storm(), bench.journal(ctx)); err != nil {
			return nil, err
		}
	}
	_, peak := residentOf(server.pid())
	fmt.Printf("the most memory that the server took: %.0f MB\n", megabytes(peak))
	return rows, nil
}

// bench is the two servers on one database.
type bench struct {
	options
	size            int
	signer          *party
	server, ceiling *served
	other           *served // of -against; nil without
	database        string
	signed          map[string][]request // what can be sent again, by operation and form
}

// The three ways of asking. The ceiling is asked without a signature.
const (
	asEnvelope = iota
	asBearer
	asCeiling
)

// measure sends an operation to server and ceiling in turns.
func (b *bench) measure(ctx context.Context, o operation, connections int) (row, error) {
	r := row{operation: o.name, connections: connections}
	turn := time.Duration(b.seconds / float64(b.rounds) * float64(time.Second))
	for round := range b.rounds {
		for place := asEnvelope; place <= asCeiling; place++ {
			// Each is first once: after a checkpoint the first writers pay for the pages.
			form := (place + round) % (asCeiling + 1)
			if form == asCeiling && o.bare {
				continue
			}
			requests, err := b.requests(o, connections, turn, form)
			if err != nil {
				return r, err
			}
			to := b.server
			if form == asCeiling {
				to = b.ceiling
			}
			unit := 1
			if o.pairs {
				unit = 2
			}
			if requests, err = see(to, requests, unit, o.once); err != nil {
				return r, err
			}
			if round == 0 { // connections are made and statements prepared before
				first := requests
				if o.once {
					first, requests = requests[:len(requests)/10], requests[len(requests)/10:]
				}
				if _, err := (barrage{first, connections, turn / 10, o.once, unit}).run(to, nil); err != nil {
					return r, err
				}
			}
			backends, err := b.backends(ctx)
			if err != nil {
				return r, err
			}
			m, err := barrage{requests, connections, turn, o.once, unit}.run(to, backends)
			if err != nil {
				return r, err
			}
			if m.failures > 0 {
				return r, fmt.Errorf("%d of %d failed: %s", m.failures, m.requests, m.failure)
			}
			r.measured[form].add(m)
		}
	}
	return r, nil
}

// see sends the first requests, as many as belong together, and looks at the
// answers: each must be JSON, and no error. One that cannot be sent again is taken
// from the list.
func see(to *served, requests []request, unit int, once bool) ([]request, error) {
	c, err := dial(to.address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	for _, first := range requests[:unit] {
		status, body, err := c.do(first, true)
		if err != nil {
			return nil, err
		}
		if status < 200 || status > 299 || !json.Valid(body) {
			return nil, fmt.Errorf("%d %s", status, body)
		}
	}
	if once {
		return requests[unit:], nil
	}
	return requests, nil
}

// fastest bounds, per second and connection, and per second, how many requests
// are made that can be sent only once.
const (
	fastestConnection = 1500
	fastest           = 6000
)

// requests are made and signed before anything is measured.
func (b *bench) requests(o operation, connections int, turn time.Duration, form int) ([]request, error) {
	key := fmt.Sprint(o.name, form)
	if kept := b.signed[key]; kept != nil {
		return kept, nil
	}
	n := b.pooled
	if o.once {
		n = max(20*connections, int(turn.Seconds()*float64(min(fastest, fastestConnection*connections))))
	}
	calls := o.calls(b.size, n)
	requests := make([]request, len(calls))
	errs := make([]error, len(calls))
	var group sync.WaitGroup
	for worker := range 2 {
		group.Go(func() {
			for i := worker; i < len(calls); i += 2 {
				body, token := []byte(calls[i].parameters), ""
				switch form {
				case asEnvelope:
					body, errs[i] = b.signer.envelope(calls[i].parameters)
				case asBearer:
					token = b.signer.token
				}
				path := calls[i].path
				if form == asCeiling && o.ceilingPath != "" {
					path = o.ceilingPath
				}
				requests[i] = newRequest(calls[i].method, handlers.BasePath+path, token, body)
			}
		})
	}
	group.Wait()
	if !o.once {
		b.signed[key] = requests
	}
	return requests, errors.Join(errs...)
}

// backends are the processes of the database server, where it runs here.
func (b *bench) backends(ctx context.Context) ([]int, error) {
	connection, err := pgx.Connect(ctx, b.database)
	if err != nil {
		return nil, err
	}
	defer func() { _ = connection.Close(ctx) }()
	var pid int
	if err := connection.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		return nil, err
	}
	return family(pid), nil
}
