package flow

import (
	"slices"
	"strings"
	"unicode"

	"github.com/expr-lang/expr/ast"
	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// rewriter visits the tree of an expression before its types are checked. It notes the
// names, refuses syntax that flow files do not use, and turns literals into exact decimals
// and operators into function calls, so that nothing goes through binary floating point.
type rewriter struct {
	source    []rune
	orders    *catalog.Interface
	scope     Scope
	header    map[string]catalog.Field
	items     map[string]catalog.Field
	usesLines bool
	names     []Named

	root        *ast.Node // of the tree, once it has been visited
	identifiers []*ast.IdentifierNode
	callees     map[*ast.IdentifierNode]bool
	let         map[string]bool
	mistakes    []Mistake
	refused     map[string]error // errors of our own checks, by their words
}

func (r *rewriter) report(node ast.Node, what text.Text) {
	at := node.Location()
	r.mistakes = append(r.mistakes, Mistake{at.From, at.To, what})
}

// Visit sees every node after its children.
func (r *rewriter) Visit(node *ast.Node) {
	r.root = node
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		r.identifiers = append(r.identifiers, n)
	case *ast.NilNode:
		r.report(n, text.New("Expressions have no nil; use has(x) to test for a value."))
	case *ast.ChainNode:
		r.report(n, text.New("Expressions have no ?.; use coalesce."))
	case *ast.FloatNode:
		*node = r.exact(n)
	case *ast.ConditionalNode:
		n.Exp1, n.Exp2 = r.exact(n.Exp1), r.exact(n.Exp2)
	case *ast.ArrayNode:
		for i := range n.Nodes {
			n.Nodes[i] = r.exact(n.Nodes[i])
		}
	case *ast.VariableDeclaratorNode:
		r.let[n.Name] = true
	case *ast.MemberNode:
		r.member(n)
	case *ast.BuiltinNode:
		if !slices.Contains(allowedBuiltins, n.Name) {
			r.report(n, unknownFunction(n.Name))
		}
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			r.callees[callee] = true
		}
		// The library has checked the tree before this visit and would keep the types of
		// calls, although their arguments may change here.
		n.SetType(nil)
	case *ast.UnaryNode:
		if n.Operator == "-" || n.Operator == "+" {
			r.call(node, "sign "+n.Operator, n.Node)
		}
	case *ast.BinaryNode:
		switch {
		case operators[n.Operator] != nil:
			r.call(node, n.Operator, n.Left, n.Right)
		case n.Operator == "??":
			r.report(n, text.New("Expressions have no ??; use coalesce."))
		case !slices.Contains(textOperators, n.Operator):
			r.report(n, text.New("Expressions have no operator %s.", n.Operator))
		}
	}
}

// textOperators are left to the library.
var textOperators = []string{"and", "&&", "or", "||", "in", "contains", "startsWith", "endsWith", "matches"}

// exact makes a decimal of a literal from its source.
func (r *rewriter) exact(node ast.Node) ast.Node {
	switch node.(type) {
	case *ast.FloatNode, *ast.IntegerNode:
	default:
		return node
	}
	at := node.Location()
	digits := strings.ReplaceAll(string(r.source[at.From:at.To]), "_", "")
	if spelling.IsScientific(digits) {
		r.report(node, text.New("Write all digits of the number %s, of which Excel may have cut some off, such as %s.", digits, spelling.AllDigits(digits)))
		return node
	}
	value, err := catalog.Decimal.Parse(digits)
	if err != nil {
		r.report(node, text.New("The number %s should be a plain decimal, such as 12.5.", digits))
		return node
	}
	exact := &ast.ConstantNode{Value: number{value: value.(decimal.Decimal)}}
	exact.SetLocation(at)
	return exact
}

func (r *rewriter) call(node *ast.Node, function string, arguments ...ast.Node) {
	callee := &ast.IdentifierNode{Value: function}
	callee.SetLocation((*node).Location())
	ast.Patch(node, &ast.CallNode{Callee: callee, Arguments: arguments})
}

// member notes a field of a line: item.sku_id, .sku_id, lines[0].sku_id. The
// order's own fields are not written with a dot.
func (r *rewriter) member(n *ast.MemberNode) {
	name, ok := n.Property.(*ast.StringNode)
	if !ok {
		return
	}
	if field, ok := r.orders.Find(catalog.Items, name.Value); ok {
		r.items[field.Name] = field
		return
	}
	what := text.New("The order's lines have no field %s.", name.Value)
	if _, ok := r.orders.Find(catalog.Header, name.Value); ok {
		what = text.New("%[1]s is a field of the order, not of its lines; write %[1]s alone.", name.Value)
	} else {
		what = spelling.Suggest(what, spelling.Closest(name.Value, r.orders.Names(catalog.Items)))
	}
	r.report(n, what)
}

// checkNames checks the identifiers, now that calls and variables are known.
func (r *rewriter) checkNames() {
	for _, n := range r.identifiers {
		if r.callees[n] {
			if _, ok := functions[n.Value]; !ok {
				r.report(n, unknownFunction(n.Value))
			}
			continue
		}
		if r.let[n.Value] {
			continue
		}
		r.name(n)
	}
}

func (r *rewriter) name(n *ast.IdentifierNode) {
	r.names = append(r.names, Named{n.Value, n.Location().From, n.Location().To})
	switch {
	case n.Value == "items", n.Value == "item" && r.scope.item:
	case n.Value == "lines" && r.scope.lines:
		r.usesLines = true
	case n.Value == "item":
		r.report(n, text.New("item works only in the lines condition, the bill's lines and require; use lines or items here."))
	case n.Value == "lines":
		r.report(n, text.New("lines can't be used here; use items."))
	default:
		field, ok := r.orders.Find(catalog.Header, n.Value)
		_, usable := typeFor[KindFor(field.Type)]
		switch {
		case !ok:
			r.report(n, r.unknownName(n.Value))
		case !usable:
			r.report(n, text.New("%s can't be used: the catalog doesn't say what it holds.", FieldName(field)))
		default:
			r.header[field.Name] = field
		}
	}
}

func (r *rewriter) unknownName(name string) text.Text {
	in, header, items := r.scope, r.orders.Names(catalog.Header), r.orders.Names(catalog.Items)
	if slices.Contains(items, name) {
		if in.item {
			return text.New("%[1]s is a field of the lines; write item.%[1]s.", name)
		}
		return text.New("%[1]s is a field of the lines; write something like map(lines, .%[1]s).", name)
	}
	meant := spelling.Closest(name, append(header, "lines", "item"))
	if meant == "" && in.item && spelling.Closest(name, items) != "" {
		meant = "item." + spelling.Closest(name, items)
	}
	if meant == "" && !strings.HasPrefix(name, "$") || strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		return text.New("There is no field %[1]s. If it is a text, put it in quotes: \"%[1]s\".", name)
	}
	return spelling.Suggest(text.New("There is no field %s.", name), meant)
}

func unknownFunction(name string) text.Text {
	what := text.New("There is no function %s; expected one of %s.", name, strings.Join(functionNames, ", "))
	return spelling.Suggest(what, spelling.Closest(name, functionNames))
}
