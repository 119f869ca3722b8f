package flowfile

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/shopspring/decimal"

	"refundsync/internal/beijing"
	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/spelling"
)

func (p *parser) bill(s section) {
	p.flow.Call = flow.Call{
		FormId:                s.oneOf("FormId"),
		Operation:             s.oneOf("Operation"),
		IsAutoSubmitAndAudit:  s.boolean("IsAutoSubmitAndAudit"),
		IsVerifyBaseDataField: s.boolean("IsVerifyBaseDataField"),
		BatchCount:            s.integer("BatchCount"),
	}
	if s.has("IsAutoSubmitAndAudit") {
		p.flag = s.valueSpan("IsAutoSubmitAndAudit")
	}
	if s.has("lines") {
		p.flow.Rules.Lines = p.expression(s.pairs["lines"].value, flow.ConditionScope, say("lines 条件", "The lines condition"), flow.KindBool)
	}
	p.flow.Rules.SplitDefective = s.boolean("split_defective")
	if p.flow.Rules.SplitDefective {
		fields := map[string]catalog.Field{}
		for _, name := range flow.SplitFields {
			fields[name], _ = catalog.Jushuitan().Find(catalog.Items, name)
		}
		p.flow.Use(nil, fields)
	}
	if s.has("own_fields") {
		p.ownFields(s)
	}
	if s.has("fields") {
		p.flow.Rules.Bill = p.billFields(s.keySpan("fields"), s.pairs["fields"].value, catalog.Head)
	}
}

// places are the parts of a bill that hold fields, in the order in which a
// misplaced field is looked for.
var places = []catalog.Place{
	catalog.Head, catalog.SubHeadEntity, catalog.FEntity, catalog.Options,
	catalog.FAuxpropId, catalog.FStocklocId, catalog.FTaxDetailSubEntity, catalog.FSerialSubEntity, catalog.FEntityLink,
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
			if field.Name == flow.NumberField {
				p.flow.Rules.Number = m
			}
		}
	}
	for _, field := range catalog.Kingdee().Fields[place] {
		if field.Required && !seen[field.Name] && isMapping(node) {
			p.report(owner, say("缺少必填字段 %[1]s（%[2]s），应在%[3]s。", "The required field %[1]s is missing in %[4]s.", field.Name, field.Chinese, place.Chinese(), place.English()))
		}
	}
	return fields
}

// unknownTarget says where a field belongs, or which name was meant.
func (p *parser) unknownTarget(name string, place catalog.Place) message {
	for _, other := range places {
		if field, ok := p.target(other, name); ok {
			if other == catalog.Options {
				return say("%[1]s（%[2]s）是调用的选项，不是单据字段，应写在 bill 下、fields 外。", "%[1]s is an option of the call, no field of the bill; put it under bill, outside fields.", name, field.Chinese)
			}
			return say("%[1]s（%[2]s）不属于%[3]s，应写在%[4]s。", "%[1]s is not in %[5]s; it belongs in %[6]s.", name, field.Chinese,
				place.Chinese(), other.Chinese(), place.English(), other.English())
		}
	}
	if strings.HasPrefix(name, "F_") {
		return p.unknownOwnField(name, place)
	}
	known := p.targets(place)
	if meant := spelling.Closest(name, known); meant != "" {
		return say("%[2]s 没有字段 %[1]s。", "There is no field %[1]s in %[3]s.", name, place.Chinese(), place.English()).Suggest(meant)
	}
	return say("没有字段 %[1]s，%[2]s 可用的字段：%[3]s。", "There is no field %[1]s in %[4]s; expected one of %[5]s.", name,
		place.Chinese(), strings.Join(known, "、"), place.English(), strings.Join(known, ", "))
}

// ways are the three ways to give a field its value.
var ways = []string{"constant", "field", "expression"}

func (p *parser) mapping(owner span, target catalog.Field, node ast.Node) *flow.Mapping {
	s := p.document.section(owner, message{Chinese: " " + target.Name + " ", English: target.Name}, node, mappingKeys)
	m := &flow.Mapping{Target: target, Required: s.boolean("required") || target.Required}
	given := slices.DeleteFunc(slices.Clone(ways), func(way string) bool { return !s.has(way) })
	switch {
	case !isMapping(node):
		return m
	case len(given) == 0 && s.unknown:
		return m
	case len(given) == 0:
		p.report(owner, say("%[1]s（%[2]s）没有取值方式，应写 constant、field 或 expression 之一。", "%[1]s has no value; expected one of constant, field, expression.", target.Name, target.Chinese))
		return m
	case len(given) > 1:
		p.report(s.keySpan(given[1]), say("%[1]s 同时有 %[2]s，应只写 constant、field 或 expression 之一。", "%[1]s has %[3]s; expected one of constant, field, expression.",
			target.Name, strings.Join(given, "、"), strings.Join(given, ", ")))
		return m
	case given[0] == "constant":
		p.constant(m, s)
		return m
	}
	value := s.pairs[given[0]].value
	if given[0] == "field" && !p.fieldName(value) {
		return m
	}
	in, want := flow.EntryScope, kindOfTarget(target)
	if target.Place == catalog.Head || target.Place == catalog.SubHeadEntity {
		in = flow.OrderScope
	}
	if s.has("table") {
		m.Table = p.tableOf(s, target)
	}
	if text, ok := p.textNode(value); ok && target.Name == flow.BookedQuantity {
		p.received = given[0] == "field" && text == "item."+flow.ReceivedField
	}
	m.Value = p.expression(value, in, flow.FieldName(target), want)
	if target.Name == flow.NumberField {
		p.checkNumber(s, value, m)
	}
	return m
}

