package journal

import (
	"fmt"
	"strings"
)

// Text says what has changed in words: "nothing" where nothing has.
func (c *Changes) Text() string {
	var parts []string
	add := func(format string, arguments ...any) { parts = append(parts, fmt.Sprintf(format, arguments...)) }
	if c.Created {
		add("new user")
	}
	for _, label := range c.Labels {
		switch {
		case label.Old == nil && label.New != nil:
			add("%s label %s: %s", label.Scope, label.Key, *label.New)
		case label.New == nil && label.Old != nil:
			add("%s label %s deleted, which was %s", label.Scope, label.Key, *label.Old)
		case label.Old != nil && *label.Old != *label.New:
			add("%s label %s: %s -> %s", label.Scope, label.Key, *label.Old, *label.New)
		default:
			add("description of the %s label %s", label.Scope, label.Key)
		}
	}
	addChange(add, "level", c.Level)
	addChange(add, "state", c.State)
	addChange(add, "role", c.Role)
	addChange(add, "otp", c.OTP)
	if c.Profile != nil {
		add("profile %d, %s", c.Profile.Number, c.Profile.State)
	}
	if c.Phone != nil {
		add("phone %d %s", c.Phone.ID, map[bool]string{false: "added", true: "deleted"}[c.Phone.Deleted])
	}
	if c.Document != nil {
		add("document %d, %s, %d bytes", c.Document.ID, c.Document.Type, c.Document.Size)
	}
	if c.Attachment != nil {
		add("attachment %d, %d bytes", c.Attachment.ID, c.Attachment.Size)
	}
	if c.ServiceAccount != nil {
		add("service account %s", c.ServiceAccount.text())
	}
	for i := range c.APIKeys {
		add("API key %s", c.APIKeys[i].text())
	}
	if len(c.Fields) > 0 {
		add("fields %s", strings.Join(c.Fields, ", "))
	}
	if c.Batch != nil {
		add("import %s, lines %d to %d, %d users", c.Batch.Name, c.Batch.First, c.Batch.Last, c.Batch.Users)
	}
	if c.Pruned != nil {
		add("rows up to %d pruned", *c.Pruned)
	}
	if c.Erased {
		add("salts erased")
	}
	if c.Fork != nil {
		add("epoch %d goes on after row %d: %s", c.Fork.Epoch, c.Fork.Size, c.Fork.Reason)
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, "; ")
}

func addChange[T any](add func(string, ...any), name string, change *Change[T]) {
	if change != nil {
		add("%s %v -> %v", name, change.Old, change.New)
	}
}

func (h *HeldChange) text() string {
	state := func(s *string, none string) string {
		if s == nil {
			return none
		}
		return *s
	}
	return h.ID + ": " + state(h.Old, "new") + " -> " + state(h.New, "deleted")
}
