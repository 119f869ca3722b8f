package flowfile

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

func (p *parser) bill(s section) {
	p.flow.Call = flow.Call{
		FormId:                s.oneOf("FormId"),
		Operation:             s.oneOf("Operation"),
		IsAutoSubmitAndAudit:  s.boolean("IsAutoSubmitAndAudit"),
		IsVerifyBaseDataField: s.boolean("IsVerifyBaseDataField"),
		BatchCount:            s.integer("BatchCount"),
	}
	if p.flow.Form = catalog.All()[p.flow.Call.FormId]; p.flow.Form == nil {
		p.flow.Form = catalog.All()[formMeant(s)]
	}
	if s.has("IsAutoSubmitAndAudit") {
		p.flag = s.valueSpan("IsAutoSubmitAndAudit")
	}
	if s.has("lines") {
		p.flow.Rules.Lines = p.expression(s.pairs["lines"].value, flow.ConditionScope, text.Literal("lines"), flow.KindBool)
	}
	p.flow.Rules.SplitDefective = s.boolean("split_defective")
	if p.flow.Rules.SplitDefective {
		p.splitDefective(s.valueSpan("split_defective"))
	}
	p.lineRules(s)
	if s.has("own_fields") {
		p.ownFields(s)
	}
	if s.has("fields") {
		p.flow.Rules.Bill = p.billFields(s.keySpan("fields"), s.pairs["fields"].value, catalog.Head)
	}
	if s.has("source_bill") {
		p.sourceBill(s)
		p.checkLinked(s.keySpan("source_bill"))
	}
}

// lineRules reads what becomes of the order's lines beside the lines condition.
func (p *parser) lineRules(s section) {
	p.flow.Rules.OneLine = s.boolean("one_line")
	if p.flow.Rules.OneLine {
		for _, other := range []string{"lines", "split_defective", "discount"} {
			if s.has(other) {
				p.report(s.keySpan(other), text.New("%s can't go with one_line, by which the bill's line is not made from the order's lines.", other))
			}
		}
	}
	if !s.has("discount") {
		return
	}
	d := p.document.section(s.keySpan("discount"), text.Literal("discount"), s.pairs["discount"].value, discountKeys)
	from := d.text("from")
	field, ok := p.flow.Source.Interface.Find(catalog.Items, from)
	switch {
	case from == "":
	case !ok || field.Type != catalog.Decimal:
		p.report(d.valueSpan("from"), text.New("from can't be %s; expected a field of the order's lines that holds an amount.", from))
	default:
		p.flow.Use(nil, map[string]catalog.Field{from: field})
	}
	if d.has("amount") {
		p.flow.Rules.Discount = &flow.Discount{Amount: p.expression(d.pairs["amount"].value, flow.HeadScope, text.Literal("amount"), flow.KindNumber), From: from}
	}
}

// splitDefective has the fields travel by which lines are split.
func (p *parser) splitDefective(at span) {
	orders, needed := p.flow.Source.Interface, flow.SplitFields(p.flow.Source.Interface.Source)
	fields := map[string]catalog.Field{}
	for _, name := range needed {
		fields[name], _ = orders.Find(catalog.Items, name)
	}
	p.flow.Use(nil, fields)
	switch form := p.flow.Form; {
	case len(needed) == 0:
		p.report(at, text.New("split_defective can't be used with %s, whose lines do not say how many pieces are damaged.", orders.Name))
	case form.Form.Quantity == "":
		p.report(at, text.New("split_defective can't be used with %s, whose lines have no quantity.", form.Name))
	}
}

// formMeant is the form by which the rest is checked if FormId is missing or misspelt: the
// one that has most of the fields.
func formMeant(s section) (meant string) {
	most := -1
	for _, name := range catalog.Forms() {
		has := 0
		for _, field := range keysOf(s.pairs["fields"].value) {
			if _, ok := catalog.All()[name].Find(catalog.Head, field); ok {
				has++
			}
		}
		if has > most {
			most, meant = has, name
		}
	}
	return meant
}

