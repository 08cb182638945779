package repository

import (
	"context"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/identity"
)

var (
	deleteEventCursor = compile(sq.Delete(cursors.name).Where(isSink).Where(cursors.until + " <= clock_timestamp()"))

	deleteEndpoint = compile(sq.Delete(hooks.name).Where(isEndpoint))

	deleteLanes = compile(sq.Delete(webhookLanesTable.name).Where(webhookLanesTable.endpoint+" = ?", arg("endpoint")))

	deleteDeadOfEndpoint = compile(sq.Delete(dead.name).Where(dead.endpoint+" = ?", arg("endpoint")))
)

// ForgetReceiver removes all that is stored of a receiver of events: its cursor and, of the endpoint of
// webhooks with a name, its users, its dead events and its state. endpoint is "" for another receiver. A
// cursor that a server holds is ErrNotHolder, and a receiver that is not there is
// identity.ErrRecordNotFound.
func (r *Repository) ForgetReceiver(ctx context.Context, sink, endpoint string) error {
	return r.InTx(ctx, func(tx *Repository) error {
		removed, err := tx.exec(ctx, deleteEventCursor, args{"sink": sink})
		if err != nil {
			return err
		}
		known, err := tx.EventCursors(ctx)
		if err != nil {
			return err
		}
		for _, cursor := range known {
			if cursor.Sink == sink {
				return ErrNotHolder
			}
		}
		for _, remove := range []statement{deleteEndpoint, deleteLanes, deleteDeadOfEndpoint} {
			n, err := tx.exec(ctx, remove, args{"endpoint": endpoint})
			if err != nil {
				return err
			}
			removed += n
		}
		if removed == 0 {
			return identity.ErrRecordNotFound
		}
		return nil
	})
}
