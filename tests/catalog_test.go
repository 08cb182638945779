package tests

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// catalog is what a database says of its schema, by name.
type catalog map[string]object

// object is a table, a column, a constraint, an index or a trigger.
type object struct {
	Name       string // as "column users.email"
	Kind       string
	Table      string
	Definition string
	Columns    []string // of a constraint or an index
	Required   bool     // a column that must be given: NOT NULL, and nothing fills it in
	Restricts  bool     // a constraint, a unique index, a trigger: it may refuse what was taken before
	Checked    bool     // a constraint that holds for the rows from before; an index that is complete
	Concurrent bool     // an index that was built while others could write
	File       int64    // of a table: another one once all of it was written anew
}

// catalogQuery lists every object of the schema, but those of the migrations
// themselves. An index that was built concurrently has its row in pg_index from
// a later transaction than the rows of its columns.
const catalogQuery = `
	WITH tables AS (
		SELECT oid, relname AS name, relkind, pg_relation_filenode(oid) AS file FROM pg_class
		WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f') AND relname NOT LIKE 'goose%'
	), columns AS (
		SELECT t.name AS "table", a.*, format_type(a.atttypid, a.atttypmod) AS type, pg_get_expr(d.adbin, d.adrelid) AS filled
		FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	)
	SELECT 'table' AS kind, name AS "table", 'table ' || name AS name, 'kind ' || relkind::text AS definition, NULL::text[] AS columns,
		false AS required, false AS restricts, true AS checked, false AS concurrent, coalesce(file::bigint, 0) AS file
	FROM tables
	UNION ALL
	SELECT 'column', "table", 'column ' || "table" || '.' || attname,
		concat_ws(' ', type, CASE WHEN attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || filled, 'identity ' || nullif(attidentity::text, ''), 'generated ' || nullif(attgenerated::text, '')),
		NULL, attnotnull AND filled IS NULL AND attidentity = '', false, true, false, 0
	FROM columns
	UNION ALL
	SELECT 'constraint', t.name, 'constraint ' || t.name || '.' || k.conname, replace(pg_get_constraintdef(k.oid), ' NOT VALID', ''),
		ARRAY(SELECT attname::text FROM columns WHERE attrelid = t.oid AND attnum = ANY (k.conkey)), false, true, k.convalidated, false, 0
	FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid WHERE k.contype <> 'n'
	UNION ALL
	SELECT 'index', t.name, 'index ' || c.relname, pg_get_indexdef(i.indexrelid),
		ARRAY(SELECT attname::text FROM columns WHERE attrelid = t.oid AND attnum = ANY (i.indkey::int2[])),
		false, i.indisunique AND k.oid IS NULL, i.indisvalid, i.xmin::text <> first.xmin::text, 0
	FROM tables t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_attribute first ON first.attrelid = c.oid AND first.attnum = 1
		LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = t.oid
	UNION ALL
	SELECT 'trigger', t.name, 'trigger ' || t.name || '.' || g.tgname, pg_get_triggerdef(g.oid), NULL, false, true, true, false, 0
	FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT g.tgisinternal`

func readCatalog(ctx context.Context, pool *pgxpool.Pool) (catalog, error) {
	rows, err := pool.Query(ctx, catalogQuery)
	if err != nil {
		return nil, err
	}
	objects, err := pgx.CollectRows(rows, pgx.RowToStructByName[object])
	found := make(catalog, len(objects))
	for _, o := range objects {
		found[o.Name] = o
	}
	return found, err
}

// breach is a rule of docs/migrations.md that a step breaks.
type breach struct {
	object  string // as "column users.email"
	what    string
	waiting bool // it makes the requests of servers wait, which nothing allows
}

func (b breach) String() string { return b.object + " " + b.what }

// breaches holds a step, by the catalogs before and after it, against the rules:
// a server of the release before reads and writes as it always did, and waits for
// nothing that takes long.
func breaches(released, before, after catalog) (found []breach) {
	for _, name := range slices.Sorted(maps.Keys(before)) {
		was, there := before[name], false
		is, there := after[name]
		switch {
		case !there && before.has(was, after):
			found = append(found, breach{object: name, what: "is gone"})
		case there && is.Definition != was.Definition:
			found = append(found, breach{object: name, what: fmt.Sprintf("was %q and is %q", was.Definition, is.Definition)})
		}
		if there && is.File != was.File {
			found = append(found, breach{name, "is written anew as a whole, and locked meanwhile", true})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		is := after[name]
		_, there := before[name]
		if _, shared := before["table "+is.Table]; there || !shared {
			continue
		}
		found = append(found, added(is, released)...)
	}
	return found
}

// has says whether what went away is told of by itself, and not with its table.
func (c catalog) has(gone object, after catalog) bool {
	_, there := after["table "+gone.Table]
	return there || gone.Kind == "table"
}

// added are the breaches of an object that comes to a table which was there. What is
// new is measured by the schema of the last release.
func added(is object, released catalog) (found []breach) {
	fresh := len(is.Columns) > 0 // concerns only columns that no older server knows
	for _, column := range is.Columns {
		if _, there := released["column "+is.Table+"."+column]; there {
			fresh = false
		}
	}
	if is.Required {
		found = append(found, breach{object: is.Name, what: "must be given by whoever inserts: make it nullable, or give it a default"})
	}
	if is.Restricts && !fresh {
		found = append(found, breach{object: is.Name, what: "may refuse what an older server writes"})
	}
	switch {
	case is.Kind == "index" && !is.Checked:
		found = append(found, breach{is.Name, "is not complete", true})
	case is.Kind == "index" && !is.Concurrent:
		found = append(found, breach{is.Name, "was built while nobody could write: CREATE INDEX CONCURRENTLY, in a step of its own", true})
	case is.Kind == "constraint" && is.Checked && !fresh && !strings.Contains(is.Definition, "UNIQUE") && !strings.Contains(is.Definition, "PRIMARY KEY"):
		found = append(found, breach{is.Name, "was checked under a lock: add it NOT VALID, and VALIDATE it in the next step", true})
	}
	return found
}
