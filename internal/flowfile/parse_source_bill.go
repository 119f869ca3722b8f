package flowfile

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/text"
)

// sourceBillKeys link a bill's lines to those of source bills.
func sourceBillKeys() sectionValue {
	return sectionValue{
		{"FormId", "The form of the source bills.", true, choiceValue(sourceForms())},
		{"where", "How the source bills of an order are found: one field of theirs that has a value of the order, such as FThirdBillNo: { field: so_id }.", true, otherValue(whereSchema)},
		{"rule", "The conversion rule (转换规则) that the links name.", false, withDefault{textValue{}, "the one that comes with Kingdee"}},
		{"required", "What happens to an order for which no source has enough left: true parks it; false books the rest without a link.", false, booleanValue(false)},
	}
}

// sourceValueKeys give the value by which source bills are found.
var sourceValueKeys = sectionValue{
	{"field", "A field of the order, such as so_id.", false, textValue{fieldPath.String()}},
	{"expression", "A computed text.", false, expressionValue{}},
}

// sourceForms lists the forms that any form can be linked to.
func sourceForms() []string {
	forms := map[string]bool{}
	for _, name := range catalog.Forms() {
		if link := catalog.All()[name].Form.Link; link != nil {
			for form := range link.Sources {
				forms[form] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(forms))
}

func whereSchema() jsonSchema {
	value := sourceValueKeys.schema()
	value["oneOf"] = []jsonSchema{{"required": []string{"field"}}, {"required": []string{"expression"}}}
	return jsonSchema{
		"type": "object", "patternProperties": jsonSchema{kingdeeKey.String(): value},
		"additionalProperties": false, "minProperties": 1, "maxProperties": 1,
	}
}

// sourceBill reads to what the bill's lines are linked. The flow's form has been read.
func (p *parser) sourceBill(bill section) {
	at := bill.keySpan("source_bill")
	form := p.flow.Form
	if form == nil {
		return // its name has been reported
	}
	link := form.Form.Link
	if link == nil {
		p.report(at, text.New("Lines of %s can't be linked to a source bill; take source_bill out.", form.Name))
		return
	}
	s := bill.section("source_bill")
	source := &flow.SourceBill{FormID: s.oneOf("FormId"), Link: link, Required: s.boolean("required")}
	if source.Source = link.Sources[source.FormID]; source.Source == nil {
		if s.has("FormId") && slices.Contains(sourceForms(), source.FormID) {
			p.report(s.valueSpan("FormId"), text.New("Lines of %s can't be linked to %s; expected one of %s.", form.Name, source.FormID, strings.Join(slices.Sorted(maps.Keys(link.Sources)), ", ")))
		}
		return
	}
	source.Rule = cmp.Or(strings.TrimSpace(s.text("rule")), source.Source.Rule)
	if s.has("where") {
		p.sourceWhere(source, s)
	}
	p.flow.SourceBill = source
}

// sourceWhere reads by which field, and by which value of the order, source bills are found.
func (p *parser) sourceWhere(source *flow.SourceBill, s section) {
	pairs := p.pairs(s.pairs["where"].value)
	if len(pairs) != 1 {
		if isMapping(s.pairs["where"].value) {
			p.report(s.keySpan("where"), text.New("where takes one field of %s, such as FThirdBillNo: { field: so_id }; found %d.", source.FormID, len(pairs)))
		}
		return
	}
	where := pairs[0]
	at := p.spanOf(where.key)
	source.Field = where.name
	if !kingdeeKey.MatchString(where.name) {
		p.report(at, text.New("%s takes the key of a field in Kingdee, such as FNumber; found %s.", "where", where.name))
	}
	value := p.document.section(at, text.Literal(where.name), where.value, sourceValueKeys)
	if !isMapping(where.value) || value.unknown {
		return
	}
	if value.has("field") == value.has("expression") {
		p.report(at, text.New("%s needs one value: field or expression.", where.name))
		return
	}
	way := "field"
	if value.has("expression") {
		way = "expression"
	} else if !p.isFieldPath(value.pairs["field"].value) {
		return
	}
	target := catalog.Field{Name: where.name, Chinese: "源单", Type: catalog.Text, Place: catalog.Head}
	source.Value = &flow.Mapping{Target: target, Value: p.expression(value.pairs[way].value, flow.OrderScope, text.Literal(where.name), flow.KindText)}
}

// checkLinked finds fields that the flow maps although the link fills them in.
func (p *parser) checkLinked(owner span) {
	source := p.flow.SourceBill
	if source == nil {
		return
	}
	lines := p.flow.Form.Form.Lines
	for _, field := range p.flow.Rules.Bill {
		if field.Field.Name != string(lines) {
			continue
		}
		for _, of := range field.Fields {
			if slices.Contains([]string{source.Link.Form, source.Link.Number, string(source.Link.List)}, of.Field.Name) {
				p.report(owner, text.New("source_bill fills in %s; take it out of fields.", flow.FieldName(of.Field)))
			}
		}
	}
}
