package flow

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"refundsync/internal/text"
)

// NumberField is the bill's number: what keeps an order from being saved twice.
const NumberField = "FBillNo"

// longestID bounds as_id and a bill's number, in bytes. Kingdee's own limit is
// lower and depends on the form; this one keeps them fit for the ids of workflows,
// which may have 1,000 bytes.
const longestID = 255

// checkBillNumber refuses a number under which Kingdee would not find the bill
// again: a database compares without the spaces at the end, and what becomes of
// a line break in a filter is not documented. Everything else is text like any
// other there, quotes and wildcards too.
func checkBillNumber(number string) *valueError {
	switch {
	case strings.TrimSpace(number) != number:
		return newValueError(reasonMalformed, text.New("the bill number begins or ends with a space"))
	case strings.ContainsFunc(number, unicode.IsControl):
		return newValueError(reasonMalformed, text.New("the bill number holds a control character such as a line break"))
	case !utf8.ValidString(number):
		return newValueError(reasonMalformed, text.New("the bill number is not valid UTF-8 text"))
	case len(number) > longestID:
		return newValueError(reasonMalformed, text.New("the bill number has more than %d bytes", longestID))
	}
	return nil
}
