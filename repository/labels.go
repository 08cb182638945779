package repository

import (
	"context"
	"time"

	sq "github.com/Masterminds/squirrel"
	"github.com/jackc/pgx/v5"

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
			Select(labelColumns.selectArgs(sq.Select(usersTable.id)).From(usersTable.name).Where(usersTable.uid+" = ?", arg("uid")))

	insertLabel = recordedLabel(addLabel, false)

	// putLabel and replaceLabel return the label as it is after the statement. A label that is
	// unchanged is not written; the existing label is returned. A description that is NULL leaves
	// the existing one.
	putLabel = recordedLabel(addLabel.Suffix(
		onConflictUpdate(labelsUnique, []string{
			labelsTable.value + " = excluded." + labelsTable.value,
			labelsTable.description + " = coalesce(excluded." + labelsTable.description + ", " + labelsTable.name + "." + labelsTable.description + ")",
			labelsTable.updatedAt + " = excluded." + labelsTable.updatedAt,
		})+onlyWhere(labelsTable.name+"."+labelsTable.value+" <> excluded."+labelsTable.value+
			" OR "+labelsTable.name+"."+labelsTable.description+" IS DISTINCT FROM excluded."+labelsTable.description+
			" AND excluded."+labelsTable.description+" IS NOT NULL")), true)

	replaceLabel = recordedLabel(sq.Update(labelsTable.name).
			Set(labelsTable.value, labelValue).
			Set(labelsTable.description, sq.Expr("coalesce(?::text, "+labelsTable.description+")", labelDescription)).
			Set(labelsTable.updatedAt, labelUpdatedAt).
			Where(isLabel).
			Where(sq.Or{
			sq.NotEq{labelsTable.value: labelValue},
			sq.Expr("("+labelsTable.description+" IS DISTINCT FROM ?::text AND ?::text IS NOT NULL)", labelDescription, labelDescription),
		}), true)

	deleteLabel = recordedLabel(sq.Delete(labelsTable.name).Where(isLabel), false)

	// isLabel is the condition on the label of a user with a key and a scope.
	isLabel = sq.And{ofUser, sq.Eq{labelsTable.key: labelKey}, sq.Eq{labelsTable.scope: labelScope}}
)

// labelOfUser selects the label that a write is about, as it is before the statement.
var labelOfUser = sq.Select(labelsTable.id).Columns(labelColumns.names()...).From(labelsTable.name).Where(isLabel)

// recordedLabel is a write of a label that returns the label as it is afterwards, or as it was before it
// was deleted. Where the write changes nothing, it returns the existing label if orAsItWas is true.
func recordedLabel(write sq.Sqlizer, orAsItWas bool) *recorded {
	return newRecorded(func(as recording) sq.Sqlizer {
		result := sq.Select(labelsTable.id).Columns(labelColumns.names()...).From("written")
		if orAsItWas {
			result = unionAll(result, labelOfUser.Where(notExists(sq.Select("1").From("written"))))
		}
		parts := []cte{{"written", sq.Expr("? "+returning(append([]string{labelsTable.id}, labelColumns.names()...)...), write)}, {"result", result}}
		_, deletes := write.(sq.DeleteBuilder)
		parts = append(parts, as.collect("result", changedLabel(deletes), utf8Of(labelRecord))...)
		return as.collectedIn(sq.Select(labelColumns.names()...).From("result")).PrefixExpr(with(parts...))
	})
}

// labelRecord is the label of result as a jsonb object, without the description: that is free text, and may
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

// changedLabel is the journal.Changes of a write of the label in result.
func changedLabel(deleted bool) sq.Sqlizer {
	oldValue := subselect(sq.Select(labelsTable.value).From(labelsTable.name).Where(isLabel))
	newValue := sq.Expr("result." + labelsTable.value)
	if deleted {
		newValue = sq.Expr("NULL::text")
	}
	changed := jsonObject("account", accountBefore, "labels", jsonArray(jsonObject(
		"id", sq.Expr("result."+labelsTable.id), "key", sq.Expr("result."+labelsTable.key), "scope", sq.Expr("result."+labelsTable.scope),
		"old", oldValue, "new", newValue)))
	return sq.Case().When(exists(sq.Select("1").From("written")), changed).Else(nothingChanged)
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
	given := labelArgs(uid, l)
	return r.withStatusUpdate(ctx, uid, status, l.UpdatedAt, func(batch *pgx.Batch) {
		r.queueWrite(batch, insertLabel, given)
	})
}

// labelArgs returns the arguments of a label that is written now.
func labelArgs(uid string, l identity.Label) args {
	l.CreatedAt = l.UpdatedAt
	given := args{"uid": uid}
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
	return r.writeLabel(ctx, uid, status, l.UpdatedAt, put, labelArgs(uid, l), identity.ErrLabelNotFound)
}

// DeleteLabel deletes the label with this key and scope from a user, updates the account status and
// returns the deleted label. A missing label is identity.ErrRecordNotFound.
func (r *Repository) DeleteLabel(ctx context.Context, uid, key, scope string, status *AccountStatus, now time.Time) (identity.Label, error) {
	return r.writeLabel(ctx, uid, status, now, deleteLabel, args{"uid": uid, labelKey: key, labelScope: scope}, identity.ErrRecordNotFound)
}

// writeLabel runs a statement that returns one label. Without a row it returns the error missing.
func (r *Repository) writeLabel(ctx context.Context, uid string, status *AccountStatus, now time.Time, write *recorded, given args, missing error) (identity.Label, error) {
	var written []identity.Label
	err := r.withStatusUpdate(ctx, uid, status, now, func(batch *pgx.Batch) {
		r.queueWrite(batch, write, given).Query(func(rows pgx.Rows) (err error) {
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
