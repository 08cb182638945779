package cli

import (
	"fmt"
	"io"
	"strings"

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
	size       int64 // size of the input; 0 if unknown
	first      repository.ImportRun
	rejections int
}

func newProgress(to io.Writer, from repository.ImportRun, size int64) *progress {
	return &progress{bar: newBar(to), size: size, first: from}
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
		fmt.Fprintf(p.to, "line %d: %s\n", each.Line, reasons)
		if p.rejections == shownRejections {
			fmt.Fprintln(p.to, "further rows that are refused are not shown")
		}
	}
	if p.due() {
		rows := run.Imported + run.Refused
		rate := float64(rows-p.first.Imported-p.first.Refused) / p.elapsed().Seconds()
		p.draw(fmt.Sprintf("%d rows, %d refused, %.0f/s", rows, run.Refused, rate), p.first.Position, run.Position, p.size)
	}
}

func (p *progress) end() { p.clear() }
