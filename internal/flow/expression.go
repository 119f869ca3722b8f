package flow

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"refundsync/internal/catalog"
)

// Bounds of one expression: nodes when it is compiled, values when it is run. A
// walk over the lines of an order of 5,000 lines stays well below.
const (
	maxNodes     = 1000
	memoryBudget = 1e6
)

// scope says what an expression may name beside the order's own fields and items.
type scope struct {
	lines bool // lines, the lines kept
	item  bool // item, the line at work
}

var (
	orderScope     = scope{lines: true}             // a field of the bill's head, a precondition
	entryScope     = scope{lines: true, item: true} // a field of a line of the bill
	conditionScope = scope{item: true}              // which lines are kept
)

// expression is a compiled expression of a flow file, and what it names.
type expression struct {
	program *vm.Program
	kind    kind
	header  map[string]catalog.Field // fields of the order
	items   map[string]catalog.Field // fields of its lines
	lines   bool                     // whether it names lines
	names   []named                  // the order's fields, items and lines, where they stand
}

// named is a name in an expression; from and to count characters.
type named struct {
	name     string
	from, to int
}

// mistake is one thing wrong with an expression; from and to count characters.
type mistake struct {
	from, to int
	what     message
}

// compile checks an expression's names and types and compiles it. What it is wrong
// about comes back as mistakes, in their order.
func compile(source string, in scope) (*expression, []mistake) {
	r := &rewriter{
		source:  []rune(source),
		scope:   in,
		header:  map[string]catalog.Field{},
		items:   map[string]catalog.Field{},
		callees: map[*ast.IdentifierNode]bool{},
		let:     map[string]bool{},
	}
	options := []expr.Option{
		expr.Env(environment(in)),
		expr.MaxNodes(maxNodes),
		// Without the optimizer the checked tree is still there to be looked at.
		expr.Optimize(false),
		expr.DisableAllBuiltins(),
		useFunctions,
		expr.Patch(r),
	}
	for _, name := range allowedBuiltins {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(source, options...)
	r.checkNames()
	if r.root != nil && len(r.mistakes) == 0 {
		ast.Walk(r.root, &typeChecker{r, err == nil})
	}
	if err != nil && len(r.mistakes) == 0 {
		r.mistakes = append(r.mistakes, libraryMistake(err))
	}
	if len(r.mistakes) > 0 {
		slices.SortStableFunc(r.mistakes, func(a, b mistake) int { return a.from - b.from })
		// The library shares a node between the two halves of a < b < c.
		return nil, slices.Compact(r.mistakes)
	}
	return &expression{program, kindOf(program.Node().Type()), r.header, r.items, r.usesLines, r.names}, nil
}

// environment gives the names of a scope their types, from the catalog.
func environment(in scope) types.Map {
	line := types.Map{}
	for _, field := range catalog.Jushuitan().Fields[catalog.Items] {
		if t, ok := typeFor[kindFor(field.Type)]; ok {
			line[field.Name] = types.TypeOf(reflect.Zero(t).Interface())
		}
	}
	env := types.Map{"items": types.Array(line)}
	for _, field := range catalog.Jushuitan().Fields[catalog.Header] {
		if t, ok := typeFor[kindFor(field.Type)]; ok {
			env[field.Name] = types.TypeOf(reflect.Zero(t).Interface())
		}
	}
	if in.lines {
		env["lines"] = types.Array(line)
	}
	if in.item {
		env["item"] = line
	}
	return env
}

// libraryMistake takes over an error of the expression library with its place. A
// check of ours says it in both languages, the library in English.
func libraryMistake(err error) mistake {
	var at *file.Error
	if !errors.As(err, &at) {
		return mistake{0, 1, say("表达式有误：%[1]s。", "The expression is wrong: %[1]s.", err.Error())}
	}
	text := goTypes.Replace(at.Message)
	if strings.HasSuffix(text, "token EOF") {
		return mistake{at.From, at.To, say("表达式没有写完。", "The expression ends too early.")}
	}
	if chinese, english, ok := strings.Cut(text, "。 "); ok {
		return mistake{at.From, at.To, message{chinese + "。", english}}
	}
	return mistake{at.From, at.To, say("表达式有误（%[1]s）。", "The expression is wrong: %[1]s.", text)}
}

// goTypes words the library's messages in the terms of flow files.
var goTypes = strings.NewReplacer(
	"flow.number", "number", "flow.moment", "time", "string", "text",
	"map[string]interface {}", "line", "[]interface {}", "list", "interface {}", "any type",
)
