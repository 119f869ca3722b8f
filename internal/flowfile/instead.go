package flowfile

import (
	"slices"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
)

// Instead is the flow with another expression for a field of the bill that it maps, to
// compare what either books. An error is of Problems, and says what is wrong with the
// field or the expression.
func Instead(f *flow.Flow, name, source string) (*flow.Flow, error) {
	refused := func(from, to int, what message) error {
		return Problems{{File: name, Line: 1, Column: from + 1, Length: max(1, to-from), Source: source, Chinese: what.Chinese, English: what.English}}
	}
	changed := *f
	changed.Rules.Bill = slices.Clone(f.Rules.Bill)
	field := findMapped(changed.Rules.Bill, name)
	if field == nil || name == flow.NumberField {
		return nil, refused(0, len([]rune(source)), say("流程没有给 %[1]s 取值，或它不能换。", "The flow does not map %[1]s, or it can't be changed.", name))
	}
	in := flow.EntryScope
	if place := field.Field.Place; place == catalog.Head || place == catalog.SubHeadEntity {
		in = flow.OrderScope
	}
	compiled, mistakes := flow.Compile(source, in)
	for _, mistake := range mistakes {
		return nil, refused(mistake.From, mistake.To, mistake.What)
	}
	if found, want := compiled.Kind, kindOfTarget(field.Field); found != want {
		return nil, refused(0, len([]rune(source)), say("%[1]s应为%[2]s，这里得到的是%[3]s。", "%[1]s should be %[4]s, but this gives %[5]s.", name,
			flow.KindNames[want].Chinese, flow.KindNames[found].Chinese, flow.KindNames[want].English, flow.KindNames[found].English))
	}
	field.Mapping = &flow.Mapping{Target: field.Field, Value: compiled, Table: field.Mapping.Table, Required: field.Mapping.Required}
	changed.Use(compiled.Header, compiled.Items)
	return &changed, nil
}

// findMapped finds a field of the bill, and makes the groups on the way to it the
// caller's own; nil if there is none.
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
