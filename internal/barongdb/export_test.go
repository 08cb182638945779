package barongdb

import "context"

// TryToWrite writes in a session that reads users.
func TryToWrite(ctx context.Context, d *DB) error {
	s, err := d.snapshot(ctx)
	if err != nil {
		return err
	}
	defer s.end()
	_, err = s.conn.ExecContext(ctx, "DELETE FROM users")
	return err
}
