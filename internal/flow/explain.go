package flow

import (
	"encoding/json"
	"maps"

	"github.com/expr-lang/expr/vm"

	"refundsync/internal/catalog"
)

// Explanation says by which rules of the flow an order is left out, can't be mapped, or has
// its bill, with the values that they read. Fields that may be about a person are named
// without their values.
type Explanation struct {
	// LeftOut is the condition of leave_out that holds; nil if none does.
	LeftOut *Condition `json:"left_out,omitempty"`
	// Unmet is the requirement that the order does not meet; nil if it meets all.
	Unmet *Condition `json:"unmet,omitempty"`
	// Lines are the order's lines; none if the bill's line is not made from them.
	Lines []ExplainedLine `json:"lines,omitempty"`
	// Fields are those of the bill, in the flow's order and those of a line after one
	// another; none if the order is left out or does not meet a requirement.
	Fields []ExplainedField `json:"fields,omitempty"`
	// Mark is what is added at the end of the note; "" if the order can't be mapped.
	Mark string `json:"mark,omitempty"`
	// Err is why the order can neither be left out nor mapped: a *fault.Error.
	Err error `json:"-"`
}

// Condition is a condition of the flow that decided about an order.
type Condition struct {
	// Reason is the rule's, and Message and Advice those of a requirement.
	Reason  string `json:"reason"`
	Message string `json:"message,omitempty"`
	Advice  string `json:"advice,omitempty"`
	// Expression is the condition as it is in the flow file.
	Expression string `json:"expression"`
	// Line is the number of the order's line that it is about, from 1; 0 for the order.
	Line  int    `json:"line,omitempty"`
	Reads []Read `json:"reads,omitempty"`
}

// ExplainedLine is a line of the order.
type ExplainedLine struct {
	// Number counts from 1. ID is the value of the field that names the line; "" if absent.
	Number int    `json:"number"`
	ID     string `json:"id,omitempty"`
	// BillLines are the numbers, from 1, of the bill's lines that it becomes; none if the
	// lines condition does not hold for it.
	BillLines []int `json:"bill_lines,omitempty"`
	// Reads are the fields that the lines condition reads.
	Reads []Read `json:"reads,omitempty"`
}

// ExplainedField is a field of the bill and how it gets its value.
type ExplainedField struct {
	// Place is the part of the bill that holds the field, and Line the number of the
	// bill's line, from 1; 0 for a field of the head.
	Place catalog.Place `json:"place"`
	Line  int           `json:"line,omitempty"`
	Field string        `json:"field"`
	Label string        `json:"label"`
	// Expression is the expression, or the name of the one field, as the flow file has it;
	// "" for a constant.
	Expression string     `json:"expression,omitempty"`
	Reads      []Read     `json:"reads,omitempty"`
	Table      *TableUsed `json:"table,omitempty"`
	// Value is what is sent, of base data the number; "" for a field that is not sent for
	// lack of a value.
	Value string `json:"value,omitempty"`
	// Hidden: the value may be about a person and is not shown.
	Hidden bool `json:"hidden,omitempty"`
	// Wrong is why the field has no value although it needs one.
	Wrong string `json:"wrong,omitempty"`
}

// TableUsed says how a table translated a code.
type TableUsed struct {
	Name string `json:"name"`
	// Code is what was looked up; "" if it may be about a person.
	Code string `json:"code,omitempty"`
	// By is one of the ways below; "" if the table has no value for the code.
	By string `json:"by,omitempty"`
}

// How a table translates a code.
const (
	ByRow     = "row"
	ByDefault = "default"
	// ByPass: the code is the value, by default: pass.
	ByPass = "pass"
	// ByKingdee: by base data of Kingdee's.
	ByKingdee = "kingdee"
)

// Explain says how the flow decides about the order. It changes nothing: Skip and Bill
// give what they give without it.
func (o *Opened) Explain() Explanation {
	var e Explanation
	reason, leftOut, err := o.Skip()
	if err != nil {
		return Explanation{Err: err}
	}
	x := o.again()
	if leftOut {
		for _, rule := range o.flow.Rules.LeaveOut {
			if rule.Reason == reason && x.holds(rule.When, nil) {
				return Explanation{LeftOut: &Condition{Reason: reason, Expression: rule.When.Source, Reads: x.reads(rule.When, nil)}}
			}
		}
	}
	bill, err := o.Bill()
	e.Err = err
	if e.Unmet = x.unmet(); e.Unmet != nil {
		return e
	}
	if x.keep() != nil {
		return e
	}
	e.Lines = x.explainLines()
	e.Fields = x.explainFields(o.flow.Rules.Bill, nil, 0)
	if err == nil {
		e.Mark = bill.Mark.String()
	}
	return e
}

