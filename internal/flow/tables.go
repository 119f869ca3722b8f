package flow

import (
	"encoding/csv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Table translates codes of one system into codes of the other. Codes are compared as
// [PlainCode] gives them.
type Table struct {
	Name string
	Rows map[string]string
	// otherwise is for codes without a row; "" if there is no such value.
	Default string
	// pass gives codes without a row as they came.
	Pass bool
	// kingdee is where the rows come from, for a table that comes from Kingdee.
	Kingdee *KingdeeTable
	// file is the CSV file of the rows; "" for those of the flow file. width, code and
	// value are its number of columns, and which are which.
	File                 string
	Columns, Code, Value int
}

// translate gives the value for a code. An absent code ("") takes a row of its own
// or the default value; "" comes back where the value is absent too.
func (t *Table) translate(code string, personal bool) (string, error) {
	if value, ok := t.Rows[PlainCode(code)]; ok {
		return value, nil
	}
	code = visibleCode(code)
	if t.Default != "" {
		return t.Default, nil
	}
	if t.Pass || code == "" {
		return code, nil
	}
	return "", t.unknown(code, personal)
}

// unknown is the failure of a code without a row. Its reason names table and code: what
// one row cures is told once, however many orders wait for it.
func (t *Table) unknown(code string, personal bool) *valueError {
	value := quoted(code, personal)
	failed := newValueError(reasonUnknownCode, say("对照表 %[1]s 里没有编码%[2]s，也没有 default", "table %[1]s has no code %[3]s and no default",
		t.Name, value.Chinese, value.English))
	if personal {
		return failed
	}
	failed.reason = t.reasonFor(code)
	advice := say("请在 %[1]s 加上这一行，填好金蝶的编码，重启 worker 后重试：%[2]s", "Add this line to %[1]s, with Kingdee's code in it, restart the worker, and try again: %[2]s", t.place(), t.row(code))
	failed.advice = &advice
	return failed
}

// reasonFor names table and code.
func (t *Table) reasonFor(code string) string {
	return strings.Join([]string{reasonUnknownCode, t.Name, beginning(code, maxShown)}, " ")
}

// place is where the table's rows stand.
func (t *Table) place() string {
	if t.File != "" {
		return t.File
	}
	return "tables." + t.Name + ".values"
}

// row is the line for a code, without its value.
func (t *Table) row(code string) string {
	const value = "<金蝶编码 Kingdee's code>"
	if t.File == "" {
		return string(encodeText(code)) + ": \"" + value + "\""
	}
	cells := make([]string, t.Columns)
	cells[t.Code], cells[t.Value] = code, value
	var b strings.Builder
	w := csv.NewWriter(&b)
	// A strings.Builder takes everything.
	_ = w.Write(cells)
	w.Flush()
	return strings.TrimSpace(b.String())
}

// PlainCode is a code without what people don't see: shops' names come with full-width
// letters, with zero-width characters, and with blanks around them.
func PlainCode(code string) string {
	return strings.TrimSpace(norm.NFKC.String(visibleCode(code)))
}

// visibleCode is a code without zero-width and control characters, and without blanks
// around it.
func visibleCode(code string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Cc) {
			return -1
		}
		return r
	}, code))
}
