package flow

import (
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// Compared is a text that an expression compares with a field of the order; From and To
// count characters.
type Compared struct {
	Field, Value string
	From, To     int
}

// ComparedTexts lists the texts that an expression compares with fields of the order by ==,
// != and in; none for one that does not compile.
func ComparedTexts(source string) []Compared {
	tree, err := parser.Parse(source)
	if err != nil {
		return nil
	}
	var c comparedTexts
	ast.Walk(&tree.Node, &c)
	return c
}

type comparedTexts []Compared

// Visit notes the texts of a comparison.
func (c *comparedTexts) Visit(node *ast.Node) {
	operation, ok := (*node).(*ast.BinaryNode)
	if !ok {
		return
	}
	switch operation.Operator {
	case "==", "!=", "in":
		c.add(operation.Left, operation.Right)
		c.add(operation.Right, operation.Left)
	}
}

func (c *comparedTexts) add(field, value ast.Node) {
	name, ok := field.(*ast.IdentifierNode)
	if !ok {
		return
	}
	switch value := value.(type) {
	case *ast.StringNode:
		at := value.Location()
		*c = append(*c, Compared{name.Value, value.Value, at.From, at.To})
	case *ast.ArrayNode:
		for _, entry := range value.Nodes {
			c.add(field, entry)
		}
	}
}
