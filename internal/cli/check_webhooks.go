package cli

import (
	"barong/internal/config"
	"barong/internal/webhooks/endpoints"
)

// readEndpoints reads the file of BARONG_WEBHOOKS.
func (r *checkReport) readEndpoints(c config.Config) {
	if c.Webhooks == "" {
		return
	}
	if _, err := endpoints.Load(c.Webhooks); err != nil {
		r.problem("BARONG_WEBHOOKS: %s", oneLine(err))
	}
}
