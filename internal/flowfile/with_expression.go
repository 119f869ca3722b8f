package flowfile

import (
	"slices"

	"refundsync/internal/flow"
	"refundsync/internal/text"
)

// WithExpression is the flow with another expression for a field of the bill that it
// maps, to compare what the two would book. An error is [Problems], and says what is wrong
// with the field or the expression.
func WithExpression(f *flow.Flow, name, source string) (*flow.Flow, error) {
	refused := func(from, to int, what text.Text) error {
		return Problems{{File: name, Line: 1, Column: from + 1, Length: max(1, to-from), Source: source, What: what.String()}}
	}
	changed := *f
	changed.Rules.Bill = slices.Clone(f.Rules.Bill)
	field := findMapped(changed.Rules.Bill, name)
	if field == nil || name == f.Form.Form.Number {
		return nil, refused(0, len([]rune(source)), text.New("The flow does not map %s, or it can't be changed.", name))
	}
	in := flow.OrderScope
	if f.Form.OfLine(field.Field.Place) && !f.Rules.OneLine {
		in = flow.EntryScope
	}
	compiled, mistakes := flow.Compile(f.Source.Interface, source, in)
	for _, mistake := range mistakes {
		return nil, refused(mistake.From, mistake.To, mistake.What)
	}
	if found, want := compiled.Kind, kindOfTarget(field.Field); found != want {
		return nil, refused(0, len([]rune(source)), wrongKind(text.Literal(flow.FieldName(field.Field)), want, found))
	}
	field.Mapping = &flow.Mapping{Target: field.Field, Value: compiled, Table: field.Mapping.Table, Required: field.Mapping.Required}
	changed.Use(compiled.Header, compiled.Items)
	return &changed, nil
}

// findMapped finds a mapped field of the bill, and copies the groups on the way to it;
// nil if there is none.
func findMapped(fields []flow.BillField, name string) *flow.BillField {
	for i := range fields {
		if fields[i].Field.Name == name && fields[i].Mapping != nil {
			return &fields[i]
		}
		inside := slices.Clone(fields[i].Fields)
		if found := findMapped(inside, name); found != nil {
			fields[i].Fields = inside
			return found
		}
	}
	return nil
}
