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
)

// ownTypes are the kinds of field that a merchant adds to Kingdee's form, under
// their names in flow files.
var ownTypes = map[string]catalog.Type{
	"text":      catalog.Text,
	"base_data": catalog.Reference,
	"decimal":   catalog.Decimal,
	"integer":   catalog.Integer,
	"date":      catalog.Date,
	"check_box": catalog.Bool,
}

// ownTypeNames are the same in the order in which messages list them.
var ownTypeNames = []string{"text", "base_data", "decimal", "integer", "date", "check_box"}

// ownPlaces are the parts of a bill that own_fields can be in.
var ownPlaces = []catalog.Place{catalog.Head, catalog.FEntity}

// ownFields reads the fields that the merchant's form has beside Kingdee's own, by
// the part of the bill.
func (p *parser) ownFields(s section) {
	places := s.section("own_fields")
	lines := map[string]int{} // by the name in lower case: Kingdee does not tell cases apart
	for _, place := range ownPlaces {
		if !places.has(string(place)) {
			continue
		}
		for _, pair := range p.pairs(places.pairs[string(place)].value) {
			at := p.spanOf(pair.key)
			if !flow.OwnName.MatchString(pair.name) {
				p.report(at, say("自定义字段不能叫 %[1]s，应为金蝶 BOS 设计器里的标识，以 F_ 开头，如 F_ABCD_Text。",
					"%[1]s can't be a field of your own; expected its key in Kingdee's designer, which begins with F_, such as F_ABCD_Text.", pair.name))
			}
			if line, ok := lines[strings.ToLower(pair.name)]; ok {
				p.report(at, say("自定义字段 %s 重复，第 %d 行已有（金蝶不分大小写，一张单据里一个标识只有一个字段）。",
					"The field %s stands twice; it is in line %d already (Kingdee tells no cases apart, and a form has one field of a key).", pair.name, line))
			}
			lines[strings.ToLower(pair.name)] = at.line
			p.flow.OwnFields = append(p.flow.OwnFields, p.ownField(place, pair.name, at, pair.value))
		}
	}
}

func (p *parser) ownField(place catalog.Place, name string, at span, node ast.Node) catalog.Field {
	s := p.document.section(at, message{Chinese: " " + name + " ", English: name}, node, ownFieldKeys)
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
	if field, ok := catalog.Kingdee().Find(place, name); ok {
		return field, true
	}
	return catalog.Kingdee().FindFlex(place, name)
}

// targets lists the names of the fields of one part of the bill.
func (p *parser) targets(place catalog.Place) []string {
	names := catalog.Kingdee().Names(place)
	for _, field := range p.flow.OwnFields {
		if field.Place == place {
			names = append(names, field.Name)
		}
	}
	return names
}

// unknownOwnField says which own field was meant, or how one is declared.
func (p *parser) unknownOwnField(name string, place catalog.Place) message {
	if !slices.Contains(ownPlaces, place) {
		return say("自定义字段 %[1]s 不能写在%[2]s，只能在单据头或 FEntity。", "A field of your own, such as %[1]s, can't be in %[3]s, only in the head or in FEntity.", name, place.Chinese(), place.English())
	}
	what := say("自定义字段 %[1]s 没有声明，应写在 bill 的 own_fields 的 %[2]s 里，如 %[1]s: { type: text }。", "%[1]s is not declared; put a field of your own into %[2]s of the bill's own_fields, such as %[1]s: { type: text }.", name, string(place))
	declared := map[string]bool{}
	for _, field := range p.flow.OwnFields {
		declared[field.Name] = true
	}
	return what.Suggest(spelling.Closest(name, slices.Sorted(maps.Keys(declared))))
}
