package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	barWidth     = 30
	barInterval  = 200 * time.Millisecond
	lineInterval = 5 * time.Second
)

// bar shows progress: as a bar on a terminal, else as a line at intervals.
type bar struct {
	to       io.Writer
	terminal bool
	began    time.Time
	shown    time.Time
}

func newBar(to io.Writer) bar {
	return bar{to: to, terminal: isTerminal(to), began: time.Now(), shown: time.Now()}
}

// due reports whether it is time to draw again.
func (b *bar) due() bool {
	interval := lineInterval
	if b.terminal {
		interval = barInterval
	}
	now := time.Now()
	if now.Sub(b.shown) < interval {
		return false
	}
	b.shown = now
	return true
}

// draw shows a text. If the total is known, it adds the fraction done and the estimated
// remaining time at the rate since first.
func (b *bar) draw(text string, first, done, total int64) {
	if total > 0 {
		part := min(1, float64(done)/float64(total))
		percent := fmt.Sprintf("%3.0f %%", 100*part)
		if b.terminal {
			filled := int(part * barWidth)
			percent = "[" + strings.Repeat("#", filled) + strings.Repeat("-", barWidth-filled) + "] " + percent
		}
		left := b.elapsed().Seconds() * float64(max(0, total-done)) / float64(max(1, done-first))
		text = fmt.Sprintf("%s  %s, %s left", percent, text, time.Duration(left*float64(time.Second)).Round(time.Second))
	}
	b.clear()
	fmt.Fprint(b.to, text)
	if !b.terminal {
		fmt.Fprintln(b.to)
	}
}

func (b *bar) elapsed() time.Duration { return time.Since(b.began) }

// clear erases the bar's line.
func (b *bar) clear() {
	if b.terminal {
		fmt.Fprint(b.to, "\r\033[K")
	}
}
