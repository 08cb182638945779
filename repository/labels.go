package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"barong/internal/identity"
)

// labelsUnique is the unique key of a label.
var labelsUnique = []string{labelsTable.userID, labelsTable.key, labelsTable.scope}

// The arguments of a label.
var (
	labelKey         = labelColumns.arg(labelsTable.key)
	labelValue       = labelColumns.arg(labelsTable.value)
	labelScope       = labelColumns.arg(labelsTable.scope)
	labelUpdatedAt   = labelColumns.arg(labelsTable.updatedAt)
	labelDescription = labelColumns.arg(labelsTable.description)
)

var (
	selectLabels = compile(sq.Select().
			Column(recordsOf(labelsTable.name, labelsTable.userID, labelsTable.id, labelColumns)).
			From(aliased(usersTable.name, "u")).Where(isUser("u")))

	addLabel = sq.Insert(labelsTable.name).Columns(labelsTable.userID).Columns(labelColumns.names()...).
			Select(labelColumns.selectArgs(sq.Select(usersTable.id)).From("account"))

	insertLabel = labelWrite(addLabel, false)

	// putLabel and replaceLabel return the label as it is after the statement. A label that is
	// unchanged is not written; the existing label is returned. A description that is NULL leaves
	// the existing one.
	putLabel = labelWrite(addLabel.Suffix(
		onConflictUpdate(labelsUnique, []string{
			labelsTable.value + " = excluded." + labelsTable.value,
			labelsTable.description + " = coalesce(excluded." + labelsTable.description + ", " + labelsTable.name + "." + labelsTable.description + ")",
			labelsTable.updatedAt + " = excluded." + labelsTable.updatedAt,
		})+onlyWhere(labelsTable.name+"."+labelsTable.value+" <> excluded."+labelsTable.value+
			" OR "+labelsTable.name+"."+labelsTable.description+" IS DISTINCT FROM excluded."+labelsTable.description+
			" AND excluded."+labelsTable.description+" IS NOT NULL")), true)

	replaceLabel = labelWrite(sq.Update(labelsTable.name).
			Set(labelsTable.value, labelValue).
			Set(labelsTable.description, sq.Expr("coalesce(?::text, "+labelsTable.description+")", labelDescription)).
			Set(labelsTable.updatedAt, labelUpdatedAt).
			Where(isLabel).
			Where(sq.Or{
			sq.NotEq{labelsTable.value: labelValue},
			sq.Expr("("+labelsTable.description+" IS DISTINCT FROM ?::text AND ?::text IS NOT NULL)", labelDescription, labelDescription),
		}), true)

	deleteLabel = labelWrite(sq.Delete(labelsTable.name).Where(isLabel), false)

	// isLabel is the condition on the label of account with a key and a scope.
	isLabel = sq.And{
		equalsSubselect(labelsTable.userID, sq.Select(usersTable.id).From("account")), sq.Eq{labelsTable.key: labelKey}, sq.Eq{labelsTable.scope: labelScope},
	}
)

// labelWrite is a write of a label of account. It returns the label as it is afterwards, or as it was before
// it was deleted. Where the write changes nothing, it returns the existing label if orAsItWas is true.
func labelWrite(write sq.Sqlizer, orAsItWas bool) *statusWrite {
	label := append([]string{labelsTable.id}, labelColumns.names()...)
	result := sq.Select(label...).Column("true AS is_written").From("labelled")
	if orAsItWas {
		result = unionAll(result, sq.Select(label...).Column("false").From(labelsTable.name).Where(isLabel).Where(notExists(sq.Select("1").From("labelled"))))
	}
	w := &statusWrite{
		parts:  []cte{{"labelled", sq.Expr("? "+returning(label...), write)}, {"result", result}},
		source: "result", changes: "result.is_written", changed: jsonObject("labels", jsonArray(labelOf("result"))), answer: utf8Of(labelRecord),
		labels: relabelled, main: sq.Select(labelColumns.names()...).From("result"),
	}
	if _, deletes := write.(sq.DeleteBuilder); deletes {
		of := func(column string) sq.Sqlizer { return sq.Expr("result." + column) }
		w.labels, w.changed = unlabelled, jsonObject("labels", jsonArray(labelChange("result", of(labelsTable.key), of(labelsTable.scope), nullText)))
	}
	return w
}

