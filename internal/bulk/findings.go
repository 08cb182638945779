package bulk

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json"

	"barong/internal/identity"
	"barong/repository"
)

// Kind says what a finding is about.
type Kind string

// Kinds of findings; docs/bulk-import.md describes their members.
const (
	FoundState    Kind = "state"    // the state differs from the one that labels and barong.yml give
	FoundLevel    Kind = "level"    // the level elsewhere differs from the one that labels give here
	FoundPrefix   Kind = "prefix"   // a label matches a state trigger in Barong 2.3, and not here
	FoundNote     Kind = "note"     // something that the source left out
	FoundDropped  Kind = "dropped"  // a detail that breaks a rule was left out
	FoundRefused  Kind = "refused"  // the user was rejected
	FoundConflict Kind = "conflict" // the user changed there and here
	FoundGone     Kind = "gone"     // the user is here by an earlier run, and no longer there
)

// Kinds are all kinds of findings, in the order of a summary.
var Kinds = []Kind{FoundRefused, FoundConflict, FoundDropped, FoundState, FoundLevel, FoundPrefix, FoundGone, FoundNote}

// Finding is what an operator should know about a user: a line of the report. It contains no
// personal data but the uid.
type Finding struct {
	Kind     Kind     `json:"finding"`
	UID      string   `json:"uid,omitzero"`
	Line     int64    `json:"line,omitzero"` // of the row; users.id of a database
	State    string   `json:"state,omitzero"`
	ByLabels *string  `json:"state_by_labels,omitzero"`
	Held     string   `json:"held_by,omitzero"` // the label that keeps the state
	Level    *int     `json:"level,omitzero"`
	HereIs   *int     `json:"level_by_labels,omitzero"`
	Labels   []string `json:"missing_labels,omitzero"`
	Label    string   `json:"label,omitzero"`
	Scope    string   `json:"scope,omitzero"`
	Trigger  string   `json:"trigger,omitzero"`
	Detail   string   `json:"detail,omitzero"`
}

// shownUIDs is how many users of a kind a summary names.
const shownUIDs = 10

// Tally counts the findings of a kind.
type Tally struct {
	Users int64    `json:"users"`
	First []string `json:"first,omitzero"` // uids of the first users
}

// Summary is what a run found. It is stored with the progress of the run.
type Summary struct {
	Updated    int64            `json:"updated,omitzero"`   // users that existed and changed
	Unchanged  int64            `json:"unchanged,omitzero"` // users that an earlier run brought as they are
	Held       int64            `json:"held,omitzero"`      // users that got a label that keeps their state
	Findings   map[Kind]*Tally  `json:"findings,omitzero"`
	Numbers    map[string]int64 `json:"numbers,omitzero"` // phone numbers by country
	ReportSize int64            `json:"report_size,omitzero"`
}

// SummaryOf returns the summary of a run.
func SummaryOf(run repository.ImportRun) (Summary, error) {
	s := Summary{Findings: map[Kind]*Tally{}, Numbers: map[string]int64{}}
	if len(run.Findings) == 0 {
		return s, nil
	}
	return s, json.Unmarshal(run.Findings, &s)
}

// Users returns the number of users with findings of a kind.
func (s *Summary) Users(kind Kind) int64 {
	if tally := s.Findings[kind]; tally != nil {
		return tally.Users
	}
	return 0
}

// add counts the findings on one user.
func (s *Summary) add(findings []Finding) {
	var counted []Kind
	for i, finding := range findings {
		if finding.Held != "" {
			s.Held++
		}
		if containsKind(findings[:i], finding.Kind) {
			continue
		}
		counted = append(counted, finding.Kind)
	}
	for _, kind := range counted {
		tally := s.Findings[kind]
		if tally == nil {
			tally = &Tally{}
			s.Findings[kind] = tally
		}
		tally.Users++
		if len(tally.First) < shownUIDs {
			tally.First = append(tally.First, findings[0].UID)
		}
	}
}

