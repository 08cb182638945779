package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"
)

// StoredCheckpoint is a signed checkpoint of the journal.
type StoredCheckpoint struct {
	Epoch    int
	Size     int64
	SignedAt time.Time
	Note     string
}

var (
	checkpointColumns = columns[StoredCheckpoint]{
		field(checkpointsTable.name, checkpointsTable.epoch, "int4", func(c *StoredCheckpoint) *int { return &c.Epoch }),
		field(checkpointsTable.name, checkpointsTable.size, "int8", func(c *StoredCheckpoint) *int64 { return &c.Size }),
		field(checkpointsTable.name, checkpointsTable.signedAt, "timestamptz", func(c *StoredCheckpoint) *time.Time { return &c.SignedAt }),
		field(checkpointsTable.name, checkpointsTable.note, "text", func(c *StoredCheckpoint) *string { return &c.Note }),
	}

	insertCheckpoint = compile(sq.Insert(checkpointsTable.name).Columns(checkpointColumns.names()...).
				Select(checkpointColumns.selectArgs(sq.Select())).Suffix(onConflictDoNothing()))

	selectNewestCheckpoint = compile(sq.Select(checkpointColumns.names()...).From(checkpointsTable.name).
				OrderBy(checkpointsTable.epoch+" DESC", checkpointsTable.size+" DESC").Limit(1))

	selectCheckpoints = compile(limit(sq.Select(checkpointColumns.names()...).From(checkpointsTable.name).
				Where("("+columnList(checkpointsTable.epoch, checkpointsTable.size)+") > (?, ?)", arg("epoch"), arg("size")).
				OrderBy(checkpointsTable.epoch, checkpointsTable.size)))
)

// AddCheckpoint stores a checkpoint, and returns false where one of its epoch and size is there.
func (r *Repository) AddCheckpoint(ctx context.Context, c StoredCheckpoint) (bool, error) {
	given := args{}
	checkpointColumns.bind(given, &c)
	n, err := r.exec(ctx, insertCheckpoint, given)
	return n == 1, err
}

// NewestCheckpoint returns the newest checkpoint, and nil without any.
func (r *Repository) NewestCheckpoint(ctx context.Context) (*StoredCheckpoint, error) {
	newest, err := all(ctx, r, selectNewestCheckpoint, args{}, checkpointColumns.targets)
	if err != nil || len(newest) == 0 {
		return nil, err
	}
	return &newest[0], nil
}

// CheckpointsAfter returns up to limit checkpoints behind that of an epoch and a size, in order.
func (r *Repository) CheckpointsAfter(ctx context.Context, epoch int, size int64, limit int) ([]StoredCheckpoint, error) {
	return all(ctx, r, selectCheckpoints, args{"epoch": epoch, "size": size, "limit": limit}, checkpointColumns.targets)
}
