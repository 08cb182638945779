package repository

import (
	"context"
	"encoding/json"

	sq "github.com/Masterminds/squirrel"

	"barong/internal/journal"
)

// The shapes of recorded writes. Without a record each is the bare write.

// recordedWrite is a write of at most one row, which it returns. It is recorded where it writes the row.
// uid, changed and answer are those of recording.parts; written is the source.
func recordedWrite(write, uid, changed, answer sq.Sqlizer) *recorded {
	return newRecorded(func(as recording) sq.Sqlizer {
		if as == (recording{}) {
			return write
		}
		parts := append([]cte{{"written", write}}, as.parts("written", uid, changed, answer)...)
		return sq.Select("*").From("written").PrefixExpr(with(parts...))
	})
}

// recordedChange is a change of the one row of before, whose lock an earlier statement of the transaction
// has taken. It is recorded where before has the row, without changes where the write, which returns what
// it writes, leaves the row as it is.
func recordedChange(before sq.SelectBuilder, write, uid, changed sq.Sqlizer) *recorded {
	return newRecorded(func(as recording) sq.Sqlizer {
		if as == (recording{}) {
			return write
		}
		ifWritten := sq.Case().When(exists(sq.Select("1").From("written")), changed).Else(nothingChanged)
		parts := append([]cte{{"before", before}, {"written", write}}, as.parts("before", uid, ifWritten, noAnswer)...)
		return sq.Select("*").From("written").PrefixExpr(with(parts...))
	})
}

// changeOf is a journal.Change of two expressions.
func changeOf(before, after sq.Sqlizer) sq.Sqlizer { return jsonObject("old", before, "new", after) }

// nullText is NULL as an old or a new value.
var nullText = sq.Expr("NULL::text")

// labelChange is the journal.LabelChange of a label of source, which has its id, with the value that it has
// afterwards.
func labelChange(source string, key, scope, value sq.Sqlizer) sq.Sqlizer {
	before := sq.Select("l." + labelsTable.value).From(aliased(labelsTable.name, "l")).Where("l." + labelsTable.id + " = " + source + "." + labelsTable.id)
	return jsonObject("id", sq.Expr(source+"."+labelsTable.id), "key", key, "scope", scope, "old", subselect(before), "new", value)
}

// labelOf is labelChange with key, scope and value of source.
func labelOf(source string) sq.Sqlizer {
	of := func(column string) sq.Sqlizer { return sq.Expr(source + "." + column) }
	return labelChange(source, of(labelsTable.key), of(labelsTable.scope), of(labelsTable.value))
}

// labelledChange is the part of a journal.Changes with the label of the query labelled, if it has one.
var labelledChange = sq.Expr("coalesce(?, ?)", subselect(sq.Select().Column(jsonObject("labels", jsonArray(labelOf("labelled")))).From("labelled")), nothingChanged)

// setLabel are the columns of a label that labelled returns.
var setLabel = []string{labelsTable.id, labelsTable.key, labelsTable.value, labelsTable.scope}

// fieldsChanged is the member fields of a journal.Changes.
func fieldsChanged(names ...string) sq.Sqlizer {
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = sq.Expr(text(name) + "::text")
	}
	return jsonObject("fields", jsonArray(list...))
}

// recordAlone records writes of other statements of the transaction.
var recordAlone = recordedWrite(sq.Select("1"), typed("uid", "text"), typed("changed", "json"), noAnswer)

// recordBatch records a batch of an import of which n rows were stored.
func (r *Repository) recordBatch(ctx context.Context, n int64, batch journal.Batch) error {
	if n == 0 {
		return nil
	}
	return r.recordWrites(ctx, nil, journal.Changes{Batch: &batch})
}

// recordWrites records what other statements of the transaction have changed. uid is nil where that is of
// nobody, or of many.
func (r *Repository) recordWrites(ctx context.Context, uid *string, changes journal.Changes) error {
	if r.recording() == (recording{}) {
		return nil
	}
	changed, err := json.Marshal(changes)
	if err == nil {
		_, err = r.execWrite(ctx, recordAlone, args{"uid": uid, "changed": json.RawMessage(changed)})
	}
	return err
}
