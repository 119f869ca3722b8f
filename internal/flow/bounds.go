package flow

import (
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/shopspring/decimal"

	"refundsync/internal/text"
)

// Bounds of an expression when it is compiled.
const (
	maxExpression = 4000 // characters
	maxNodes      = 1000
	maxLoops      = 3 // nested
)

// Bounds of an expression when it is run. Going over all lines for each line of an order
// of 5,000 lines stays below them.
const (
	memoryBudget = 1e6           // values
	maxSteps     = 1_000_000_000 // nodes, of all expressions run for an order
	maxText      = 64 << 10      // bytes of a text that is built
	maxParts     = 1000          // of a text that is split
	maxBits      = 4096          // of a number's digits
	maxExponent  = 1000
)

// work is what an expression costs, in nodes run: work[i] of them for each element of i
// nested loops.
type work [maxLoops + 1]float64

// workOf also reports whether loops are nested too deep.
func workOf(node ast.Node) (w work, tooDeep bool) {
	w[0] = 1
	var children []ast.Node
	switch n := node.(type) {
	case *ast.PredicateNode:
		inner, tooDeep := workOf(n.Node)
		copy(w[1:], inner[:])
		return w, tooDeep || inner[maxLoops] > 0
	case *ast.UnaryNode:
		children = []ast.Node{n.Node}
	case *ast.BinaryNode:
		children = []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		children = []ast.Node{n.Node}
	case *ast.MemberNode:
		children = []ast.Node{n.Node, n.Property}
	case *ast.SliceNode:
		children = []ast.Node{n.Node, n.From, n.To}
	case *ast.CallNode:
		children = n.Arguments
	case *ast.BuiltinNode:
		children = slices.Concat(n.Arguments, []ast.Node{n.Map})
	case *ast.ConditionalNode:
		children = []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.VariableDeclaratorNode:
		children = []ast.Node{n.Value, n.Expr}
	case *ast.SequenceNode:
		children = n.Nodes
	case *ast.ArrayNode:
		children = n.Nodes
	case *ast.MapNode:
		children = n.Pairs
	case *ast.PairNode:
		children = []ast.Node{n.Key, n.Value}
	}
	for _, child := range children {
		if child == nil {
			continue
		}
		of, deep := workOf(child)
		for i := range w {
			w[i] += of[i]
		}
		tooDeep = tooDeep || deep
	}
	return w, tooDeep
}

// steps is the work over lists of so many elements.
func (w work) steps(elements int) float64 {
	sum := 0.0
	for i := len(w) - 1; i >= 0; i-- {
		sum = sum*float64(elements) + w[i]
	}
	return sum
}

// boundedText gives the text, or an error if it is too long to go on with.
func boundedText(text string) (any, error) {
	if len(text) > maxText {
		return nil, textTooLong()
	}
	return text, nil
}

func textTooLong() *valueError {
	return newValueError(reasonExpression, text.New("a text has more than %d bytes", maxText))
}

// boundedNumber gives the number, or an error if it has more digits than any
// quantity.
func boundedNumber(value decimal.Decimal) (any, error) {
	if value.Coefficient().BitLen() > maxBits || value.Exponent() > maxExponent || value.Exponent() < -maxExponent {
		return nil, newValueError(reasonExpression, text.New("a number has too many digits"))
	}
	return number{value: value}, nil
}
