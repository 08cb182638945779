package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// options are the flags.
type options struct {
	dir, binary        string
	against            string // another build of the server, for the storm
	sizes, connections []int
	only               []string
	seconds            float64
	rounds             int
	synchronousCommit  string
	more               bool // beyond the table
	pooled             int
}

func parseOptions() (o options, err error) {
	sizes := flag.String("sizes", "10000", "how many users, in a list")
	connections := flag.String("connections", "1,8,32", "how many connections at a time, in a list")
	only := flag.String("operations", "", "parts of the names of those to measure, in a list; empty: all")
	flag.Float64Var(&o.seconds, "seconds", 3, "how long each is measured, in all rounds together")
	flag.IntVar(&o.rounds, "rounds", 3, "how often server and ceiling take turns")
	flag.StringVar(&o.dir, "dir", "data/bench", "where the data of this and later runs are")
	flag.StringVar(&o.binary, "binary", "bin/barong", "the server")
	flag.StringVar(&o.against, "against", "", "another build of the server, which takes turns with the first in the storm")
	flag.StringVar(&o.synchronousCommit, "synchronous-commit", "on", "of the private Postgres: off takes the disk out of the figures")
	smoke := flag.Bool("smoke", false, "only see, in some seconds, that everything works")
	flag.BoolVar(&o.more, "more", true, "crawl through all pages, and storm the server with new users")
	flag.Parse()
	o.pooled = pooled
	if *smoke {
		o.pooled = smokePooled
		*sizes, *connections, o.seconds, o.rounds = "1000", "2", 0.2, 1
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return o, err
	}
	o.sizes, err = numbers(*sizes)
	if err == nil {
		o.connections, err = numbers(*connections)
	}
	return o, errors.Join(err, os.MkdirAll(o.dir, 0o755))
}

func numbers(list string) ([]int, error) {
	var found []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no number of users or connections", text)
		}
		found = append(found, n)
	}
	return found, nil
}

func (o options) wants(name string) bool {
	for _, part := range o.only {
		if strings.Contains(name, part) {
			return true
		}
	}
	return len(o.only) == 0
}
