package app

import (
	"context"
	"log/slog"

	"barong/internal/config"
	"barong/internal/identity"
)

// maxOverlooked is the maximum number of label keys in the warning.
const maxOverlooked = 20

// WarnOverlooked logs the private labels that begin with a state trigger without being equal
// to one. Barong matches by prefix and would have changed the state of their users.
func (a *App) WarnOverlooked(ctx context.Context, policy identity.Policy) {
	overlooked, err := a.Repo.OverlookedLabels(ctx, policy)
	if err != nil {
		if ctx.Err() == nil {
			a.Log.Warn("it could not be found out whether labels begin with a state trigger and equal none", "error", err)
		}
		return
	}
	a.Log.Debug("label keys are compared with the state triggers", "overlooked", len(overlooked))
	for i, label := range overlooked {
		if i == maxOverlooked {
			a.Log.Warn("more label keys begin with a state trigger and equal none", "keys", len(overlooked)-i)
			return
		}
		a.Log.Warn("users with this private label stay as they are, for its key only begins with a state trigger: "+
			"write the key, or the trigger with a *, or state_trigger_match: prefix into barong.yml if it is meant",
			"key", label.Key, "trigger", label.Begin, "state", label.State, "users", label.Users)
	}
}

// warnMisspeltRules logs the ignored members of barong.yml that are probably misspelt.
func warnMisspeltRules(path string, log *slog.Logger) {
	ignored, _ := config.IgnoredRules(path) // Config.Policy has already read the file without an error
	for _, name := range ignored {
		if nearest, found := config.NearestRule(name); found {
			log.Warn("barong.yml has a member that is ignored, did you mean another?", "member", name, "nearest", nearest)
		}
	}
}
