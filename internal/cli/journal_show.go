package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"barong/internal/app"
	"barong/internal/journal"
	"barong/repository"
)

type journalShowCommand struct {
	What string `arg:"" help:"A uid, or the number of a row."`
	JSON bool   `name:"json" help:"Print a JSON object a line."`
}

func (journalShowCommand) Help() string {
	return `Each row says when, what and by whom, what it changed, and what it proves: "proved" where payload and signature show that the signers
signed these parameters; "signed" where the signature of a digest shows who signed; "attested" where it is the word of the server,
fixed in time by the checkpoints. Rows are shown a fraction of a second after the write, when they are sealed.

Example:
  barong journal show ID873B5CE1D2
  barong journal show 17 --json`
}

// shownPage is the number of rows of one query.
const shownPage = 500

func (c journalShowCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		var failed error
		keys := signerKeysOf(ctx, a.Repo, &failed)
		show := func(row *journal.Sealed) error {
			if c.JSON {
				return showRowJSON(p.stdout, row, keys)
			}
			return showRow(p.stdout, row, keys)
		}
		if seq, err := strconv.ParseInt(c.What, 10, 64); err == nil {
			row, err := oneSealed(ctx, a.Repo, seq)
			if err != nil {
				return err
			}
			if err := show(&row); err != nil {
				return err
			}
			return failed
		}
		return c.showUser(ctx, a.Repo, show)
	})
}

func (c journalShowCommand) showUser(ctx context.Context, repo *repository.Repository, show func(*journal.Sealed) error) error {
	for after, shown := int64(0), 0; ; {
		page, err := repo.SealedOf(ctx, c.What, after, shownPage)
		if err != nil {
			return err
		}
		for i := range page {
			if err := show(&page[i]); err != nil {
				return err
			}
			after = page[i].Seq
		}
		if shown += len(page); shown == 0 {
			return fmt.Errorf("the journal has no rows of %s", c.What)
		}
		if len(page) < shownPage {
			return nil
		}
	}
}

func proofOf(row *journal.Sealed) (proof *journal.Proof, err error) {
	if row.Proof != nil {
		err = json.Unmarshal(row.Proof, &proof)
	}
	return proof, err
}

func showRow(to io.Writer, row *journal.Sealed, keys journal.PublicKeyOf) error {
	proof, err := proofOf(row)
	if err != nil {
		return err
	}
	changes, err := row.Changes()
	if err != nil {
		return err
	}
	judged := journal.Judge(proof, row.Payload, keys)
	by := "nobody that is known"
	if len(row.Signers) > 0 {
		by = strings.Join(row.Signers, ", ")
	}
	fmt.Fprintf(to, "%d  %s  %s by %s, %s\n", row.Seq, timestamp(row.WrittenAt), printable(row.Operation), printable(by), journal.GradeOf(judged))
	whose := "nobody"
	if row.UID != nil {
		whose = printable(*row.UID)
	}
	fmt.Fprintf(to, "    of %s: %s\n", whose, printable(changes.Text()))
	for _, j := range judged {
		switch {
		case j.Err != nil:
			fmt.Fprintf(to, "    NOT VALID: %s\n", printable(j.Err.Error()))
		case j.KID != "":
			fmt.Fprintf(to, "    %s %s: %s\n", printable(j.KID), printable(j.Algorithm), j.Grade)
		}
	}
	return nil
}

// shownRow is a row in JSON.
type shownRow struct {
	Seq       int64           `json:"seq"`
	SealedAt  string          `json:"sealed_at"`
	WrittenAt string          `json:"written_at"`
	Entry     string          `json:"entry"`
	UID       *string         `json:"uid"`
	Operation string          `json:"operation"`
	Form      string          `json:"form"`
	RequestID string          `json:"request_id,omitempty"`
	Signers   []string        `json:"signers"`
	Grade     journal.Grade   `json:"grade"`
	Invalid   []string        `json:"invalid,omitempty"`
	Proof     json.RawMessage `json:"proof,omitempty"`
	Payload   *string         `json:"payload,omitempty"`
	Changed   json.RawMessage `json:"changed"`
}

func showRowJSON(to io.Writer, row *journal.Sealed, keys journal.PublicKeyOf) error {
	proof, err := proofOf(row)
	if err != nil {
		return err
	}
	judged := journal.Judge(proof, row.Payload, keys)
	shown := shownRow{
		Seq: row.Seq, SealedAt: timestamp(row.SealedAt), WrittenAt: timestamp(row.WrittenAt), Entry: row.Entry.String(), UID: row.UID,
		Operation: row.Operation, Form: string(row.Form), RequestID: row.RequestID, Signers: row.Signers, Grade: journal.GradeOf(judged),
		Proof: row.Proof, Payload: row.Payload, Changed: row.Changed,
	}
	for _, j := range judged {
		if j.Err != nil {
			shown.Invalid = append(shown.Invalid, j.Err.Error())
		}
	}
	return json.NewEncoder(to).Encode(shown)
}
