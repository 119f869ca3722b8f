package flow

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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

var adviceFor = map[string]message{
	reasonMissing:     say("请在聚水潭补上后重试。", "Fill it in in Jushuitan and try again."),
	reasonMalformed:   say("请在聚水潭改正后重试。", "Correct it in Jushuitan and try again."),
	reasonUnknownCode: say("请在流程文件的对照表里加上这个编码，重启 worker 后重试。", "Add the code to the table in the flow file, restart the worker, and try again."),
	reasonExpression:  say("请检查流程文件的表达式。", "Look at the expression in the flow file."),
	reasonTableUnread: say("会自动重试；一直如此时，请看 worker 的日志和 starter check。", "Tried again by itself; if it lasts, see the worker's log and starter check."),
	reasonNoLines:     say("请在流程文件的 leave_out 里排除这类售后单。", "Leave such orders out, in the flow file's leave_out."),
}

// valueError says why a value of an order can't be used.
type valueError struct {
	reason string
	field  string    // the field at fault, where there is one
	names  []message // of the fields that are absent
	what   message   // otherwise what is wrong
	line   *line     // the line that the field is of, nil for the order's own
	// table is the one from Kingdee that lacks the code, where that is why.
	table  *KingdeeTable
	advice *message // nil: that of the reason
}

func newValueError(reason string, what message) *valueError {
	return &valueError{reason: reason, what: what}
}

func absentField(field catalog.Field, of *line) *valueError {
	return &valueError{reason: reasonMissing, field: field.Name, names: []message{FieldName(field)}, line: of}
}

func absentFrom(what message) *valueError {
	return &valueError{reason: reasonMissing, names: []message{what}}
}

func malformedField(field catalog.Field, raw any, err error, of *line) *valueError {
	what := say("不能用", "can't be used")
	var parse *catalog.ParseError
	if errors.As(err, &parse) {
		what = message{Chinese: parse.Chinese, English: parse.English}
	}
	name, value := FieldName(field), shown(field, raw)
	return &valueError{reason: reasonMalformed, field: field.Name, line: of, what: message{
		Chinese: name.Chinese + "的值" + value.Chinese + what.Chinese,
		English: name.English + " " + value.English + " " + what.English,
	}}
}

// FieldName names a field for people: the Chinese label stands beside the name.
func FieldName(field catalog.Field) message {
	return message{Chinese: field.Name + "（" + field.Chinese + "）", English: field.Name}
}

// maxShown is how many characters of a value a message shows.
const maxShown = 40

// shown gives a value for a message; what may be about a person is not shown.
func shown(field catalog.Field, raw any) message {
	switch value := raw.(type) {
	case []any:
		return say("（列表）", "(a list)")
	case map[string]any:
		return say("（一组字段）", "(a group of fields)")
	case string:
		return quoted(value, field.Personal)
	case json.Number:
		return quoted(value.String(), field.Personal)
	}
	return quoted(fmt.Sprint(raw), field.Personal)
}

func quoted(text string, personal bool) message {
	if personal {
		return say("（内容不显示）", "(not shown)")
	}
	text = beginning(text, maxShown)
	return message{Chinese: "“" + text + "”", English: "\"" + text + "\""}
}

// beginning cuts a text that is longer than so many characters.
func beginning(text string, longest int) string {
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}

func (e *valueError) absent() bool { return e.reason == reasonMissing }

// and joins the names of two absent fields; earlier may be nil.
func (e *valueError) and(earlier *valueError) *valueError {
	if earlier == nil {
		return e
	}
	joined := *e
	joined.field = earlier.field
	joined.names = append(append([]message{}, earlier.names...), e.names...)
	return &joined
}

func (e *valueError) message() message {
	if len(e.names) == 0 {
		return e.what
	}
	var chinese, english []string
	for _, name := range e.names {
		chinese = append(chinese, name.Chinese)
		english = append(english, name.English)
	}
	if len(e.names) == 1 {
		return say("没有 %[1]s", "%[2]s is absent", chinese[0], english[0])
	}
	return say("%[1]s 都没有", "%[2]s are all absent", strings.Join(chinese, "、"), strings.Join(english, ", "))
}

func (e *valueError) Error() string {
	m := e.message()
	return m.Chinese + "。 " + m.English + "."
}

// failure makes an order's failure of err: which order, which line, which value,
// what it was needed for, and what to do. of is the line at work, if any. An error
// that has become a failure already stays as it is.
func failure(orderID string, of *line, use message, err error) error {
	if fault.As(err) != nil {
		return err
	}
	what, reason, field := message{Chinese: "表达式算不出结果：" + err.Error(), English: "the expression has no result: " + err.Error()}, reasonExpression, ""
	var value *valueError
	var library *file.Error
	switch {
	case errors.As(err, &value):
		what, reason, field = value.message(), value.reason, value.field
		if value.line != nil {
			of = value.line
		}
	case errors.As(err, &library):
		what = say("表达式算不出结果（%[1]s）", "the expression has no result (%[1]s)", library.Message)
	}
	place := say("售后单 %s", "Order %s", orderID)
	if of != nil {
		place.Chinese += fmt.Sprintf(" 第 %d 行", of.number)
		place.English += fmt.Sprintf(", line %d", of.number)
		if of.id != "" {
			place.Chinese += "（asi_id " + of.id + "）"
			place.English += " (asi_id " + of.id + ")"
		}
	}
	advice, class := adviceFor[reason], fault.Final
	if value != nil && value.advice != nil {
		advice = *value.advice
	}
	if reason == reasonTableUnread {
		class = fault.Retry
	}
	return &fault.Error{
		Class:   class,
		Reason:  reason,
		Field:   field,
		Message: place.Chinese + "：" + what.Chinese + use.Chinese + "。 " + place.English + ": " + what.English + use.English + ".",
		Advice:  text.Literal(advice.Chinese + " " + advice.English),
		Err:     err,
	}
}
