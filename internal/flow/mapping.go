package flow

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/shopspring/decimal"

	"refundsync/internal/beijing"
	"refundsync/internal/catalog"
	"refundsync/internal/text"
)

// Mapping gives one field of a bill its value.
type Mapping struct {
	Target   catalog.Field
	constant json.RawMessage // as sent; nil for one that is computed
	// constantText is a constant that may have to be cut.
	constantText string
	Value        *Expression // a field is an expression of that one name
	Table        *Table      // nil: the value as it is
	Required     bool
}

// Personal reports whether the value may be about a person.
func (m *Mapping) Personal() bool {
	for _, fields := range []map[string]catalog.Field{m.Value.Header, m.Value.Items} {
		for _, field := range fields {
			if field.Personal {
				return true
			}
		}
	}
	return false
}

// SetConstant gives the field the same value in every bill. An empty text counts as no
// value.
func (m *Mapping) SetConstant(value any) {
	if text, ok := value.(string); ok {
		if text = withoutControls(text); text == "" {
			return
		}
		value = text
		if m.Target.Longest > 0 {
			m.constantText = text
		}
	}
	m.constant = encode(m.Target, value)
}

// Constant is the value that the field has in every bill, of base data the number; false if
// it is computed.
func (m *Mapping) Constant() (string, bool) {
	if m.constantText != "" {
		return m.constantText, true
	}
	return m.plain(m.constant), m.Value == nil
}

// evaluate gives the field as Kingdee takes it; nil for an optional one that has no
// value.
func (m *Mapping) evaluate(o *Opened, of *line) (json.RawMessage, error) {
	if m.constant != nil && m.constantText == "" {
		return m.constant, nil
	}
	var value any = m.constantText
	if m.constant == nil {
		var err error
		if value, err = m.compute(o, of); err != nil {
			return nil, err
		}
	}
	if text, ok := value.(string); ok {
		text = cutText(withoutControls(text), m.longest(o))
		if text == "" && m.Required {
			return nil, m.emptyText()
		}
		if text == "" {
			return nil, nil
		}
		value = text
	}
	return encode(m.Target, value), nil
}

// longest is how much of a text the field is given: a long remark is no reason to refuse
// an order. The mark needs room in its field, for a mark that Kingdee cuts is worthless.
// What is cut is not part of the bill, so changing it does not change the bill.
func (m *Mapping) longest(o *Opened) int {
	switch {
	case o.flow.isHead(m.Target, o.flow.Form.Form.Note):
		return o.flow.longestText(o.Order.ID)
	case m.Target.Longest > 0:
		return m.Target.Longest
	}
	return math.MaxInt
}

// withoutControls removes control characters, which no form shows and some refuse. Line
// breaks and tabs, which separate words, become spaces.
func withoutControls(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, text)
}

// compute gives a string, a decimal.Decimal, a time.Time or a bool; nil for an
// optional field that has no value.
func (m *Mapping) compute(o *Opened, of *line) (any, error) {
	result, err := o.run(m.Value, of)
	if err != nil {
		return nil, err
	}
	if lack := lackOf(result); lack != nil {
		if lack.isAbsent() && !m.Required {
			return nil, nil
		}
		return nil, lack
	}
	switch result := result.(type) {
	case moment:
		return result.value, nil
	case bool:
		return result, nil
	case string:
		if m.Table != nil {
			if result, err = o.translate(m.Table, result, m.Personal()); err != nil {
				return nil, err
			}
		}
		if result != "" {
			return result, nil
		}
		if m.Required {
			return nil, m.emptyText()
		}
		return nil, nil
	}
	value := asNumber(result).value
	if m.Target.Type == catalog.Integer && !value.IsInteger() {
		return nil, m.notWhole(value)
	}
	return value, nil
}

func (m *Mapping) notWhole(value decimal.Decimal) *valueError {
	return newValueError(reasonMalformed, text.New("the result %s is not a whole number", quoted(value.String(), m.Personal())))
}

// emptyText names the fields whose text came out empty.
func (m *Mapping) emptyText() *valueError {
	var lack *valueError
	for _, fields := range []map[string]catalog.Field{m.Value.Header, m.Value.Items} {
		for _, field := range sorted(fields) {
			lack = absentField(&field, nil).and(lack)
		}
	}
	if lack == nil {
		return newValueError(reasonMissing, text.New("the text is empty"))
	}
	return lack
}

// encode writes a value as the target takes it: numbers with their exact digits, dates
// without a time of day, base data as an object.
func encode(target catalog.Field, value any) json.RawMessage {
	switch value := value.(type) {
	case decimal.Decimal:
		return json.RawMessage(value.String())
	case time.Time:
		layout := time.DateOnly
		if target.Type == catalog.Time {
			layout = time.DateTime
		}
		return encodeText(value.In(beijing.Zone).Format(layout))
	case bool:
		if value {
			return json.RawMessage("true")
		}
		return json.RawMessage("false")
	case string:
		if target.Type == catalog.Reference {
			return object([]fieldValue{{name: target.ReferenceKey, value: encodeText(value)}})
		}
		return encodeText(value)
	}
	return nil
}

// encodeText writes a JSON string without the escapes for HTML.
func encodeText(text string) json.RawMessage {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	// A string can always be encoded.
	_ = encoder.Encode(text)
	return bytes.TrimSpace(b.Bytes())
}
