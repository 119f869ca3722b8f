package flow

import (
	"github.com/expr-lang/expr/ast"

	"refundsync/internal/text"
)

// typeChecker visits the tree once the library has checked its types, and refuses what
// would only fail at run time.
type typeChecker struct {
	*rewriter
	// sound: the library found no mistake. Otherwise an unknown type may follow from one.
	sound bool
}

// Visit sees every node after its children.
func (c *typeChecker) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.ConditionalNode:
		one, other := kindOf(n.Exp1.Type()), kindOf(n.Exp2.Type())
		if kindOf(n.Type()) == KindUnknown && (c.sound || one != KindUnknown && other != KindUnknown) {
			c.report(n.Exp2, text.New("Both sides of ?: must be of one type; found %s and %s.", KindNames[one], KindNames[other]))
		}
	case *ast.MemberNode:
		if _, literal := n.Property.(*ast.StringNode); kindOf(n.Node.Type()) == KindLine && !literal {
			c.report(n, text.New("Write the field of the line out, such as item.sku_id."))
		}
	case *ast.BinaryNode:
		if left := kindOf(n.Left.Type()); n.Operator == "in" && left != KindText && (c.sound || left != KindUnknown) {
			c.report(n, text.New("in works on text only, found %s.", KindNames[left]))
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
		c.report(node, text.New("%s takes a list where each is %s; here each is %s.", function, KindNames[want], KindNames[got]))
	}
}
