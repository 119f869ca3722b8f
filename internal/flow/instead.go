package flow

import (
	"maps"
	"slices"

	"refundsync/internal/catalog"
)

// Instead is the flow with another expression for a field of the bill that it maps, to
// compare what either books. An error is of Problems, and says what is wrong with the
// field or the expression.
func (f *Flow) Instead(name, source string) (*Flow, error) {
	refused := func(from, to int, what message) error {
		return Problems{{File: name, Line: 1, Column: from + 1, Length: max(1, to-from), Source: source, Chinese: what.chinese, English: what.english}}
	}
	changed := *f
	changed.bill = slices.Clone(f.bill)
	field := findMapped(changed.bill, name)
	if field == nil || name == numberField {
		return nil, refused(0, len([]rune(source)), say("流程没有给 %[1]s 取值，或它不能换。", "The flow does not map %[1]s, or it can't be changed.", name))
	}
	in := entryScope
	if place := field.field.Place; place == catalog.Head || place == catalog.SubHeadEntity {
		in = orderScope
	}
	compiled, mistakes := compile(source, in)
	for _, mistake := range mistakes {
		return nil, refused(mistake.from, mistake.to, mistake.what)
	}
	if found, want := compiled.kind, kindOfTarget(field.field); found != want {
		return nil, refused(0, len([]rune(source)), say("%[1]s应为%[2]s，这里得到的是%[3]s。", "%[1]s should be %[4]s, but this gives %[5]s.", name,
			kindNames[want].chinese, kindNames[found].chinese, kindNames[want].english, kindNames[found].english))
	}
	field.mapping = &mapping{target: field.field, value: compiled, table: field.mapping.table, required: field.mapping.required}
	changed.header, changed.items = with(f.header, compiled.header), with(f.items, compiled.items)
	changed.PickVersion = changed.pickVersion()
	return &changed, nil
}

// findMapped finds a field of the bill, and makes the groups on the way to it the
// caller's own; nil if there is none.
func findMapped(fields []billField, name string) *billField {
	for i := range fields {
		if fields[i].field.Name == name && fields[i].mapping != nil {
			return &fields[i]
		}
		inside := slices.Clone(fields[i].fields)
		if found := findMapped(inside, name); found != nil {
			fields[i].fields = inside
			return found
		}
	}
	return nil
}

func with(fields []catalog.Field, more map[string]catalog.Field) []catalog.Field {
	all := maps.Clone(more)
	for _, field := range fields {
		all[field.Name] = field
	}
	return sorted(all)
}
