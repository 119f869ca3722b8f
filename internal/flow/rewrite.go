package flow

import (
	"slices"
	"strings"
	"unicode"

	"github.com/expr-lang/expr/ast"
	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
	"refundsync/internal/spelling"
)

// rewriter visits the tree of an expression before its types are checked. It notes
// the names, refuses what flow files do not use, makes exact decimals of literals,
// and function calls of operators, so that no step goes through binary floating
// point.
type rewriter struct {
	source    []rune
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
}

func (r *rewriter) report(node ast.Node, what message) {
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
		r.report(n, say("表达式里没有 nil；判断有没有值请用 has(x)。", "Expressions have no nil; to see whether there is a value use has(x)."))
	case *ast.ChainNode:
		r.report(n, say("表达式里没有 ?.，请用 coalesce。", "Expressions have no ?.; use coalesce."))
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
		// The library checked the tree once before this visit and would keep what
		// it found for calls, although their arguments may change here.
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
			r.report(n, say("表达式里没有 ??，请用 coalesce。", "Expressions have no ??; use coalesce."))
		case !slices.Contains(textOperators, n.Operator):
			r.report(n, say("表达式里没有运算符 %s。", "Expressions have no operator %s.", n.Operator))
		}
	}
}

// textOperators are left to the library.
var textOperators = []string{"and", "&&", "or", "||", "in", "contains", "startsWith", "endsWith", "matches"}

// exact makes a decimal of a literal, from its text.
func (r *rewriter) exact(node ast.Node) ast.Node {
	switch node.(type) {
	case *ast.FloatNode, *ast.IntegerNode:
	default:
		return node
	}
	at := node.Location()
	text := strings.ReplaceAll(string(r.source[at.From:at.To]), "_", "")
	if spelling.IsScientific(text) {
		r.report(node, say("数字 %[1]s 请写出全部数位（Excel 可能已舍去一些），如 %[2]s。", "Write all digits of the number %[1]s, of which Excel may have cut some off, such as %[2]s.", text, spelling.AllDigits(text)))
		return node
	}
	value, err := catalog.Decimal.Parse(text)
	if err != nil {
		r.report(node, say("数字 %[1]s 应写成十进制小数，如 12.5。", "The number %[1]s should be a plain decimal, such as 12.5.", text))
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
	if field, ok := catalog.Jushuitan().Find(catalog.Items, name.Value); ok {
		r.items[field.Name] = field
		return
	}
	what := say("商品明细里没有字段 %s。", "The order's lines have no field %s.", name.Value)
	if _, ok := catalog.Jushuitan().Find(catalog.Header, name.Value); ok {
		what = say("%[1]s 是售后单的字段，不在商品明细里，应直接写 %[1]s。", "%[1]s is a field of the order, not of its lines; write %[1]s alone.", name.Value)
	} else {
		what = what.Suggest(spelling.Closest(name.Value, catalog.Jushuitan().Names(catalog.Items)))
	}
	r.report(n, what)
}

// checkNames judges the identifiers, now that calls and variables are known.
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
		r.report(n, say("item 只能用在 lines 条件、FEntity 和 require 里；这里请用 lines 或 items。", "item is for the lines condition, FEntity and require; use lines or items here."))
	case n.Value == "lines":
		r.report(n, say("lines 条件里不能用 lines，请用 items。", "The lines condition can't use lines; use items."))
	default:
		field, ok := catalog.Jushuitan().Find(catalog.Header, n.Value)
		_, usable := typeFor[KindFor(field.Type)]
		switch {
		case !ok:
			r.report(n, unknownName(n.Value, r.scope))
		case !usable:
			r.report(n, say("%[1]s（%[2]s）的内容不在目录里，不能用。", "What %[1]s holds is not in the catalog; it can't be used.", field.Name, field.Chinese))
		default:
			r.header[field.Name] = field
		}
	}
}

func unknownName(name string, in Scope) message {
	header, items := catalog.Jushuitan().Names(catalog.Header), catalog.Jushuitan().Names(catalog.Items)
	if slices.Contains(items, name) {
		if in.item {
			return say("%[1]s 是商品明细的字段，应写 item.%[1]s。", "%[1]s is a field of the lines; write item.%[1]s.", name)
		}
		return say("%[1]s 是商品明细的字段，应写成 map(lines, .%[1]s) 之类。", "%[1]s is a field of the lines; write something like map(lines, .%[1]s).", name)
	}
	what := say("没有字段 %s。", "There is no field %s.", name)
	if strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		return say("没有字段 %[1]s。它若是文本，应加引号：\"%[1]s\"。", "There is no field %[1]s. If it is a text, put it in quotes: \"%[1]s\".", name)
	}
	meant := spelling.Closest(name, append(header, "lines", "item"))
	if meant == "" && in.item && spelling.Closest(name, items) != "" {
		meant = "item." + spelling.Closest(name, items)
	}
	return what.Suggest(meant)
}

func unknownFunction(name string) message {
	return say("没有函数 %[1]s，可用的函数：%[2]s。", "There is no function %[1]s; expected one of %[3]s.",
		name, strings.Join(functionNames, "、"), strings.Join(functionNames, ", ")).Suggest(spelling.Closest(name, functionNames))
}