func containsKind(findings []Finding, kind Kind) bool {
	for _, finding := range findings {
		if finding.Kind == kind {
			return true
		}
	}
	return false
}

// findings returns what is to be told about an accepted row.
func (i *importing) findings(r *row) []Finding {
	var found []Finding
	add := func(f Finding) {
		f.UID, f.Line = r.user.UID, r.line
		found = append(found, f)
	}
	for _, note := range r.notes {
		add(Finding{Kind: FoundNote, Detail: note})
	}
	for _, detail := range r.dropped {
		add(Finding{Kind: FoundDropped, Detail: detail})
	}
	labels := r.user.Labels
	if r.held != "" {
		labels = labels[:len(labels)-1]
	}
	if state := i.Policy.State(labels); state != r.user.State {
		add(Finding{Kind: FoundState, State: r.user.State, ByLabels: &state, Held: r.held})
	}
	if r.level != nil && *r.level != r.user.Level {
		finding := Finding{Kind: FoundLevel, Level: r.level, HereIs: &r.user.Level}
		for _, missing := range i.Policy.MissingLabels(*r.level, labels) {
			finding.Labels = append(finding.Labels, missing.Key+": "+missing.Value)
		}
		add(finding)
	}
	for _, label := range labels {
		if trigger, ok := i.Policy.MatchedInBarong(label); ok {
			add(Finding{Kind: FoundPrefix, Label: label.Key, Scope: label.Scope, Trigger: trigger.Begin, State: trigger.State})
		}
	}
	return found
}

// hold adds the label that keeps a user's state, where its labels do not give it.
func (i *importing) hold(r *row) {
	if !i.HoldStates || r.user.State == identity.StateActive || r.user.State == identity.StatePending {
		return
	}
	label, ok := i.Policy.HoldingLabel(r.user.State, r.user.Labels)
	if !ok {
		return
	}
	label.CreatedAt, label.UpdatedAt = r.user.UpdatedAt, r.user.UpdatedAt
	r.user.Labels = append(r.user.Labels, label)
	r.held = label.Key + ": " + label.Value
}

// summarize adds the outcome of a batch to the summary of the run, and writes its findings to the
// report.
func (i *importing) summarize(from repository.ImportRun, done outcome) ([]byte, error) {
	summary, err := SummaryOf(from)
	if err != nil {
		return nil, err
	}
	summary.Updated += int64(len(done.changed))
	summary.Unchanged += int64(len(done.unchanged))
	var report bytes.Buffer
	tell := func(findings []Finding) error {
		summary.add(findings)
		if i.ReportFile == "" {
			return nil
		}
		for n := range findings {
			if err := json.MarshalWrite(&report, &findings[n]); err != nil {
				return err
			}
			report.WriteByte('\n')
		}
		return nil
	}
	for _, rows := range [][]*row{done.accepted, done.changed, done.unchanged} {
		for _, r := range rows {
			for _, phone := range r.user.Phones {
				summary.Numbers[phone.Country]++
			}
			if err := tell(r.found); err != nil {
				return nil, err
			}
		}
	}
	for _, r := range done.refused {
		if err := tell([]Finding{{Kind: FoundRefused, UID: r.givenUID(), Line: r.line, Detail: strings.Join(r.sentences, ", ")}}); err != nil {
			return nil, err
		}
	}
	for _, r := range done.conflicts {
		if err := tell([]Finding{{Kind: FoundConflict, UID: r.user.UID, Line: r.line}}); err != nil {
			return nil, err
		}
	}
	for _, user := range done.gone {
		if err := tell([]Finding{{Kind: FoundGone, UID: user.UID, Line: user.SourceID}}); err != nil {
			return nil, err
		}
	}
	if summary.ReportSize, err = i.reported.writeAt(summary.ReportSize, report.Bytes()); err != nil {
		return nil, err
	}
	return json.Marshal(summary, json.Deterministic(true))
}
