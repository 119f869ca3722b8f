package flow

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/expr-lang/expr/vm"
	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
	"refundsync/internal/contract"
	"refundsync/internal/text"
)

// itemsField is the list of an order's lines, in every interface.
const itemsField = "items"

// line is one line of an order.
type line struct {
	number int    // from 1
	key    string // the field that names it
	id     string // the value of that; "" if absent
	fields map[string]any
}

// Opened is an order with its values read, ready for Skip and Bill. It is not safe for
// concurrent use.
type Opened struct {
	// Order is the order as it travels.
	Order contract.Order

	flow    *Flow
	err     error          // why its values can't be read, given by Skip and Bill
	machine vm.VM          // reused for every expression
	steps   float64        // what its expressions have cost
	env     map[string]any // what expressions see
	lines   []*line
	// kept are the lines that the flow's condition keeps, once computed.
	kept     []*line
	keptDone bool
	// tables are those from Kingdee as they were when the order first needed them;
	// translations are what they gave: table, code, value, table, and so on.
	tables       map[*KingdeeTable]*TableState
	translations []string
	// bill is what Bill has mapped, once it has.
	bill    Bill
	billErr error
	mapped  bool
}

// Open reads an order that Pick has picked. If it can't be read, Skip and Bill say why.
func (f *Flow) Open(order contract.Order) *Opened {
	decoder := json.NewDecoder(bytes.NewReader(order.Fields))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil {
		return &Opened{Order: order, flow: f, err: failure(order.ID, nil, nil, newValueError(reasonMalformed, text.New("its fields are not JSON: %s", err)))}
	}
	return f.open(order, fields)
}

func (f *Flow) open(order contract.Order, fields map[string]any) *Opened {
	o := &Opened{Order: order, flow: f, machine: vm.VM{MemoryBudget: memoryBudget}}
	o.err = o.read(fields)
	return o
}

// read gives the order's fields their types. A malformed number or time fails when it is
// used; a list or an object in place of a text fails at once.
func (o *Opened) read(fields map[string]any) error {
	// The fields, and items, lines and item.
	o.env = make(map[string]any, len(o.flow.header)+3)
	for i := range o.flow.header {
		field := &o.flow.header[i]
		value, err := readValue(field, fields[field.Name], nil)
		if err != nil {
			return failure(o.Order.ID, nil, nil, err)
		}
		o.env[field.Name] = value
	}
	items, ok := fields[itemsField].([]any)
	if !ok && fields[itemsField] != nil {
		list, _ := o.flow.Source.Interface.Find(catalog.Header, itemsField)
		return failure(o.Order.ID, nil, nil, malformedField(&list, fields[itemsField], text.New("is not a list"), nil))
	}
	all := make([]any, 0, len(items))
	for i, item := range items {
		l, err := o.flow.readLine(i+1, item)
		if err != nil {
			return failure(o.Order.ID, l, nil, err)
		}
		o.lines = append(o.lines, l)
		all = append(all, l.fields)
	}
	o.env[itemsField] = all
	return nil
}

func (f *Flow) readLine(number int, item any) (*line, error) {
	l := &line{number: number, key: f.Source.Interface.Source.LineKey, fields: make(map[string]any, len(f.items))}
	raw, ok := item.(map[string]any)
	if !ok {
		return l, newValueError(reasonMalformed, text.New("the line is not a group of fields"))
	}
	if id, err := catalog.Text.Parse(raw[l.key]); err == nil && id != nil {
		l.id = id.(string)
	}
	for i := range f.items {
		field := &f.items[i]
		value, err := readValue(field, raw[field.Name], l)
		if err != nil {
			return l, err
		}
		l.fields[field.Name] = value
	}
	return l, nil
}

// readValue reads a field as expressions take it.
func readValue(field *catalog.Field, raw any, of *line) (any, error) {
	value, err := field.Type.Parse(raw)
	var lack *valueError
	switch {
	case err != nil:
		lack = malformedField(field, raw, text.Of(err), of)
	case value == nil:
		lack = absentField(field, of)
	}
	switch KindFor(field.Type) {
	case KindNumber:
		d, _ := value.(decimal.Decimal)
		return number{d, lack}, nil
	case KindTime:
		t, _ := value.(time.Time)
		return moment{t, lack}, nil
	}
	if err != nil {
		return nil, lack
	}
	switch value := value.(type) {
	case nil:
		return "", nil
	case bool:
		return strconv.FormatBool(value), nil
	}
	return value, nil
}

// run evaluates an expression, with the line at work if there is one, after finding the
// lines kept if the expression needs them. An error is a *valueError if a value of the
// order is at fault, or else the library's.
func (o *Opened) run(e *Expression, of *line) (any, error) {
	if e.lines {
		if err := o.keep(); err != nil {
			return nil, err
		}
	}
	if of != nil {
		o.env["item"] = of.fields
	}
	elements := len(o.lines)
	if e.splits {
		elements = max(elements, maxParts)
	}
	if o.steps += e.work.steps(elements); o.steps > maxSteps {
		return nil, newValueError(reasonExpression, text.New("the order has too many lines for the expressions"))
	}
	return o.machine.Run(e.program, o.env)
}

// keep finds the lines that the flow's condition keeps.
func (o *Opened) keep() error {
	if o.keptDone {
		return nil
	}
	kept, err := o.keptLines()
	if err != nil {
		return err
	}
	if d := o.flow.Rules.Discount; d != nil {
		discount, err := o.run(d.Amount, nil)
		if err == nil && asNumber(discount).err != nil {
			err = asNumber(discount).err
		}
		if err == nil {
			kept, err = d.deduct(asNumber(discount).value, kept)
		}
		if err != nil {
			return failure(o.Order.ID, nil, "discount", err)
		}
	}
	values := make([]any, 0, len(kept))
	for _, l := range kept {
		if !o.flow.Rules.OneLine {
			values = append(values, l.fields)
		}
	}
	o.kept, o.keptDone = kept, true
	o.env["lines"] = values
	return nil
}

// keptLines are the lines that become lines of the bill.
func (o *Opened) keptLines() (kept []*line, err error) {
	if o.flow.Rules.OneLine {
		return []*line{{number: 1, fields: map[string]any{}}}, nil
	}
	for _, l := range o.lines {
		if o.flow.Rules.Lines != nil {
			holds, err := o.run(o.flow.Rules.Lines, l)
			if err != nil {
				return nil, failure(o.Order.ID, l, text.New("the lines condition"), err)
			}
			if !holds.(bool) {
				continue
			}
		}
		parts := []*line{l}
		if o.flow.Rules.SplitDefective {
			if parts, err = l.splitDefective(o.flow.Source.Interface); err != nil {
				return nil, failure(o.Order.ID, l, "split_defective", err)
			}
		}
		kept = append(kept, parts...)
	}
	return kept, nil
}
