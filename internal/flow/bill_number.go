package flow

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"refundsync/internal/text"
)

// longestID bounds an order's key and a bill's number, in bytes. Kingdee's own limit is
// lower and depends on the form; this one keeps them fit for the ids of workflows,
// which may have 1,000 bytes.
const longestID = 255

// checkBillNumber refuses a number by which Kingdee would not find the bill: databases
// ignore spaces at the end, and what a line break in a filter does is not documented.
// Anything else is ordinary text there, including quotes and wildcards.
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
