package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"barong/bulk"
	"barong/repository"
)

const (
	barWidth       = 30
	barInterval    = 200 * time.Millisecond
	lineInterval   = 5 * time.Second
	shownRefusals  = 10
	maxShownReason = 200 // bytes of the reasons of one row
)

// progress tells how an import comes along: by a bar on a terminal, by a line now
// and then elsewhere. Of refused rows it shows the first few.
type progress struct {
	to       io.Writer
	terminal bool
	size     int64 // of the input; 0 where nobody knows
	first    repository.ImportRun
	began    time.Time
	shown    time.Time
	refusals int
}

func newProgress(to io.Writer, from repository.ImportRun, size int64) *progress {
	p := &progress{to: to, size: size, first: from, began: time.Now(), shown: time.Now()}
	if file, ok := to.(*os.File); ok {
		info, err := file.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *progress) report(run repository.ImportRun, refused []bulk.Refusal) {
	for _, each := range refused {
		if p.refusals++; p.refusals > shownRefusals {
			break
		}
		reasons := strings.Join(each.Sentences, ", ")
		if len(reasons) > maxShownReason {
			reasons = strings.ToValidUTF8(reasons[:maxShownReason], "") + "…"
		}
		p.clear()
		fmt.Fprintf(p.to, "line %d: %s\n", each.Line, reasons)
		if p.refusals == shownRefusals {
			fmt.Fprintln(p.to, "further rows that are refused are not shown")
		}
	}
	interval := lineInterval
	if p.terminal {
		interval = barInterval
	}
	if now := time.Now(); now.Sub(p.shown) >= interval {
		p.shown = now
		p.show(run, now.Sub(p.began))
	}
}

func (p *progress) show(run repository.ImportRun, elapsed time.Duration) {
	rows := run.Imported + run.Refused
	rate := float64(rows-p.first.Imported-p.first.Refused) / elapsed.Seconds()
	text := fmt.Sprintf("%d rows, %d refused, %.0f/s", rows, run.Refused, rate)
	if p.size > 0 {
		done := float64(run.Position) / float64(p.size)
		percent := fmt.Sprintf("%3.0f %%", 100*done)
		if p.terminal {
			filled := min(barWidth, int(done*barWidth))
			percent = "[" + strings.Repeat("#", filled) + strings.Repeat("-", barWidth-filled) + "] " + percent
		}
		left := elapsed.Seconds() * float64(p.size-run.Position) / float64(max(1, run.Position-p.first.Position))
		text = fmt.Sprintf("%s  %s, %s left", percent, text, time.Duration(left*float64(time.Second)).Round(time.Second))
	}
	p.clear()
	fmt.Fprint(p.to, text)
	if !p.terminal {
		fmt.Fprintln(p.to)
	}
}

// clear empties the line of the bar.
func (p *progress) clear() {
	if p.terminal {
		fmt.Fprint(p.to, "\r\033[K")
	}
}

func (p *progress) end() { p.clear() }
