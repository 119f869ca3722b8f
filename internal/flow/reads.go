package flow

import (
	"slices"
	"time"

	"github.com/expr-lang/expr/ast"

	"refundsync/internal/beijing"
	"refundsync/internal/catalog"
)

// Read is a field of an order that an expression reads, with its values.
type Read struct {
	// Name is the field as expressions have it: so_id, item.sku_id, or lines.r_qty and
	// items.r_qty for the field of each line.
	Name string `json:"name"`
	// Label is the field's label in Jushuitan.
	Label string `json:"label"`
	// Values has one value, or one for each line; "" stands for an absent one. Times are
	// 2006-01-02 15:04:05 in Beijing time.
	Values []string `json:"values,omitempty"`
	// Hidden: the values may be about a person and are not shown.
	Hidden bool `json:"hidden,omitempty"`
}

// What a field in an expression belongs to, beside the order itself.
const (
	ofItem  = "item"
	ofLines = "lines"
	ofItems = "items"
)

// readers finds the fields that an expression reads, and what each belongs to.
type readers struct {
	expression *Expression
	// found are the names of the fields as expressions have them, in the order of the
	// expression.
	found []fieldOf
	// owners are those of the fields of lines that have been found.
	owners map[*ast.MemberNode]bool
}

type fieldOf struct {
	owner string // "" for the order
	field catalog.Field
}

// readsOf are the fields that an expression reads.
func readsOf(e *Expression) []fieldOf {
	r := &readers{expression: e, owners: map[*ast.MemberNode]bool{}}
	node := e.program.Node()
	ast.Walk(&node, r)
	return r.found
}

// Visit sees every node after its children.
func (r *readers) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if field, ok := r.expression.Header[n.Value]; ok {
			r.add("", field)
		}
	case *ast.MemberNode:
		if _, element := n.Node.(*ast.PointerNode); !element {
			r.member(n, n.Node)
		}
	case *ast.BuiltinNode:
		// The fields of the elements, .r_qty, are of the list that comes before.
		for _, argument := range n.Arguments[min(1, len(n.Arguments)):] {
			within := &elements{}
			ast.Walk(&argument, within)
			for _, member := range within.members {
				r.member(member, n.Arguments[0])
			}
		}
	}
}

// elements collects the fields of a loop's elements.
type elements struct{ members []*ast.MemberNode }

func (e *elements) Visit(node *ast.Node) {
	if member, ok := (*node).(*ast.MemberNode); ok {
		if _, element := member.Node.(*ast.PointerNode); element {
			e.members = append(e.members, member)
		}
	}
}

// member adds a field of lines. A loop within another has added its own before.
func (r *readers) member(n *ast.MemberNode, of ast.Node) {
	name, ok := n.Property.(*ast.StringNode)
	if !ok || r.owners[n] {
		return
	}
	r.owners[n] = true
	for _, owner := range r.ownersIn(of) {
		r.add(owner, r.expression.Items[name.Value])
	}
}

// ownersIn are the lists, or the line, that a part of the expression names; those of the
// whole expression where it names a variable.
func (r *readers) ownersIn(node ast.Node) []string {
	named := &identifiers{}
	ast.Walk(&node, named)
	if len(named.owners) > 0 {
		return named.owners
	}
	whole := r.expression.program.Node()
	ast.Walk(&whole, named)
	return named.owners
}

// identifiers collects item, lines and items.
type identifiers struct{ owners []string }

func (i *identifiers) Visit(node *ast.Node) {
	n, ok := (*node).(*ast.IdentifierNode)
	if ok && slices.Contains([]string{ofItem, ofLines, ofItems}, n.Value) && !slices.Contains(i.owners, n.Value) {
		i.owners = append(i.owners, n.Value)
	}
}

func (r *readers) add(owner string, field catalog.Field) {
	if !slices.ContainsFunc(r.found, func(f fieldOf) bool { return f.owner == owner && f.field.Name == field.Name }) {
		r.found = append(r.found, fieldOf{owner, field})
	}
}

// reads are the fields that an expression reads, with the values that it finds; of is the
// line at work, if any.
func (o *Opened) reads(e *Expression, of *line) []Read {
	var reads []Read
	for _, found := range readsOf(e) {
		read := Read{Name: found.field.Name, Label: found.field.Chinese, Hidden: found.field.Personal}
		if found.owner != "" {
			read.Name = found.owner + "." + found.field.Name
		}
		if !read.Hidden {
			for _, fields := range o.owned(found.owner, of) {
				read.Values = append(read.Values, shownValue(fields[found.field.Name]))
			}
		}
		reads = append(reads, read)
	}
	return reads
}

// owned are the values of the order, of the line at work, or of each line of a list.
func (o *Opened) owned(owner string, of *line) (all []map[string]any) {
	lines := o.lines
	switch owner {
	case "":
		return []map[string]any{o.env}
	case ofItem:
		lines = []*line{of}
	case ofLines:
		lines = o.kept
	}
	for _, l := range lines {
		all = append(all, l.fields)
	}
	return all
}

// shownValue is a value as expressions have it, for a person; what is wrong with one that
// can't be read.
func shownValue(value any) string {
	var lack *valueError
	shown := ""
	switch value := value.(type) {
	case string:
		return value
	case number:
		shown, lack = value.value.String(), value.err
	case moment:
		shown, lack = value.value.In(beijing.Zone).Format(time.DateTime), value.err
	}
	switch {
	case lack == nil:
		return shown
	case lack.isAbsent():
		return ""
	}
	return lack.Error()
}
