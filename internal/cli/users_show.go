package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"barong/internal/app"
	"barong/internal/identity"
	"barong/repository"
)

type usersShowCommand struct {
	User string `arg:"" help:"The user: a uid, an e-mail or a phone number."`
}

func (usersShowCommand) Help() string {
	return `Everything about a user on one page, and why level and state are what they are: which labels give the level and which one
is missing for the next; which label sets off which trigger, or which labels are missing to be active. The rules are those
of the settings, as the server has them. The journal says which writes last changed level and state, and by whom. Password, secrets
and files are not shown.

Example:
  barong users show ID873B5CE1D2
  barong users show ada@example.com
  barong users show '+44 20 7946 0018'`
}

func (c usersShowCommand) Run(p *program) error {
	return withApp(p, func(ctx context.Context, a *app.App) error {
		policy, err := a.Settings.Policy()
		if err != nil {
			return err
		}
		repo := a.Repo
		user, err := findUser(ctx, repo, c.User)
		if err != nil {
			return err
		}
		failures, err := repo.OTPFailures(ctx, user.UID)
		if err != nil {
			return err
		}
		if err := showUser(p.stdout, user, failures, policy); err != nil {
			return err
		}
		return showHistory(ctx, p.stdout, repo, user)
	})
}

// findUser finds a user by e-mail (if the text contains @), UID or phone number. The UID is
// tried before the phone number, because a UID may consist of digits.
func findUser(ctx context.Context, repo *repository.Repository, text string) (identity.User, error) {
	text = strings.TrimSpace(text)
	var keys []repository.UserKey
	if strings.Contains(text, "@") {
		keys = append(keys, repository.ByEmail(text))
	} else {
		keys = append(keys, repository.ByUID(text), repository.ByUID(strings.ToUpper(text)))
		if digits, ok := identity.PhoneDigits(text); ok {
			keys = append(keys, repository.ByPhone(digits))
		}
		if phone, violations := identity.ParsePhone(text); violations == nil {
			keys = append(keys, repository.ByPhone(phone.Number))
		}
	}
	for _, key := range keys {
		if user, err := repo.FindUser(ctx, key); !errors.Is(err, identity.ErrRecordNotFound) {
			return user, err
		}
	}
	return identity.User{}, fmt.Errorf("there is no user with the uid, e-mail or phone number %q", text)
}

// showUser prints the details of a user.
func showUser(to io.Writer, user identity.User, failures identity.OTPFailures, policy identity.Policy) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	row := func(name, format string, arguments ...any) {
		fmt.Fprintf(table, "%s\t%s\n", name, printable(fmt.Sprintf(format, arguments...)))
	}
	row("uid", "%s", user.UID)
	row("e-mail", "%s", user.Email)
	row("role", "%s", user.Role)
	for i, reason := range explainState(user, policy) {
		row(first("state", i), "%s", reason)
	}
	for i, reason := range explainLevel(user, policy) {
		row(first("level", i), "%s", reason)
	}
	row("otp", "%s", otpText(user, failures))
	if user.ReferralUID != nil {
		row("referred by", "%s", *user.ReferralUID)
	}
	if user.Data != nil {
		row("data", "%s", *user.Data)
	}
	showProfile(row, user.CurrentProfile())
	for i, phone := range user.Phones {
		validated := "not validated"
		if phone.ValidatedAt != nil {
			validated = "validated " + timestamp(*phone.ValidatedAt)
		}
		row(first("phones", i), "+%s (%s), %s", phone.Number, phone.Country, validated)
	}
	for i, label := range user.Labels {
		row(first("labels", i), "%s: %s (%s), since %s", label.Key, label.Value, label.Scope, timestamp(label.CreatedAt))
	}
	for i, document := range user.Documents {
		expires := "no expiry"
		if document.Expire != nil {
			expires = "expires " + document.Expire.Format(time.DateOnly)
		}
		row(first("documents", i), "%s %s, %s, stored %s", document.Type, document.Number, expires, timestamp(document.CreatedAt))
	}
	row("created", "%s", timestamp(user.CreatedAt))
	row("updated", "%s", timestamp(user.UpdatedAt))
	return table.Flush()
}

func showProfile(row func(name, format string, arguments ...any), profile *identity.Profile) {
	if profile == nil {
		row("profile", "none")
		return
	}
	var parts []string
	for _, part := range []*string{profile.FirstName, profile.LastName, profile.Address, profile.Postcode, profile.City, profile.Country} {
		if part != nil {
			parts = append(parts, *part)
		}
	}
	if profile.DOB != nil {
		parts = append(parts, "born "+profile.DOB.Format(time.DateOnly))
	}
	row("profile", "%s: %s", profile.State, strings.Join(parts, ", "))
}

// explainState returns the state and sentences that explain it.
func explainState(user identity.User, policy identity.Policy) []string {
	explained := policy.ExplainState(user.Labels)
	var why string
	switch {
	case explained.Trigger != nil:
		why = fmt.Sprintf("the private label %s sets off the trigger %s (%s)", explained.Label.Key, explained.Trigger.State, strings.Join(explained.Trigger.Keys, ", "))
	case len(explained.Missing) > 0:
		why = "to be active, the private labels lack " + requirementsText(explained.Missing)
	case len(policy.ActivationRequirements) > 0:
		why = "the private labels have " + requirementsText(policy.ActivationRequirements) + ", and set off no trigger"
	default:
		why = "nothing is required to be active, and no label sets off a trigger"
	}
	if explained.State != user.State {
		return []string{
			user.State + ", which the labels do not give: an import said so, or the rules have changed since",
			fmt.Sprintf("the next change of a private label makes it %s: %s", explained.State, why),
		}
	}
	return []string{user.State + ": " + why}
}

// explainLevel returns the level and sentences that explain it.
func explainLevel(user identity.User, policy identity.Policy) []string {
	explained := policy.ExplainLevel(user.Labels)
	why := "no private label gives one"
	if len(explained.Reached) > 0 {
		why = "the private labels have " + requirementsText(explained.Reached)
	}
	if explained.Level != user.Level {
		why = fmt.Sprintf("the labels give %d, since the rules have changed; the next change of a private label makes it so", explained.Level)
	}
	reasons := []string{fmt.Sprintf("%d of %d: %s", user.Level, len(policy.Levels), why)}
	if explained.Missing != nil {
		next := fmt.Sprintf("for level %d they lack %s", explained.Level+1, requirementsText([]identity.Requirement{*explained.Missing}))
		if len(explained.Beyond) > 0 {
			next += "; " + requirementsText(explained.Beyond) + " does not count before that"
		}
		reasons = append(reasons, next)
	}
	return reasons
}

func requirementsText(requirements []identity.Requirement) string {
	texts := make([]string, len(requirements))
	for i, r := range requirements {
		texts[i] = r.Key + ":" + r.Value
	}
	return strings.Join(texts, ", ")
}

func otpText(user identity.User, failures identity.OTPFailures) string {
	switch {
	case failures.Locked > 0:
		return "locked for " + failures.Locked.Round(time.Second).String()
	case !user.OTP:
		return "off"
	case failures.InARow > 0:
		return fmt.Sprintf("on, %d wrong codes in a row", failures.InARow)
	default:
		return "on"
	}
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// first returns the label of the first row of a group, and "" for the others.
func first(name string, index int) string {
	if index > 0 {
		return ""
	}
	return name
}
