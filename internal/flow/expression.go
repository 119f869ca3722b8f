package flow

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"refundsync/internal/catalog"
	"refundsync/internal/text"
)

// Scope says what an expression may name beside the order's own fields and items.
type Scope struct {
	lines bool // lines, the lines kept
	item  bool // item, the line at work
}

var (
	OrderScope     = Scope{lines: true}             // a field of the bill's head, a precondition
	EntryScope     = Scope{lines: true, item: true} // a field of a line of the bill
	ConditionScope = Scope{item: true}              // which lines are kept
	HeadScope      = Scope{}                        // the order's discount
)

// Expression is a compiled expression of a flow file, and what it names.
type Expression struct {
	// Source is the expression as it was written.
	Source  string
	program *vm.Program
	Kind    Kind
	Header  map[string]catalog.Field // fields of the order
	Items   map[string]catalog.Field // fields of its lines
	lines   bool                     // whether it names lines
	Names   []Named                  // the order's fields, items and lines, with their places
	work    work
	splits  bool // whether it calls split, whose lists have lengths of their own
	// choices are the texts among which conditions choose, sorted; chosen says that the
	// result is always one of them.
	choices []string
	chosen  bool
}

// Named is a name in an expression; From and To count characters.
type Named struct {
	Name     string
	From, To int
}

// Mistake is one thing wrong with an expression; From and To count characters.
type Mistake struct {
	From, To int
	What     text.Text
}

// Compile checks an expression's names and types against an interface that orders are read
// from, and compiles it. Mistakes come in the order in which they are in the source.
func Compile(of *catalog.Interface, source string, in Scope) (*Expression, []Mistake) {
	if length := utf8.RuneCountInString(source); length > maxExpression {
		return nil, []Mistake{{0, 1, text.New("The expression has %d characters; at most %d.", length, maxExpression)}}
	}
	r := &rewriter{
		source:  []rune(source),
		orders:  of,
		scope:   in,
		header:  map[string]catalog.Field{},
		items:   map[string]catalog.Field{},
		callees: map[*ast.IdentifierNode]bool{},
		let:     map[string]bool{},
		refused: map[string]error{},
	}
	options := []expr.Option{
		expr.Env(environment(of, in)),
		expr.MaxNodes(maxNodes),
		// The optimizer would change the tree that is checked below.
		expr.Optimize(false),
		expr.DisableAllBuiltins(),
		r.useFunctions,
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
		r.mistakes = append(r.mistakes, r.libraryMistake(err))
	}
	if len(r.mistakes) > 0 {
		slices.SortStableFunc(r.mistakes, func(a, b Mistake) int { return a.From - b.From })
		// The library shares a node between the two halves of a < b < c.
		return nil, slices.CompactFunc(r.mistakes, func(a, b Mistake) bool {
			return a.From == b.From && a.To == b.To && a.What.String() == b.What.String()
		})
	}
	work, tooDeep := workOf(program.Node())
	if tooDeep {
		return nil, []Mistake{{0, 1, text.New("Loops (map, filter and the like) are nested more than %d deep.", maxLoops)}}
	}
	choices, chosen := choicesOf(program.Node())
	slices.Sort(choices)
	return &Expression{
		choices: slices.Compact(choices), chosen: chosen,
		Source: source, program: program, Kind: kindOf(program.Node().Type()), Header: r.header, Items: r.items, lines: r.usesLines, Names: r.names,
		work: work, splits: slices.ContainsFunc(r.identifiers, func(n *ast.IdentifierNode) bool { return n.Value == "split" }),
	}, nil
}

// choicesOf are the texts that a node gives by itself, and whether it gives no other. An
// empty text is no value.
func choicesOf(node ast.Node) (texts []string, all bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return slices.DeleteFunc([]string{n.Value}, func(text string) bool { return text == "" }), true
	case *ast.ConditionalNode:
		first, firstAll := choicesOf(n.Exp1)
		second, secondAll := choicesOf(n.Exp2)
		return append(first, second...), firstAll && secondAll
	}
	return nil, false
}

// environment gives the names of a scope their types, from the catalog.
func environment(of *catalog.Interface, in Scope) types.Map {
	line := types.Map{}
	for _, field := range of.Fields[catalog.Items] {
		if t, ok := typeFor[KindFor(field.Type)]; ok {
			line[field.Name] = types.TypeOf(reflect.Zero(t).Interface())
		}
	}
	env := types.Map{itemsField: types.Array(line)}
	for _, field := range of.Fields[catalog.Header] {
		if t, ok := typeFor[KindFor(field.Type)]; ok {
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

// libraryMistake takes over an error of the expression library with its place: one of a
// check of ours, or one of the library's own, which speaks English only.
func (r *rewriter) libraryMistake(err error) Mistake {
	var at *file.Error
	if !errors.As(err, &at) {
		return Mistake{0, 1, text.New("The expression is wrong: %s.", err)}
	}
	if refused := r.refused[at.Message]; refused != nil {
		return Mistake{at.From, at.To, text.Of(refused)}
	}
	if strings.HasSuffix(at.Message, "token EOF") {
		return Mistake{at.From, at.To, text.New("The expression ends too early.")}
	}
	return Mistake{at.From, at.To, text.New("The expression is wrong: %s.", goTypes.Replace(at.Message))}
}

// goTypes puts the library's messages into the terms of flow files.
var goTypes = strings.NewReplacer(
	"flow.number", "number", "flow.moment", "time", "string", "text",
	"map[string]interface {}", "line", "[]interface {}", "list", "interface {}", "any type",
)