// checkNumber sees that a bill's number comes from the order's key alone. Where
// anything else in it changes, a field or a table, the order would be booked a second
// time; and of orders that share a number only one is booked.
func (p *parser) checkNumber(s section, node ast.Node, m *flow.Mapping) {
	key := p.flow.Source.Key
	if s.has("table") {
		p.report(s.keySpan("table"), say("FBillNo（单据编号）不能用 table：对照表改了，同一售后单会再存成一张；应只由 %[1]s 得出，如 { field: %[1]s }。",
			"FBillNo can't use a table: once that is edited, the same order would be saved again; expected %[1]s alone, such as { field: %[1]s }.", key))
	}
	if m.Value == nil || key == "" {
		return
	}
	if len(m.Value.Names) == 0 {
		p.report(p.spanOf(node), say("FBillNo（单据编号）里没有 %[1]s，所有售后单会是同一张单据；应如 { field: %[1]s }。",
			"FBillNo is without %[1]s, and all orders would be one bill; expected something like { field: %[1]s }.", key))
	}
	for _, name := range m.Value.Names {
		if name.Name != key {
			p.report(p.spanWithin(node, name.From, name.To), say("FBillNo（单据编号）只能由 %[1]s（source 的 key）得出，不能用 %[2]s：它变了，同一售后单会再存成一张；它与别的售后单相同，编号就会冲突。应如 { field: %[1]s } 或 { expression: '\"TH\" + %[1]s' }。",
				"FBillNo comes from %[1]s, the key of source, alone and can't use %[2]s: where that changes, the same order would be saved again; where two orders share it, their numbers collide. Expected something like { field: %[1]s } or { expression: '\"TH\" + %[1]s' }.", key, name.Name))
		}
	}
}

func kindOfTarget(target catalog.Field) flow.Kind {
	if target.Type == catalog.Bool {
		return flow.KindBool
	}
	return flow.KindFor(target.Type)
}

var fieldPath = regexp.MustCompile(`^(item\.)?[A-Za-z_][A-Za-z0-9_]*$`)

// fieldName checks that the value of field is a name and no expression.
func (p *parser) fieldName(node ast.Node) bool {
	name, ok := p.textNode(node)
	if ok && !fieldPath.MatchString(name) {
		p.report(p.spanOf(node), say("field 应为一个字段名，如 as_id 或 item.sku_id，这里是 %[1]s；要计算请用 expression。", "field takes the name of a field, such as as_id or item.sku_id, found %[1]s; to compute use expression.", name))
	}
	return ok && fieldPath.MatchString(name)
}

func (p *parser) tableOf(s section, target catalog.Field) *flow.Table {
	name := s.text("table")
	if kindOfTarget(target) != flow.KindText {
		p.report(s.keySpan("table"), say("对照表给出文本，%[1]s（%[2]s）却是%[3]s。", "A table gives text, but %[1]s is %[4]s.", target.Name, target.Chinese, target.Type.Chinese(), target.Type.English()))
		return nil
	}
	t, ok := p.tables[name]
	if name != "" && !ok {
		known := slices.Sorted(maps.Keys(p.tables))
		what := say("没有对照表 %[1]s，已有的对照表：%[2]s。", "There is no table %[1]s; expected one of %[3]s.", name, strings.Join(known, "、"), strings.Join(known, ", "))
		if len(known) == 0 {
			what = say("没有对照表 %[1]s，应写在 tables 里。", "There is no table %[1]s; put it in tables.", name)
		}
		p.report(s.valueSpan("table"), what.Suggest(spelling.Closest(name, known)))
	}
	return t
}

// plainNumber is how a constant number is written: no exponent, no leading zeros,
// nothing that YAML reads as another base.
var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// constant reads a value that is the same for every bill.
func (p *parser) constant(m *flow.Mapping, s section) {
	node, target := s.pairs["constant"].value, m.Target
	if target.Name == flow.NumberField {
		p.report(s.keySpan("constant"), say("FBillNo（单据编号）不能是 constant，否则所有售后单会是同一张单据；应为 field: as_id 之类。", "FBillNo can't be a constant, or all orders would be one bill; expected something like field: as_id."))
	}
	if s.has("table") {
		p.report(s.keySpan("table"), say("constant 不用 table，请直接写结果。", "A constant takes no table; write the result."))
	}
	switch kindOfTarget(target) {
	case flow.KindText:
		p.checkCode(node)
		m.SetConstant(s.text("constant"))
	case flow.KindNumber:
		text := node.GetToken().Value
		if _, quoted := node.(*ast.StringNode); quoted || !plainNumber.MatchString(text) {
			p.wrongType(node, say("数字，如 12.5（%s）", "a number, such as 12.5 (%s)", target.Name))
			return
		}
		value, err := catalog.Decimal.Parse(json.Number(text))
		switch {
		case err != nil:
			p.wrongType(node, say("短些的数字", "a shorter number"))
		case target.Type == catalog.Integer && !value.(decimal.Decimal).IsInteger():
			p.wrongType(node, say("整数，如 12（%s）", "a whole number, such as 12 (%s)", target.Name))
		default:
			m.SetConstant(value.(decimal.Decimal))
		}
	case flow.KindBool:
		m.SetConstant(p.trueOrFalse(node, false))
	case flow.KindTime:
		text, _ := node.(*ast.StringNode)
		if text == nil {
			p.wrongType(node, wantDate)
			return
		}
		at, err := time.ParseInLocation(time.DateOnly, text.Value, beijing.Zone)
		if err != nil {
			p.wrongType(node, wantDate)
			return
		}
		m.SetConstant(at)
	}
}

var wantDate = say("日期，如 2024-03-01", "a date, such as 2024-03-01")