// labelRecord is the label of result as a JSON object, without the description: that is free text, and may
// be personal data.
var labelRecord = jsonObject(
	"key", sq.Expr(labelsTable.key), "value", sq.Expr(labelsTable.value), "scope", sq.Expr(labelsTable.scope),
	"created_at", sq.Expr(labelsTable.createdAt), "updated_at", sq.Expr(labelsTable.updatedAt),
)

// LabelAnswer is the label in the answer of a spent key, as labelRecord stores it: an identity.Label without its
// description.
type LabelAnswer struct {
	Key       string    `json:"key"`
	Value     string    `json:"value"`
	Scope     string    `json:"scope"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// storedLabels holds all labels of a user.
type storedLabels struct{ records[identity.Label] }

func (l *storedLabels) targets() []any {
	l.columns = labelColumns
	return []any{&l.records}
}

// Labels returns all labels of a user, oldest first.
func (r *Repository) Labels(ctx context.Context, uid string) ([]identity.Label, error) {
	found, err := one(ctx, r, selectLabels, args{"uid": uid}, (*storedLabels).targets)
	if err == nil && found.list == nil {
		found.list = []identity.Label{}
	}
	return found.list, err
}

// CreateLabel adds a label to a user and updates the account status. A second label with its key
// and scope is identity.LabelKeyTaken.
func (r *Repository) CreateLabel(ctx context.Context, uid string, l identity.Label, status *AccountStatus) error {
	return r.withStatusUpdate(ctx, uid, status, l.UpdatedAt, insertLabel, labelArgs(l), func(written *pgx.QueuedQuery) {
		written.Exec(func(pgconn.CommandTag) error { return nil })
	})
}

// labelArgs returns the arguments of a label that is written now.
func labelArgs(l identity.Label) args {
	l.CreatedAt = l.UpdatedAt
	given := args{}
	labelColumns.bind(given, &l)
	return given
}

// PutLabel sets the value of the label with l's key and scope, and its description if l has one, updates the account status and
// returns the resulting label. With create it adds a missing label; without, a missing label is
// identity.ErrLabelNotFound. An unchanged label changes nothing, including the time of update.
func (r *Repository) PutLabel(ctx context.Context, uid string, l identity.Label, create bool, status *AccountStatus) (identity.Label, error) {
	put := replaceLabel
	if create {
		put = putLabel
	}
	return r.writeLabel(ctx, uid, status, l.UpdatedAt, put, labelArgs(l), identity.ErrLabelNotFound)
}

// DeleteLabel deletes the label with this key and scope from a user, updates the account status and
// returns the deleted label. A missing label is identity.ErrRecordNotFound.
func (r *Repository) DeleteLabel(ctx context.Context, uid, key, scope string, status *AccountStatus, now time.Time) (identity.Label, error) {
	return r.writeLabel(ctx, uid, status, now, deleteLabel, args{labelKey: key, labelScope: scope}, identity.ErrRecordNotFound)
}

// writeLabel runs a statement that returns one label. Without a row it returns the error missing.
func (r *Repository) writeLabel(ctx context.Context, uid string, status *AccountStatus, now time.Time, write *statusWrite, given args, missing error) (identity.Label, error) {
	var written []identity.Label
	err := r.withStatusUpdate(ctx, uid, status, now, write, given, func(queued *pgx.QueuedQuery) {
		queued.Query(func(rows pgx.Rows) (err error) {
			written, err = collect(rows, labelColumns.targets)
			return err
		})
	})
	if err == nil && len(written) == 0 {
		err = missing
	}
	if err != nil {
		return identity.Label{}, err
	}
	return written[0], nil
}
