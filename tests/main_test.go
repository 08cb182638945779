package tests

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"barong/internal/barongdb/barongtest"
	"barong/internal/rabbitmq/brokertest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "barong-binary-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binaryDir = dir
	stop, err := startPostgres(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "tests need a Postgres:", err)
		return 1
	}
	defer stop()
	defer barongtest.Stop()
	defer brokertest.Close()
	status := m.Run()
	if status == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.fuzz").Value.String() == "" {
		if missing := exercised.missing(); len(missing) > 0 {
			fmt.Fprintln(os.Stderr, "no test called", missing)
			return 1
		}
	}
	return status
}
