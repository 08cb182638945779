package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// soakOptions are the flags of bench soak.
type soakOptions struct {
	options
	size, connections int
	rate              float64 // requests per second; 0: searched
	share             float64 // of what the search found
	duration          time.Duration
}

func parseSoakOptions(arguments []string) (o soakOptions, err error) {
	flags := flag.NewFlagSet("bench soak", flag.ExitOnError)
	flags.IntVar(&o.size, "size", 20_000, "how many users there are at the start")
	flags.IntVar(&o.connections, "connections", 64, "how many connections the callers keep")
	flags.Float64Var(&o.rate, "rate", 0, "requests per second; 0: searched")
	flags.Float64Var(&o.share, "share", 0.7, "of the highest rate that was found, so that there is room for chance")
	flags.DurationVar(&o.duration, "duration", 20*time.Minute, "how long")
	flags.StringVar(&o.dir, "dir", "data/bench", "where the data of this and later runs are")
	flags.StringVar(&o.binary, "binary", "bin/barong", "the server")
	flags.StringVar(&o.synchronousCommit, "synchronous-commit", "on", "of the private Postgres")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return o, err
	}
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return o, err
	}
	if o.duration < time.Minute {
		return o, errors.New("less than a minute says nothing")
	}
	return o, os.MkdirAll(o.dir, 0o755)
}

// quickEnough is what 99 of 100 requests must stay under.
const quickEnough = 50 * time.Millisecond

// soak loads a server steadily for a long time, and looks whether it grows.
func soak(ctx context.Context, arguments []string) error {
	o, err := parseSoakOptions(arguments)
	if err != nil {
		return err
	}
	cluster, err := startCluster(ctx, o.dir, o.synchronousCommit)
	if err != nil {
		return err
	}
	defer cluster.stop()
	original, err := cluster.loaded(ctx, o.binary, o.dir, o.size)
	if err != nil {
		return err
	}
	database, err := cluster.copied(ctx, original)
	if err != nil {
		return err
	}
	signer, err := newParty(o.dir, "ES256") // of which the callers, on the same processors, can make many
	if err != nil {
		return err
	}
	server, err := startServer(ctx, o.options, o.binary, signer, database)
	if err != nil {
		return err
	}
	defer server.stop()
	watch, err := newWatch(ctx, server, database)
	if err != nil {
		return err
	}
	defer watch.close()

	l := newSoakLoad(o.size, o.connections, signer, server.address)
	if o.rate == 0 {
		if o.rate, err = l.highest(ctx); err != nil {
			return err
		}
		fmt.Printf("the highest rate with 99 of 100 requests under %s: %.0f/s; taken: %.0f/s\n", quickEnough, o.rate, o.rate*o.share)
		o.rate *= o.share
	}
	before, err := settled(ctx, watch)
	if err != nil {
		return err
	}
	samples, total, err := o.steadily(ctx, l, watch)
	if err != nil {
		return err
	}
	after, err := settled(ctx, watch)
	if err != nil {
		return err
	}
	return verdict(total, samples, before, after)
}

// settled is a sample without load, once connections that are gone have been
// noticed.
func settled(ctx context.Context, w *watch) (sample, error) {
	select {
	case <-ctx.Done():
		return sample{}, ctx.Err()
	case <-time.After(5 * time.Second):
		return w.sample(ctx)
	}
}

const (
	sampleEvery = 10 * time.Second
	reportEvery = time.Minute
)

// steadily keeps the rate for the duration, with a sample every ten seconds and a
// line every minute.
func (o soakOptions) steadily(ctx context.Context, l *soakLoad, w *watch) (samples []sample, total tally, err error) {
	fmt.Printf("%d users, %.0f requests a second for %s over %d connections\n", o.size, o.rate, o.duration, o.connections)
	printSampleHeader()
	running := l.start(ctx, o.rate)
	began := time.Now()
	reported := began
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for time.Since(began) < o.duration {
		select {
		case <-ctx.Done():
			running.stop()
			return nil, total, ctx.Err()
		case <-ticker.C:
		}
		s, err := w.sample(ctx)
		if err != nil {
			running.stop()
			return nil, total, err
		}
		s.at = time.Since(began)
		samples = append(samples, s)
		if now := time.Now(); now.Sub(reported) >= reportEvery-time.Second {
			minute := l.take()
			minute.print(now.Sub(reported), s)
			total.add(minute)
			reported = now
		}
	}
	running.stop()
	rest := l.take()
	total.add(rest)
	return samples, total, nil
}
