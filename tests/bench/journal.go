package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"barong/handlers"
)

// journalOperations are the writes that are measured with and without the journal.
var journalOperations = []operation{
	{name: "update label", calls: alternatingLabels},
	{name: "import", calls: newUsers},
}

// journalForms are the ways to send a write. Each request is sent once: a repeated key stores nothing.
var journalForms = []string{"bearer", "bearer with key", "envelope"}

// journalConnections is how many connections write at a time.
const journalConnections = 8

// envelopesPerTurn bounds the envelopes of a turn: a signature takes a millisecond.
const envelopesPerTurn = 1500

// journal measures writes on a server with the journal and on one without, in turns (-rounds), on one
// database, first waiting for commits and then not.
func (b *bench) journal(ctx context.Context) error {
	if !b.wants("journal") {
		return nil
	}
	fmt.Printf("\njournal: rate with / rate without, of the same turns; %d connections\n", journalConnections)
	fmt.Printf(journalColumns, "commits", "operation", "form", "on, per s", "off, per s", "median", "least", "most", "CPU µs", "DB µs")
	for _, waited := range []string{"on", "off"} {
		if err := b.journalWith(ctx, waited); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	return nil
}

// journalWith measures with a value of synchronous_commit.
func (b *bench) journalWith(ctx context.Context, synchronousCommit string) error {
	separator := "?"
	if strings.Contains(b.database, "?") {
		separator = "&"
	}
	database := b.database + separator + "synchronous_commit=" + synchronousCommit
	var servers [2]*served // with the journal, without
	for i, setting := range []string{"on", "off"} {
		s, err := startServerAs(ctx, b.options, "journal-"+setting, b.binary, b.signer, database, "BARONG_JOURNAL="+setting)
		if err != nil {
			return err
		}
		defer s.stop()
		servers[i] = s
	}
	for _, o := range journalOperations {
		for _, form := range journalForms {
			pair, err := b.journalPair(ctx, o, form, servers)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", o.name, form, err)
			}
			pair.print(synchronousCommit, o.name, form)
		}
	}
	return nil
}

// journalPair is an operation with the journal and without.
type journalPair struct {
	measured [2]measurement
	ratios   []float64 // of each round
}

func (b *bench) journalPair(ctx context.Context, o operation, form string, servers [2]*served) (p journalPair, err error) {
	turn := time.Duration(b.seconds / float64(b.rounds) * float64(time.Second))
	for round := range b.rounds + 1 { // the first one prepares connections and statements
		var rates [2]float64
		for place := range servers {
			which := (place + round) % len(servers)
			if err := b.sealed(ctx); err != nil {
				return p, err
			}
			requests, err := b.journalRequests(o, form, turn)
			if err != nil {
				return p, err
			}
			backends, err := b.backends(ctx)
			if err != nil {
				return p, err
			}
			m, err := barrage{requests, journalConnections, turn, true, 1}.run(servers[which], backends)
			if err != nil {
				return p, err
			}
			if m.failures > 0 {
				return p, fmt.Errorf("%d of %d failed: %s", m.failures, m.requests, m.failure)
			}
			rates[which] = m.rate()
			if round > 0 {
				p.measured[which].add(m)
			}
		}
		if round > 0 {
			p.ratios = append(p.ratios, rates[0]/rates[1])
		}
	}
	slices.Sort(p.ratios)
	return p, nil
}

// journalRequests are new requests for a turn.
func (b *bench) journalRequests(o operation, form string, turn time.Duration) ([]request, error) {
	n := max(20*journalConnections, int(turn.Seconds()*fastest))
	if form == "envelope" {
		n = min(n, envelopesPerTurn)
	}
	calls := o.calls(b.size, n)
	requests := make([]request, len(calls))
	for i, c := range calls {
		body, token := []byte(c.parameters), b.signer.token
		if form == "envelope" {
			var err error
			if body, err = b.signer.envelope(c.parameters); err != nil {
				return nil, err
			}
			token = ""
		}
		requests[i] = newRequest(c.method, handlers.BasePath+c.path, token, body)
		if form == "bearer with key" {
			requests[i] = requests[i].withHeader("Idempotency-Key", fmt.Sprintf("bench-%d", created.Add(1)))
		}
	}
	return requests, nil
}

// sealingPatience is for the rows of one turn.
const sealingPatience = time.Minute

// sealed waits until the rows of earlier turns are sealed, so that no turn pays for another one.
func (b *bench) sealed(ctx context.Context) error {
	connection, err := pgx.Connect(ctx, b.database)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(ctx) }()
	for began := time.Now(); time.Since(began) < sealingPatience; time.Sleep(20 * time.Millisecond) {
		var left bool
		if err := connection.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM journal_inbox)").Scan(&left); err != nil || !left {
			return err
		}
	}
	return fmt.Errorf("rows are not sealed after %s", sealingPatience)
}

const journalColumns = "%-8s %-13s %-16s %10s %10s %7s %6s %6s %11s %11s\n"

func (p journalPair) print(synchronousCommit, operation, form string) {
	commits := map[string]string{"on": "waited", "off": "not"}[synchronousCommit]
	with, without := p.measured[0], p.measured[1]
	each := func(cpu func(measurement) time.Duration) string {
		return fmt.Sprintf("%d / %d", cpu(with).Microseconds()/int64(max(1, with.requests)), cpu(without).Microseconds()/int64(max(1, without.requests)))
	}
	ratio := func(i int) string { return fmt.Sprintf("%.2f", p.ratios[i]) }
	fmt.Printf(journalColumns, commits, operation, form, fmt.Sprintf("%.0f", with.rate()), fmt.Sprintf("%.0f", without.rate()),
		ratio(len(p.ratios)/2), ratio(0), ratio(len(p.ratios)-1),
		each(func(m measurement) time.Duration { return m.server }), each(func(m measurement) time.Duration { return m.database }))
}