// again is the order to evaluate once more, apart from what it has cost so far and from the
// tables' translations that are noted for its mark.
func (o *Opened) again() *Opened {
	return &Opened{Order: o.Order, flow: o.flow, machine: vm.VM{MemoryBudget: memoryBudget}, env: maps.Clone(o.env), lines: o.lines, tables: maps.Clone(o.tables)}
}

// holds reports whether a condition holds, which may fail.
func (o *Opened) holds(condition *Expression, of *line) bool {
	result, err := o.run(condition, of)
	return err == nil && result.(bool)
}

// unmet is the first requirement that the order is known not to meet.
func (o *Opened) unmet() *Condition {
	for _, r := range o.flow.Rules.Require {
		about := []*line{nil}
		if r.OfLines {
			about = o.lines
		}
		for _, l := range about {
			result, err := o.run(r.That, l)
			if err != nil {
				return nil // Bill's error says which value is at fault
			}
			if !result.(bool) {
				condition := &Condition{Reason: r.Reason, Message: r.Message, Advice: r.Advice, Expression: r.That.Source, Reads: o.reads(r.That, l)}
				if l != nil {
					condition.Line = l.number
				}
				return condition
			}
		}
	}
	return nil
}

func (o *Opened) explainLines() (lines []ExplainedLine) {
	if o.flow.Rules.OneLine {
		return nil
	}
	for _, l := range o.lines {
		explained := ExplainedLine{Number: l.number, ID: l.id}
		if condition := o.flow.Rules.Lines; condition != nil {
			explained.Reads = o.reads(condition, l)
		}
		for i, kept := range o.kept {
			if kept.number == l.number {
				explained.BillLines = append(explained.BillLines, i+1)
			}
		}
		lines = append(lines, explained)
	}
	return lines
}

// explainFields explains the fields of a part of the bill, and of its lines those of each
// line; number is that of the bill's line at work, if any.
func (o *Opened) explainFields(fields []BillField, of *line, number int) (explained []ExplainedField) {
	for _, field := range fields {
		switch {
		case field.Mapping != nil:
			explained = append(explained, o.explainField(field, of, number))
		case o.flow.isLines(field.Field):
			for i, l := range o.kept {
				explained = append(explained, o.explainFields(field.Fields, l, i+1)...)
			}
		default:
			explained = append(explained, o.explainFields(field.Fields, of, number)...)
		}
	}
	return explained
}

func (o *Opened) explainField(field BillField, of *line, number int) ExplainedField {
	o.steps = 0 // Bill has bounded the work of all fields
	m := field.Mapping
	x := ExplainedField{Place: field.Field.Place, Line: number, Field: field.Field.Name, Label: field.Field.Chinese}
	if m.Value != nil {
		x.Expression, x.Reads, x.Hidden = m.Value.Source, o.reads(m.Value, of), m.Personal()
		x.Table = o.tableUsed(m, of, x.Hidden)
	}
	value, err := m.evaluate(o, of)
	switch {
	case err != nil:
		x.Wrong = (&orderError{err: err}).what().String()
	case !x.Hidden:
		x.Value = m.plain(value)
	}
	return x
}

// tableUsed says how a mapping's table translates its code; nil without a code.
func (o *Opened) tableUsed(m *Mapping, of *line, personal bool) *TableUsed {
	if m.Table == nil {
		return nil
	}
	result, err := o.run(m.Value, of)
	code, ok := result.(string)
	if err != nil || !ok || lackOf(result) != nil {
		return nil
	}
	used := &TableUsed{Name: m.Table.Name, By: o.translatedBy(m.Table, code)}
	if !personal {
		used.Code = visibleCode(code)
	}
	return used
}

func (o *Opened) translatedBy(t *Table, code string) string {
	if t.Kingdee != nil && code != "" {
		if _, err := o.translate(t, code, true); err != nil {
			return ""
		}
		return ByKingdee
	}
	_, row := t.Rows[PlainCode(code)]
	switch {
	case row:
		return ByRow
	case t.Default != "":
		return ByDefault
	case t.Pass && visibleCode(code) != "":
		return ByPass
	}
	return ""
}

// plain is a value as it is sent, without the object of base data; "" for none.
func (m *Mapping) plain(value json.RawMessage) string {
	if value == nil {
		return ""
	}
	if m.Target.Type == catalog.Reference {
		var reference map[string]json.RawMessage
		// What the flow has made is always JSON.
		_ = json.Unmarshal(value, &reference)
		value = reference[m.Target.ReferenceKey]
	}
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}
