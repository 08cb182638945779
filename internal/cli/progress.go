package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"barong/internal/bulk"
	"barong/repository"
)

const (
	shownRejections = 10
	maxShownReason  = 200 // maximum length of the reasons for a row, in bytes
)

// progress reports the progress of an import, and the first few rejected rows.
type progress struct {
	bar
	size       int64                                // size of the input; 0 if unknown
	done       func(run repository.ImportRun) int64 // how much of size a run has done
	first      repository.ImportRun
	lineWord   string
	rejections int
}

func newProgress(to io.Writer, size int64, done func(repository.ImportRun) int64) *progress {
	return &progress{bar: newBar(to), size: size, done: done}
}

// start begins the display at the position of a run. lineWord is what its lines count.
func (p *progress) start(from repository.ImportRun, lineWord string) {
	p.first, p.lineWord, p.began = from, lineWord, time.Now()
}

func (p *progress) report(run repository.ImportRun, refused []bulk.RejectedRow) {
	for _, each := range refused {
		if p.rejections++; p.rejections > shownRejections {
			break
		}
		reasons := strings.Join(each.Sentences, ", ")
		if len(reasons) > maxShownReason {
			reasons = strings.ToValidUTF8(reasons[:maxShownReason], "") + "…"
		}
		p.clear()
		fmt.Fprintf(p.to, "%s %d: %s\n", p.lineWord, each.Line, reasons)
		if p.rejections == shownRejections {
			fmt.Fprintln(p.to, "further rows that are refused are not shown")
		}
	}
	if p.due() {
		rows := rowsOf(run)
		rate := float64(rows-rowsOf(p.first)) / p.elapsed().Seconds()
		p.draw(fmt.Sprintf("%d rows, %d refused, %.0f/s", rows, run.Refused, rate), p.done(p.first), p.done(run), p.size)
	}
}

func (p *progress) end() { p.clear() }