// billFields reads the fields of one part of the bill, in the file's order.
func (p *parser) billFields(owner span, node ast.Node, place catalog.Place) []flow.BillField {
	var fields []flow.BillField
	seen := map[string]bool{}
	for _, pair := range p.pairs(node) {
		field, ok := p.target(place, pair.name)
		if !ok {
			p.report(p.spanOf(pair.key), p.unknownTarget(pair.name, place))
			seen[spelling.Closest(pair.name, p.targets(place))] = true
			continue
		}
		seen[field.Name] = true
		at := p.spanOf(pair.key)
		switch field.Type {
		case catalog.Object, catalog.List:
			fields = append(fields, flow.BillField{Field: field, Fields: p.billFields(at, pair.value, catalog.Place(field.Name))})
		default:
			m := p.mapping(at, field, pair.value)
			fields = append(fields, flow.BillField{Field: field, Mapping: m})
			if p.isNumber(field) {
				p.flow.Rules.Number, p.number = m, at
			}
		}
	}
	for _, field := range p.flow.Form.Fields[place] {
		if field.Required && !seen[field.Name] && isMapping(node) {
			p.report(owner, text.New("The required field %s is missing in %s.", flow.FieldName(field), p.flow.Form.Label(place)))
		}
	}
	return fields
}

// unknownTarget says where a field belongs, or which name was meant.
func (p *parser) unknownTarget(name string, place catalog.Place) text.Text {
	for _, other := range append(p.flow.Form.BillPlaces(), catalog.Options) {
		if field, ok := p.target(other, name); ok {
			if other == catalog.Options {
				return text.New("%s is an option of the call, not a field of the bill; put it in bill, outside fields.", flow.FieldName(field))
			}
			return text.New("%s is not in %s; it belongs in %s.", flow.FieldName(field), p.flow.Form.Label(place), p.flow.Form.Label(other))
		}
	}
	if strings.HasPrefix(name, "F_") {
		return p.unknownOwnField(name, place)
	}
	known := p.targets(place)
	if meant := spelling.Closest(name, known); meant != "" {
		return spelling.Suggest(text.New("There is no field %s in %s.", name, p.flow.Form.Label(place)), meant)
	}
	return text.New("There is no field %s in %s; expected one of %s.", name, p.flow.Form.Label(place), strings.Join(known, ", "))
}

// ways are the three ways to give a field its value.
var ways = []string{"constant", "field", "expression"}

func (p *parser) mapping(owner span, target catalog.Field, node ast.Node) *flow.Mapping {
	s := p.document.section(owner, text.Literal(target.Name), node, mappingKeys)
	m := &flow.Mapping{Target: target, Required: s.boolean("required") || target.Required}
	given := slices.DeleteFunc(slices.Clone(ways), func(way string) bool { return !s.has(way) })
	switch {
	case !isMapping(node):
		return m
	case len(given) == 0 && s.unknown:
		return m
	case len(given) == 0:
		p.report(owner, text.New("%s has no value; expected one of constant, field, expression.", flow.FieldName(target)))
		return m
	case len(given) > 1:
		p.report(s.keySpan(given[1]), text.New("%s has more than one value (%s); expected one of constant, field, expression.", flow.FieldName(target), strings.Join(given, ", ")))
		return m
	case given[0] == "constant":
		p.constant(m, s)
		return m
	}
	value := s.pairs[given[0]].value
	if given[0] == "field" && !p.isFieldPath(value) {
		return m
	}
	in, want := flow.EntryScope, kindOfTarget(target)
	if !p.flow.Form.OfLine(target.Place) || p.flow.Rules.OneLine {
		in = flow.OrderScope
	}
	if s.has("table") {
		m.Table = p.tableOf(s, target)
	}
	if source, ok := p.textNode(value); ok && target.Place == p.flow.Form.Form.Lines && target.Name == p.flow.Form.Form.Quantity {
		p.received = given[0] == "field" && source == "item."+p.flow.Source.Interface.Source.Received
	}
	m.Value = p.expression(value, in, text.Literal(flow.FieldName(target)), want)
	p.noteRepeated(target, value, m.Value)
	if p.isNumber(target) {
		p.checkNumber(s, value, m)
	}
	return m
}

// isNumber reports whether a field is the bill's number.
func (p *parser) isNumber(field catalog.Field) bool {
	return field.Place == catalog.Head && field.Name == p.flow.Form.Form.Number
}

