package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// print writes the report as text.
func (r *checkReport) print(to io.Writer) error {
	page := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(page, "barong %s, management API %s\n", r.Version, r.APIVersion)
	r.Keychain.print(page)
	if r.Rules != nil {
		r.Rules.print(page)
	}
	if r.Database != nil {
		r.Database.print(page)
	}
	r.Storage.print(page, "Documents")
	r.OTP.print(page, "One-time codes")
	if len(r.Aliases) > 0 {
		fmt.Fprint(page, "\nBarong's names in the environment that are read\n")
		for _, alias := range r.Aliases {
			fmt.Fprintf(page, "  %s\tas %s\n", alias.Name, alias.Setting)
		}
	}
	if len(r.Ignored) > 0 {
		fmt.Fprint(page, "\nNames in the environment without effect\n")
		for _, name := range r.Ignored {
			fmt.Fprintf(page, "  %s\t%s\n", name.Name, name.Advice)
		}
	}
	printLines(page, "Warnings", r.Warnings)
	printLines(page, "Problems", r.Problems)
	fmt.Fprintf(page, "\n%s, %s\n", counted(len(r.Problems), "problem"), counted(len(r.Warnings), "warning"))
	return page.Flush()
}

func printLines(page io.Writer, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(page, "\n%s\n", title)
	for _, line := range lines {
		fmt.Fprintf(page, "  %s\n", strings.ReplaceAll(line, "\n", "\n  "))
	}
}

func (k *keychainCheck) print(page io.Writer) {
	fmt.Fprintf(page, "\nKeychain: %s\n", cmp.Or(k.File, "none that can be read; without BARONG_MANAGEMENT_API, barong serve makes a signer for development"))
	for _, signer := range k.Signers {
		fmt.Fprintf(page, "  %s\tsigns with %s\n", signer.Name, signer.Algorithm)
	}
	for _, operation := range k.Operations {
		who := "nobody"
		if len(operation.Mandatory) > 0 {
			who = "signed by " + joinAnd(operation.Mandatory)
		}
		if len(operation.Optional) > 0 {
			who += "; may sign too: " + strings.Join(operation.Optional, ", ")
		}
		fmt.Fprintf(page, "  %s\t%s\t%s\n", operation.Operation, operation.Scope, who)
	}
	for _, scope := range k.Extended {
		fmt.Fprintf(page, "  In Barong 2.3.38 the scope %s does not permit %s: it now does to %s\n", scope.Scope, joinAnd(scope.Operations), joinAnd(scope.Signers))
	}
}

func (r *rulesCheck) print(page io.Writer) {
	fmt.Fprintf(page, "\nbarong.yml: %s\n", cmp.Or(r.File, "none; Barong's defaults"))
	fmt.Fprintf(page, "  active\twith %s\n", cmp.Or(joinAnd(r.Active), "no label"))
	for i, label := range r.Levels {
		fmt.Fprintf(page, "  level %d\twith %s\n", i+1, label)
	}
	if len(r.States) > 0 {
		fmt.Fprintf(page, "  states\tthe first of these that applies, before active; a key is compared as a whole, or up to its *\n")
	}
	for _, state := range r.States {
		fmt.Fprintf(page, "  %s\twith a private label %s\n", state.State, cmp.Or(strings.Join(state.Keys, ", "), "of no key"))
	}
	fmt.Fprintf(page, "  documents\t%s\n", strings.Join(r.Documents, ", "))
	if len(r.Ignored) > 0 {
		fmt.Fprintf(page, "  ignored\t%s\n", strings.Join(r.Ignored, ", "))
	}
}

func (d *databaseCheck) print(page io.Writer) {
	fmt.Fprintf(page, "\nDatabase: %s\n", d.Where)
	if !d.Reachable {
		return
	}
	fmt.Fprintf(page, "  version\tPostgreSQL %s\n", d.Version)
	writable := "yes"
	if d.ReadOnly {
		writable = "no, it is read-only"
	}
	fmt.Fprintf(page, "  writable\t%s\n", writable)
	fmt.Fprintf(page, "  schema\tversion %d, and this binary needs %d\n", d.Schema, d.SchemaRequired)
	fmt.Fprintf(page, "  clock\t%+.3f s against this machine's\n", d.ClockAhead)
}

func (p *placeCheck) print(page io.Writer, title string) {
	if p == nil {
		return
	}
	answers := ""
	if p.Reachable {
		answers = ", which answers"
	}
	fmt.Fprintf(page, "\n%s: in %s%s\n", title, p.Where, answers)
}

// joinAnd joins names to an English list.
func joinAnd(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
