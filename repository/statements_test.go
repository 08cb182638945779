package repository

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	fragmentsFile = "fragments.go"
	tablesFile    = "tables.go"
)

// eachLiteral calls visit with the string literals of the package's files, except tests, that may
// be SQL: neither import paths nor struct tags.
func eachLiteral(t *testing.T, visit func(file, at, literal string)) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		positions := token.NewFileSet()
		file, err := parser.ParseFile(positions, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.Field:
				node.Tag = nil
			case *ast.BasicLit:
				if node.Kind == token.STRING {
					literal, err := strconv.Unquote(node.Value)
					if err != nil {
						t.Fatal(err)
					}
					visit(name, positions.Position(node.Pos()).String(), literal)
				}
			}
			return true
		})
	}
}

var (
	beginsStatement = regexp.MustCompile(`^[\s(]*(SELECT|INSERT|UPDATE|DELETE|WITH|COPY|MERGE|VALUES|TRUNCATE|LOCK|SET|BEGIN|COMMIT|ROLLBACK|CREATE|ALTER|DROP|ANALYZE|EXPLAIN)\b|` +
		`(?i)^[\s(]*(select\s|insert\s+into\s|update\s+\w+\s+set\s|delete\s+from\s|with\s+(recursive\s+)?\w+\s.*as\s*\()`)
	isFragment = regexp.MustCompile(`\b(SELECT|INSERT|UPDATE|DELETE|WITH|UNION|RETURNING|CONFLICT|LATERAL|ARRAY|ROW|EXISTS|LIMIT|OFFSET|ANY|unnest)\b`)
)

// Guards that squirrel builds every statement: no literal begins one, and only one file contains
// SQL that squirrel has no method for.
func TestStatementsAreBuiltBySquirrel(t *testing.T) {
	t.Parallel()
	withPrefixes := []string{"WITH ", "WITH RECURSIVE "}
	eachLiteral(t, func(file, at, literal string) {
		switch {
		case file == fragmentsFile && slices.Contains(withPrefixes, literal):
		case beginsStatement.MatchString(literal):
			t.Errorf("%s: a literal begins a statement: %q", at, literal)
		case file != fragmentsFile && isFragment.MatchString(literal):
			t.Errorf("%s: a fragment of SQL stands outside of %s: %q", at, fragmentsFile, literal)
		}
	})
}

// columnsOfSchema returns the names of the columns of each table in the migrations.
func columnsOfSchema(t *testing.T) map[string][]string {
	t.Helper()
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	schema := map[string][]string{}
	table := regexp.MustCompile(`(?ms)^CREATE TABLE (\w+) \((.*?)^\)`)
	column := regexp.MustCompile(`(?m)^\s+([a-z_]+)\s+(?:bigint|text|integer|smallint|boolean|timestamptz|date|jsonb?|bytea|uuid)\b`)
	added := regexp.MustCompile(`ALTER TABLE (\w+) ADD COLUMN (\w+)`)
	for _, step := range steps {
		content, err := os.ReadFile(step)
		if err != nil {
			t.Fatal(err)
		}
		for _, created := range table.FindAllStringSubmatch(string(content), -1) {
			for _, found := range column.FindAllStringSubmatch(created[2], -1) {
				schema[created[1]] = append(schema[created[1]], found[1])
			}
		}
		for _, found := range added.FindAllStringSubmatch(string(content), -1) {
			schema[found[1]] = append(schema[found[1]], found[2])
		}
	}
	if len(schema) < 8 || len(schema["users"]) < 14 {
		t.Fatalf("the migrations have %v", schema)
	}
	schema["goose_db_version"] = []string{"version_id", "is_applied"}
	return schema
}

// Guards that each column is named once: in tables.go for its table, which names no column that the
// schema does not have, and in no other SQL.
func TestEachColumnIsNamedInOnePlace(t *testing.T) {
	t.Parallel()
	schema := columnsOfSchema(t)
	if named := namedColumns(t); !sameColumns(named, schema) {
		t.Errorf("%s names %v\nand the migrations have %v", tablesFile, named, schema)
	}
	var names []string
	for _, columns := range schema {
		names = append(names, columns...)
	}
	all := strings.Join(names, "|")
	alone := regexp.MustCompile(`^(\w+\.)?(` + all + `)$`)
	// A column in SQL is next to an operator, a dot, a bracket or a keyword.
	within := regexp.MustCompile(`(\w\.|\()(` + all + `)\b|\b(` + all + `)( (=|<|>|IS|IN|AS|DESC|ASC|\|\|)|::|\))`)
	isArgument := argumentNames(t)
	eachLiteral(t, func(file, at, literal string) {
		if file != tablesFile && !isArgument[at] && (alone.MatchString(literal) || within.MatchString(literal) && isSQL.MatchString(literal)) {
			t.Errorf("%s: names a column: %q", at, literal)
		}
	})
}

// isSQL distinguishes SQL from English.
var isSQL = regexp.MustCompile(`[=?<>]|::|\w\.\w|^[\w, ()]*\b(AS|IS|DESC|sum|count|coalesce|lower)\b`)

func sameColumns(a, b map[string][]string) bool {
	if len(a) != len(b) {
		return false
	}
	for table := range a {
		slices.Sort(a[table])
		slices.Sort(b[table])
		if !slices.Equal(a[table], b[table]) {
			return false
		}
	}
	return true
}

// namedColumns returns the names of columns in tables.go by table. The first name is the table's.
func namedColumns(t *testing.T) map[string][]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), tablesFile, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string][]string{}
	ast.Inspect(file, func(node ast.Node) bool {
		table, ok := node.(*ast.CompositeLit)
		if !ok {
			return true
		}
		var names []string
		for _, element := range table.Elts {
			name, err := strconv.Unquote(element.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
		}
		named[names[0]] = names[1:]
		return false
	})
	return named
}

// argumentNames returns the positions of literals that name an argument and not a column: literals
// that become an arg, and pgtype's type names that equal a column's name.
func argumentNames(t *testing.T) map[string]bool {
	t.Helper()
	at := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		positions := token.NewFileSet()
		file, err := parser.ParseFile(positions, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			var names []ast.Expr
			switch node := node.(type) {
			case *ast.CallExpr:
				if f, ok := node.Fun.(*ast.Ident); ok {
					switch f.Name {
					case "arg":
						names = node.Args
					case "typed":
						names = node.Args[:1]
					case "jsonObject": // names of members
						for i := 0; i < len(node.Args); i += 2 {
							names = append(names, node.Args[i])
						}
					}
				}
			case *ast.CompositeLit:
				if f, ok := node.Type.(*ast.Ident); ok && f.Name == "args" {
					for _, element := range node.Elts {
						names = append(names, element.(*ast.KeyValueExpr).Key)
					}
				}
			case *ast.IndexExpr:
				if f, ok := node.X.(*ast.Ident); ok && f.Name == "given" {
					names = []ast.Expr{node.Index}
				}
			}
			for _, name := range names {
				at[positions.Position(name.Pos()).String()] = true
			}
			return true
		})
	}
	return at
}