// checkNumber requires that a bill's number comes from the order's key alone. If anything
// else in it changed, a field or a table, the order would be booked a second time; and of
// orders that share a number, only one would be booked.
func (p *parser) checkNumber(s section, node ast.Node, m *flow.Mapping) {
	key, number := p.flow.Source.Key, flow.FieldName(m.Target)
	if s.has("table") {
		p.report(s.keySpan("table"), text.New("%[2]s can't use a table: after an edit of the table, the same order would be saved again. Use %[1]s alone, such as { field: %[1]s }.", key, number))
	}
	if m.Value == nil || key == "" {
		return
	}
	if len(m.Value.Names) == 0 {
		p.report(p.spanOf(node), text.New("%[2]s does not contain %[1]s, so all orders would be one bill. Use %[1]s, such as { field: %[1]s }.", key, number))
	}
	for _, name := range m.Value.Names {
		if name.Name != key {
			p.report(p.spanWithin(node, name.From, name.To), text.New("%[3]s can't use %[2]s, only %[1]s, the key in source: if %[2]s changed, the same order would be saved again; if two orders shared it, their numbers would collide. Write it like { field: %[1]s } or { expression: '\"TH\" + %[1]s' }.",
				key, name.Name, number))
		}
	}
}

func kindOfTarget(target catalog.Field) flow.Kind {
	if target.Type == catalog.Bool {
		return flow.KindBool
	}
	return flow.KindFor(target.Type)
}

// nameOfField is how a field of the order is named, fieldPath also one of the line.
const nameOfField = `^[A-Za-z_][A-Za-z0-9_]*$`

var fieldPath = regexp.MustCompile(`^(item\.)?[A-Za-z_][A-Za-z0-9_]*$`)

// isFieldPath checks that the value of field is a name, not an expression.
func (p *parser) isFieldPath(node ast.Node) bool {
	name, ok := p.textNode(node)
	if of := p.flow.Source.Interface.Source; ok && !fieldPath.MatchString(name) {
		p.report(p.spanOf(node), text.New("field takes the name of a field, such as %s or item.%s; found %s. To compute a value, use expression.", of.Key, of.LineKey, name))
	}
	return ok && fieldPath.MatchString(name)
}

func (p *parser) tableOf(s section, target catalog.Field) *flow.Table {
	name := s.text("table")
	delete(p.notes.tables, name)
	if kindOfTarget(target) != flow.KindText {
		p.report(s.keySpan("table"), text.New("A table gives text, but %s is %s.", flow.FieldName(target), target.Type.Label()))
		return nil
	}
	t, ok := p.tables[name]
	if name != "" && !ok {
		known := slices.Sorted(maps.Keys(p.tables))
		what := text.New("There is no table %s; expected one of %s.", name, strings.Join(known, ", "))
		if len(known) == 0 {
			what = text.New("There is no table %s; add it to tables.", name)
		}
		p.report(s.valueSpan("table"), spelling.Suggest(what, spelling.Closest(name, known)))
	}
	return t
}

// plainNumber is how a constant number is written: no exponent, no leading zeros, nothing
// that YAML reads in another base.
var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// constant reads a value that is the same for every bill.
func (p *parser) constant(m *flow.Mapping, s section) {
	node, target := s.pairs["constant"].value, m.Target
	if p.isNumber(target) {
		p.report(s.keySpan("constant"), text.New("%s can't be a constant, or all orders would be one bill; use something like field: %s.", flow.FieldName(target), p.flow.Source.Interface.Source.Key))
	}
	if s.has("table") {
		p.report(s.keySpan("table"), text.New("A constant takes no table; write the result."))
	}
	switch kindOfTarget(target) {
	case flow.KindText:
		p.checkCode(node)
		m.SetConstant(s.text("constant"))
	case flow.KindNumber:
		number := node.GetToken().Value
		if _, quoted := node.(*ast.StringNode); quoted || !plainNumber.MatchString(number) {
			p.wrongType(node, text.New("a number for %s, such as 12.5", flow.FieldName(target)))
			return
		}
		value, err := catalog.Decimal.Parse(json.Number(number))
		switch {
		case err != nil:
			p.wrongType(node, text.New("a shorter number"))
		case target.Type == catalog.Integer && !value.(decimal.Decimal).IsInteger():
			p.wrongType(node, text.New("a whole number for %s, such as 12", flow.FieldName(target)))
		default:
			m.SetConstant(value.(decimal.Decimal))
		}
	case flow.KindBool:
		m.SetConstant(p.trueOrFalse(node, false))
	case flow.KindTime:
		if at, ok := p.date(node); ok {
			m.SetConstant(at)
		}
	}
}
