package flow

import (
	"github.com/expr-lang/expr/ast"
)

// typeChecker visits the tree once the library has checked its types, and refuses
// what the library leaves to chance at run time.
type typeChecker struct {
	*rewriter
	// sound: the library found nothing. Otherwise an unknown type may follow from
	// what it found.
	sound bool
}

// Visit sees every node after its children.
func (c *typeChecker) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.ConditionalNode:
		one, other := kindOf(n.Exp1.Type()), kindOf(n.Exp2.Type())
		if kindOf(n.Type()) == KindUnknown && (c.sound || one != KindUnknown && other != KindUnknown) {
			c.report(n.Exp2, say("?: 的两边应是同一类型，这里是%[1]s和%[2]s。", "Both sides of ?: must be of one type; found %[3]s and %[4]s.",
				KindNames[one].Chinese, KindNames[other].Chinese, KindNames[one].English, KindNames[other].English))
		}
	case *ast.MemberNode:
		if _, literal := n.Property.(*ast.StringNode); kindOf(n.Node.Type()) == KindLine && !literal {
			c.report(n, say("商品明细的字段名要直接写出，如 item.sku_id。", "Name the line's field itself, such as item.sku_id."))
		}
	case *ast.BinaryNode:
		if left := kindOf(n.Left.Type()); n.Operator == "in" && left != KindText && (c.sound || left != KindUnknown) {
			c.report(n, say("in 只能用于文本，这里是%[1]s。", "in works on text only, found %[2]s.", KindNames[left].Chinese, KindNames[left].English))
		}
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok && listFunctions[callee.Value] != "" && len(n.Arguments) == 1 {
			c.list(n, callee.Value, n.Arguments[0], listFunctions[callee.Value])
		} else if ok && callee.Value == "join" && len(n.Arguments) > 0 {
			c.list(n, callee.Value, n.Arguments[0], KindText)
		}
	}
}

// list checks the elements of a function's list.
func (c *typeChecker) list(node ast.Node, function string, list ast.Node, want Kind) {
	element := list.Nature().Elem(nil)
	if got := kindOf(element.Type); got != want && (c.sound || got != KindUnknown) {
		c.report(node, say("%[1]s 要%[2]s的列表，这里是%[3]s的列表。", "%[1]s takes a list where each is %[4]s; here each is %[5]s.", function,
			KindNames[want].Chinese, KindNames[got].Chinese, KindNames[want].English, KindNames[got].English))
	}
}
