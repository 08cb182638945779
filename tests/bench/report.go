package main

import (
	"fmt"
	"time"
)

// row is one line of the table.
type row struct {
	operation   string
	connections int
	measured    [3]measurement // by form
}

var formNames = [3]string{"envelope", "bearer", "ceiling"}

func megabytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }

const columns = "%-27s %4s  %-8s %8s %8s %8s %8s %8s %9s %7s %7s\n"

func printHeader() {
	fmt.Printf(columns, "operation", "conn", "form", "per s", "p50 ms", "p99 ms", "CPU µs", "DB µs", "client µs", "RSS MB", "ratio")
}

func (r row) print() {
	for form, name := range formNames {
		m := r.measured[form]
		if m.requests == 0 {
			continue
		}
		ratio := ""
		if ceiling := r.measured[asCeiling].rate(); ceiling > 0 && form != asCeiling {
			ratio = fmt.Sprintf("%.2f", m.rate()/ceiling)
		}
		each := func(cpu time.Duration) string {
			if cpu == 0 {
				return "-"
			}
			return fmt.Sprintf("%.0f", float64(cpu.Microseconds())/float64(m.requests))
		}
		milliseconds := func(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()*1e3) }
		fmt.Printf(columns, r.operation, fmt.Sprint(r.connections), name, fmt.Sprintf("%.0f", m.rate()),
			milliseconds(m.percentile(0.5)), milliseconds(m.percentile(0.99)), each(m.server), each(m.database), each(m.client),
			fmt.Sprintf("%.0f", megabytes(m.resident)), ratio)
	}
}

// printGrowth says how much slower each operation is with the most users than
// with the fewest.
func printGrowth(sizes []int, rows map[int][]row) {
	fewest, most := sizes[0], sizes[len(sizes)-1]
	fmt.Printf("\n%-27s %4s  %-8s %12s %12s %7s\n", "operation", "conn", "form", fmt.Sprint(fewest), fmt.Sprint(most), "times")
	for i, before := range rows[fewest] {
		for form, name := range formNames {
			one, other := before.measured[form], rows[most][i].measured[form]
			if one.requests == 0 || other.requests == 0 {
				continue
			}
			fmt.Printf("%-27s %4d  %-8s %12.0f %12.0f %7.2f\n", before.operation, before.connections, name, one.rate(), other.rate(), one.rate()/other.rate())
		}
	}
}
