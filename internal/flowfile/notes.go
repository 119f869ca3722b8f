package flowfile

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// notes collect what loads and is still to be looked at.
type notes struct {
	found Problems
	// tables are those that no field has used yet, with their places.
	tables map[string]span
	// conditions are those that have come so far, each with its line.
	conditions map[string]int
}

func (p *parser) note(at span, what text.Text) {
	p.notes.found = append(p.notes.found, p.problem(at, what))
}

// noteTables notes the tables that no field uses.
func (p *parser) noteTables() {
	for _, name := range slices.Sorted(maps.Keys(p.notes.tables)) {
		p.note(p.notes.tables[name], text.New("No field uses the table %s.", name))
	}
}

// noteExpression notes an expression that is the same for every order, and texts that a
// field never has.
func (p *parser) noteExpression(node ast.Node, source string, compiled *flow.Expression) {
	if len(compiled.Names) == 0 {
		p.note(p.spanOf(node), text.New("The expression names no field of the order, so it is the same for every order."))
	}
	for _, compared := range flow.ComparedTexts(source) {
		// The request's parameter of the same name has the list.
		field, ok := p.flow.Source.Interface.Find(catalog.Request, compared.Field)
		if _, known := field.Values[compared.Value]; !ok || known || len(field.Values) == 0 || compared.Value == "" {
			continue
		}
		values := slices.Sorted(maps.Keys(field.Values))
		p.note(p.spanWithin(node, compared.From, compared.To), spelling.Suggest(
			text.New("%s has no such value that is documented; there are %s.", flow.FieldName(field), strings.Join(values, ", ")),
			spelling.Closest(compared.Value, values)))
	}
}

// noteRepeated notes a quantity or an amount of the bill's lines that does not come from the
// order's line, so that each line books what the whole order has.
func (p *parser) noteRepeated(target catalog.Field, node ast.Node, compiled *flow.Expression) {
	form := p.flow.Form.Form
	if compiled == nil || p.flow.Rules.OneLine || target.Place != form.Lines || !slices.Contains([]string{form.Quantity, form.Amount}, target.Name) {
		return
	}
	ofLine := func(name flow.Named) bool { return name.Name == "item" }
	if len(compiled.Names) > 0 && !slices.ContainsFunc(compiled.Names, ofLine) {
		p.note(p.spanOf(node), text.New("%s is the same in each line of the bill. To book it once, write one_line: true under bill.", flow.FieldName(target)))
	}
}

// noteToFill notes the places of a new file that are still to be filled in.
func (p *parser) noteToFill() {
	first, marked := span{}, 0
	for i, line := range p.document.lines {
		if !strings.HasSuffix(strings.TrimSpace(line), toFillMark) {
			continue
		}
		if marked++; marked == 1 {
			first = span{line: i + 1, column: utf8.RuneCountInString(line[:strings.LastIndex(line, toFillMark)]) + 1, length: 1}
		}
	}
	if marked > 0 {
		p.note(first, text.New("Lines marked %s, which are to be filled in: %d. Remove each mark once that is done.", toFillMark, marked))
	}
}

// noteCondition notes a condition of leave_out or require that has come before in the same
// list and so decides nothing.
func (p *parser) noteCondition(list string, node ast.Node) {
	key, at := list+" "+written(node), p.spanOf(node)
	if line, ok := p.notes.conditions[key]; ok {
		p.note(at, text.New("This condition is already in line %d and never decides here.", line))
		return
	}
	p.notes.conditions[key] = at.line
}
