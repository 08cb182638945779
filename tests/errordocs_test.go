package tests

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// sentenceArgument is, for each function that makes an error out of a sentence,
// which of its arguments that is. Every call of one is looked at.
var sentenceArgument = map[string]int{"problem.New": 1, "unparsable": 0, "broken": 1, "violation": 1, "rejected": 2}

// sentencesOfTheSpecification are expressions that stand for an x-messages, which
// is looked up in openapi.yaml.
var sentencesOfTheSpecification = []string{"p.wrongType", "sentence"}

// A sentence that the code can answer with and docs/errors.md does not have is one
// that nobody can look up.
func TestEverySentenceOfAnErrorIsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := strings.Join(strings.Fields(string(page)), " ")
	s := sentences{found: map[string]string{}}
	for _, dir := range []string{"internal/identity", "handlers", "internal/auth", "internal/jws", "internal/otp", "internal/documents", "internal/server", "repository"} {
		s.parse(t, dir)
	}
	for _, op := range operations {
		for _, p := range op.parameters {
			for _, rule := range []string{"type", "value"} {
				s.found[regexp.QuoteMeta(strings.TrimPrefix(p.refused(rule), p.name+" "))] = "openapi.yaml, " + p.name
			}
		}
	}
	for sentence, place := range s.found {
		if !regexp.MustCompile(sentence).MatchString(documented) {
			t.Errorf("%s: docs/errors.md has no %q", place, sentence)
		}
	}
	if len(s.found) < 60 {
		t.Errorf("only %d sentences were found: the test looks in the wrong place", len(s.found))
	}
	for _, problem := range s.unreadable {
		t.Error(problem)
	}
}

// sentences are the expressions that sources make errors of, as regular expressions.
type sentences struct {
	found      map[string]string // by sentence, the place
	unreadable []string
}

func (s *sentences) parse(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		// What /otp/sign says of a JWS is the error of these.
		reasons := name == "../handlers/otp.go" || slices.Contains([]string{"general.go", "countersign.go", "statements.go", "base64.go", "objects.go"}, filepath.Base(name))
		var inside []string // the functions around a node, by depth
		var depth []ast.Node
		ast.Inspect(file, func(node ast.Node) bool {
			if node == nil {
				depth = depth[:len(depth)-1]
				inside = inside[:len(inside)-1]
				return false
			}
			depth = append(depth, node)
			inside = append(inside, functionName(node))
			switch node := node.(type) {
			case *ast.KeyValueExpr:
				if key, ok := node.Key.(*ast.Ident); ok && key.Name == "Message" {
					s.note(set, node.Value, inside)
				}
			case *ast.CompositeLit:
				if selector, ok := node.Type.(*ast.SelectorExpr); ok && selectorName(selector) == "problem.Error" {
					for _, element := range node.Elts {
						if field, ok := element.(*ast.KeyValueExpr); ok && field.Key.(*ast.Ident).Name == "Detail" {
							s.note(set, field.Value, inside)
						}
					}
				}
			case *ast.CallExpr:
				called := calledName(node)
				if argument, ok := sentenceArgument[called]; ok && argument < len(node.Args) {
					s.note(set, node.Args[argument], inside)
				}
				if reasons && (called == "New" || called == "Errorf") && hasWords(pattern(node.Args[0])) {
					s.note(set, node.Args[0], inside)
				}
			}
			return true
		})
	}
}

// functionName is that of the function which a node declares or gives a variable.
func functionName(node ast.Node) string {
	switch node := node.(type) {
	case *ast.FuncDecl:
		return node.Name.Name
	case *ast.AssignStmt:
		if _, ok := node.Rhs[0].(*ast.FuncLit); ok {
			if name, ok := node.Lhs[0].(*ast.Ident); ok {
				return name.Name
			}
		}
	}
	return ""
}

func calledName(call *ast.CallExpr) string {
	switch function := call.Fun.(type) {
	case *ast.Ident:
		return function.Name
	case *ast.SelectorExpr:
		if name := selectorName(function); name == "problem.New" {
			return name
		}
		return function.Sel.Name
	default:
		return ""
	}
}

// selectorName is a name with that of its package.
func selectorName(selector *ast.SelectorExpr) string {
	if of, ok := selector.X.(*ast.Ident); ok {
		return of.Name + "." + selector.Sel.Name
	}
	return selector.Sel.Name
}

// note keeps a sentence. One without a word of its own is an argument of the
// function around it, whose callers are looked at; anywhere else it is a sentence
// that this test cannot see.
func (s *sentences) note(set *token.FileSet, expression ast.Expr, inside []string) {
	sentence := pattern(expression)
	place := set.Position(expression.Pos()).String()
	if hasWords(sentence) {
		s.found[sentence] = place
		return
	}
	passedOn := func(function string) bool { _, known := sentenceArgument[function]; return known }
	var text strings.Builder
	if err := printer.Fprint(&text, set, expression); err != nil || !slices.ContainsFunc(inside, passedOn) && !slices.Contains(sentencesOfTheSpecification, text.String()) {
		s.unreadable = append(s.unreadable, fmt.Sprintf("%s: what %s says cannot be found in the source", place, text.String()))
	}
}

func hasWords(sentence string) bool {
	return strings.ContainsFunc(strings.ReplaceAll(sentence, anything, ""), unicode.IsLetter)
}

// anything is what stands in a sentence for what varies.
const anything = ".{0,80}?"

var verb = regexp.MustCompile(`%[+#]?[a-z]`)

// pattern is a regular expression of what an expression can say.
func pattern(expression ast.Expr) string {
	switch expression := expression.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(expression.Value)
		if err != nil {
			return anything
		}
		var parts []string
		for _, part := range verb.Split(text, -1) {
			parts = append(parts, regexp.QuoteMeta(part))
		}
		return strings.Join(parts, anything)
	case *ast.BinaryExpr:
		return pattern(expression.X) + pattern(expression.Y)
	case *ast.CallExpr:
		if calledName(expression) == "Sprintf" {
			return pattern(expression.Args[0])
		}
	}
	return anything
}

var sentenceOfRow = regexp.MustCompile(`^[A-Z][a-z]+( [a-z]+)? (is|has|cannot) `)

// What only rows of files can break is said by package bulk, in sentences of its own.
func TestEverySentenceOfARowIsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../internal/bulk/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			literal, ok := node.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING || strings.HasSuffix(name, "_test.go") {
				return true
			}
			if text, err := strconv.Unquote(literal.Value); err == nil && sentenceOfRow.MatchString(text) {
				found++
				if !regexp.MustCompile(pattern(literal)).Match(page) {
					t.Errorf("%s: docs/errors.md has no %q", name, text)
				}
			}
			return true
		})
	}
	if found < 5 {
		t.Errorf("only %d sentences were found: the test looks in the wrong place", found)
	}
}
