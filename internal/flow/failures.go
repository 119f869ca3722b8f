package flow

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/expr-lang/expr/file"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/text"
)

// Reasons of the *fault.Error that Pick, Skip and Bill return.
const (
	// reasonMissing: a value that is needed is absent.
	reasonMissing = "missing_value"
	// reasonMalformed: a value does not have its field's type.
	reasonMalformed = "malformed_value"
	// reasonUnknownCode: a table has no row for a code, and no default.
	reasonUnknownCode = "unknown_code"
	// reasonExpression: an expression has no result, such as a division by 0.
	reasonExpression = "expression_failed"
	// reasonNoLines: no line of the order is kept, so there is nothing to save.
	reasonNoLines = "no_lines"
)

var adviceFor = map[string]text.Text{
	reasonMissing:     text.New("Enter it in Jushuitan and retry."),
	reasonMalformed:   text.New("Correct it in Jushuitan and retry."),
	reasonUnknownCode: text.New("Add the code to the table in the flow file, restart the worker, and retry."),
	reasonExpression:  text.New("Check the expression in the flow file."),
	reasonTableUnread: text.New("It is retried automatically; if it persists, see the worker's log and starter check."),
	reasonNoLines:     text.New("Leave such orders out by a rule of leave_out in the flow file."),
}

// valueError says why a value of an order can't be used. Many are made and never shown,
// so it puts nothing into words before it is asked.
type valueError struct {
	reason string
	field  string         // the field at fault, where there is one
	absent []fmt.Stringer // the names of what is absent
	what   text.Text      // otherwise what is wrong
	line   *line          // the line that the field is of, nil for the order's own
	// table is the one from Kingdee that lacks the code, where that is why.
	table  *KingdeeTable
	advice text.Text // zero: that of the reason
}

func newValueError(reason string, what text.Text) *valueError {
	return &valueError{reason: reason, what: what}
}

func absentField(field *catalog.Field, of *line) *valueError {
	return &valueError{reason: reasonMissing, field: field.Name, absent: []fmt.Stringer{fieldName{field}}, line: of}
}

func absentFrom(what text.Text) *valueError {
	return &valueError{reason: reasonMissing, absent: []fmt.Stringer{what}}
}

func malformedField(field *catalog.Field, raw any, why text.Text, of *line) *valueError {
	return &valueError{reason: reasonMalformed, field: field.Name, line: of, what: text.New("%s %s %s", fieldName{field}, shown(field, raw), why)}
}

// FieldName names a field for people: the Chinese label stands beside the name.
func FieldName(field catalog.Field) string { return field.Name + "（" + field.Chinese + "）" }

type fieldName struct{ field *catalog.Field }

func (n fieldName) String() string { return FieldName(*n.field) }

// maxShown is how many characters of a value a message shows.
const maxShown = 40

// shown gives a value for a message; what may be about a person is not shown.
func shown(field *catalog.Field, raw any) any {
	switch value := raw.(type) {
	case []any:
		return text.New("(a list)")
	case map[string]any:
		return text.New("(a group of fields)")
	case string:
		return quoted(value, field.Personal)
	case json.Number:
		return quoted(value.String(), field.Personal)
	}
	return quoted(fmt.Sprint(raw), field.Personal)
}

func quoted(value string, personal bool) any {
	if personal {
		return text.New("(not shown)")
	}
	return "“" + beginning(value, maxShown) + "”"
}

// beginning cuts a text that is longer than so many characters.
func beginning(text string, longest int) string {
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}

func (e *valueError) isAbsent() bool { return e.reason == reasonMissing }

// and joins the names of two absent values; earlier may be nil.
func (e *valueError) and(earlier *valueError) *valueError {
	if earlier == nil {
		return e
	}
	joined := *e
	joined.field = earlier.field
	joined.absent = slices.Concat(earlier.absent, e.absent)
	return &joined
}

func (e *valueError) Error() string { return e.AsText().String() }

// AsText is Error in any language.
func (e *valueError) AsText() text.Text {
	switch len(e.absent) {
	case 0:
		return e.what
	case 1:
		return text.New("%s is absent", e.absent[0])
	}
	names := make([]any, len(e.absent))
	for i, name := range e.absent {
		names[i] = name
	}
	return text.New("all of %s are absent", text.Join(", ", names...))
}

// orderError says what is wrong with an order, and where.
type orderError struct {
	orderID string
	line    *line // nil for the order's own fields
	use     any   // what the value was needed for, as words or a text; nil for nothing
	err     error
}

func (e *orderError) Error() string { return e.AsText().String() }

func (e *orderError) Unwrap() error { return e.err }

// what says what is wrong, without the order.
func (e *orderError) what() text.Text {
	var value *valueError
	var library *file.Error
	switch {
	case errors.As(e.err, &value):
		return value.AsText()
	case errors.As(e.err, &library):
		return text.New("the expression has no result: %s", library.Message)
	}
	return text.New("the expression has no result: %s", e.err)
}

// AsText is Error in any language.
func (e *orderError) AsText() text.Text {
	what := e.what()
	if e.use != nil {
		what = text.New("%s (needed for %s)", what, e.use)
	}
	switch {
	case e.line == nil:
		return text.New("order %s: %s", e.orderID, what)
	case e.line.id == "":
		return text.New("order %s, line %d: %s", e.orderID, e.line.number, what)
	}
	return text.New("order %s, line %d (%s %s): %s", e.orderID, e.line.number, e.line.key, e.line.id, what)
}

// failure makes an order's failure of err: which order, which line, which value,
// what it was needed for, and what to do. of is the line at work, if any; use is what the
// value was needed for, as words or a text, or nil. An error that is a failure already
// stays as it is.
func failure(orderID string, of *line, use any, err error) error {
	if fault.As(err) != nil {
		return err
	}
	f := &fault.Error{Class: fault.Final, Reason: reasonExpression}
	var value *valueError
	if errors.As(err, &value) {
		f.Reason, f.Field, f.Advice = value.reason, value.field, value.advice
		if value.line != nil {
			of = value.line
		}
	}
	if f.Advice.IsZero() {
		f.Advice = adviceFor[f.Reason]
	}
	if f.Reason == reasonTableUnread {
		f.Class = fault.Retry
	}
	f.Err = &orderError{orderID, of, use, err}
	return f
}
