package flowfile

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// ownTypes are the types of fields that merchants add to Kingdee's form, by their names in
// flow files.
var ownTypes = map[string]catalog.Type{
	"text":      catalog.Text,
	"base_data": catalog.Reference,
	"decimal":   catalog.Decimal,
	"integer":   catalog.Integer,
	"date":      catalog.Date,
	"check_box": catalog.Bool,
}

// ownTypeNames are the same names, in the order in which messages list them.
var ownTypeNames = []string{"text", "base_data", "decimal", "integer", "date", "check_box"}

// ownPlaces are the parts of a bill that own_fields can be in.
func ownPlaces(form *catalog.Interface) []catalog.Place {
	return []catalog.Place{catalog.Head, form.Form.Lines}
}

// ownFields reads the fields that the merchant has added to Kingdee's form, by the part of
// the bill.
func (p *parser) ownFields(s section) {
	places := p.document.section(s.keySpan("own_fields"), text.Literal("own_fields"), s.pairs["own_fields"].value, ownFieldsKeys(p.flow.Form))
	lines := map[string]int{} // by the name in lower case, as Kingdee ignores case
	for _, place := range ownPlaces(p.flow.Form) {
		if !places.has(string(place)) {
			continue
		}
		for _, pair := range p.pairs(places.pairs[string(place)].value) {
			at := p.spanOf(pair.key)
			if !flow.OwnName.MatchString(pair.name) {
				p.report(at, text.New("%s can't be a field of your own; expected its key (标识) in Kingdee's BOS designer, which begins with F_, such as F_ABCD_Text.", pair.name))
			}
			if line, ok := lines[strings.ToLower(pair.name)]; ok {
				p.report(at, text.New("The field %s is already declared in line %d (keys are unique in a form, whatever their case).", pair.name, line))
			}
			lines[strings.ToLower(pair.name)] = at.line
			p.flow.OwnFields = append(p.flow.OwnFields, p.ownField(place, pair.name, at, pair.value))
		}
	}
}

func (p *parser) ownField(place catalog.Place, name string, at span, node ast.Node) catalog.Field {
	s := p.document.section(at, text.Literal(name), node, ownFieldKeys)
	field := catalog.Field{
		Name:    name,
		Chinese: cmp.Or(s.text("label"), "自定义字段"),
		English: "a field of your own",
		Type:    ownTypes[s.oneOf("type")],
		Place:   place,
	}
	if field.Type == catalog.Reference {
		field.ReferenceKey = "FNumber"
	}
	return field
}

// target finds a field of one part of the bill: Kingdee's or the merchant's own.
func (p *parser) target(place catalog.Place, name string) (catalog.Field, bool) {
	for _, field := range p.flow.OwnFields {
		if field.Place == place && field.Name == name {
			return field, true
		}
	}
	if field, ok := p.flow.Form.Find(place, name); ok {
		return field, true
	}
	return p.flow.Form.FindFlex(place, name)
}

// targets lists the names of the fields of one part of the bill.
func (p *parser) targets(place catalog.Place) []string {
	names := p.flow.Form.Names(place)
	for _, field := range p.flow.OwnFields {
		if field.Place == place {
			names = append(names, field.Name)
		}
	}
	return names
}

// unknownOwnField says which own field was meant, or how to declare one.
func (p *parser) unknownOwnField(name string, place catalog.Place) text.Text {
	if !slices.Contains(ownPlaces(p.flow.Form), place) {
		return text.New("A field of your own, such as %s, can't be in %s, only in the bill's head or in %s.", name, p.flow.Form.Label(place), p.flow.Form.Label(p.flow.Form.Form.Lines))
	}
	what := text.New("%[1]s is not declared; declare fields of your own in bill, own_fields, %[2]s, such as %[1]s: { type: text }.", name, string(place))
	declared := map[string]bool{}
	for _, field := range p.flow.OwnFields {
		declared[field.Name] = true
	}
	return spelling.Suggest(what, spelling.Closest(name, slices.Sorted(maps.Keys(declared))))
}
