package repository

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// journaledTables are the tables whose writes the journal has.
var journaledTables = map[string]bool{
	"usersTable": true, "labelsTable": true, "profilesTable": true, "formerProfilesTable": true, "phonesTable": true, "documentsTable": true,
	"otpSecretsTable": true, "serviceAccountsTable": true, "apiKeysTable": true, "attachmentsTable": true,
}

// Reasons why a statement that writes to such a table is no recorded one.
const (
	inBatch   = "the transaction of the import has one record for the batch"
	inSwitch  = "switchOTP records all statements of its transaction"
	inSettle  = "SettleKeys records each page"
	follows   = "keys that become inactive follow from the write before it in its transaction, which is recorded"
	isDerived = "the column is derived from another one of its row, which stays"
	isNewUser = "the record of a new user is not converted to a recorded statement"
)

// unrecorded are the declarations that write to such a table without a recorded statement.
var unrecorded = map[string]string{
	"deleteOTPSecret": inSwitch, "insertOTPSecret": inSwitch, "enableOTP": inSwitch, "disableOTP": inSwitch,
	"settleKeys": inSettle, "deactivateKeysOfAccount": follows,
	"deactivateKeysOfListed": inBatch, "importServiceAccount": inBatch, "importAPIKey": inBatch, "updateDocument": inBatch,
	"releaseEmails": inBatch, "updateImportedUser": inBatch, "deleteProfiles": inBatch, "deleteFormer": inBatch, "deletePhones": inBatch, "deleteLabels": inBatch,
	"copyUsers": inBatch, "copyRelations": inBatch, "insertImportedDocuments": inBatch,
	"fillKeys": isDerived,
}

// declarations returns the package-level variables and functions of the package by their names, methods
// included.
func declarations(t *testing.T) map[string]ast.Node {
	t.Helper()
	found := map[string]ast.Node{}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			switch declared := declared.(type) {
			case *ast.FuncDecl:
				found[declared.Name.Name] = declared.Body
			case *ast.GenDecl:
				for _, spec := range declared.Specs {
					if values, ok := spec.(*ast.ValueSpec); ok {
						for n, value := range values.Values {
							found[values.Names[n].Name] = value
						}
					}
				}
			}
		}
	}
	return found
}

// writesTo reports whether an expression, or a declaration that it names, inserts into, updates or deletes
// from a table of the journal.
func writesTo(node ast.Node, declared map[string]ast.Node, seen map[string]bool) (writes bool) {
	ast.Inspect(node, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.CallExpr:
			if isWriteTo(node) {
				writes = true
			}
		case *ast.SelectorExpr: // its name is a field or of another package
			writes = writes || writesTo(node.X, declared, seen)
			return false
		case *ast.Ident:
			if body := declared[node.Name]; body != nil && !seen[node.Name] {
				seen[node.Name] = true
				writes = writes || writesTo(body, declared, seen)
			}
		}
		return !writes
	})
	return writes
}

// isWriteTo reports whether a call begins a write to a table of the journal, or copies rows into one.
func isWriteTo(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || !slices.Contains([]string{"Insert", "Update", "Delete"}, f.Sel.Name) || len(call.Args) == 0 {
		return false
	}
	return namesJournaledTable(call.Args[0])
}

// namesJournaledTable reports whether an expression has the name of such a table, as in usersTable.name.
func namesJournaledTable(node ast.Node) (names bool) {
	ast.Inspect(node, func(node ast.Node) bool {
		if s, ok := node.(*ast.SelectorExpr); ok && s.Sel.Name == "name" {
			if table, ok := s.X.(*ast.Ident); ok && journaledTables[table.Name] {
				names = true
			}
		}
		return !names
	})
	return names
}

// Guards that no write escapes the journal: a statement that writes to one of its tables is a recorded one,
// or listed with its reason. A plain statement is made by compile, a recorded one by newRecorded and what
// calls it.
func TestWritesAreRecorded(t *testing.T) {
	t.Parallel()
	declared := declarations(t)
	without := map[string]bool{}
	for name, body := range declared {
		if body == nil {
			continue
		}
		ast.Inspect(body, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch f := call.Fun.(type) {
			case *ast.Ident:
				if f.Name == "compile" && slices.ContainsFunc(call.Args, func(a ast.Expr) bool { return writesTo(a, declared, map[string]bool{}) }) {
					without[name] = true
				}
			case *ast.SelectorExpr:
				if f.Sel.Name == "copy" && namesJournaledTable(body) {
					without[name] = true
				}
			}
			return true
		})
	}
	for name := range without {
		if unrecorded[name] == "" {
			t.Errorf("%s writes without a record", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(unrecorded)) {
		if !without[name] {
			t.Errorf("%s is listed and writes nothing without a record", name)
		}
	}
}
