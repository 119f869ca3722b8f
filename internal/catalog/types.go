package catalog

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/beijing"
	"refundsync/internal/text"
)

// Type is the type of a field, however it is written on the wire.
type Type string

const (
	// Text is a string. A number is taken as text too: keys such as as_id come either
	// way.
	Text Type = "text"
	// Decimal is an exact decimal number.
	Decimal Type = "decimal"
	// Integer is a whole number.
	Integer Type = "integer"
	// Time is a date with a time of day, in Beijing time.
	Time Type = "time"
	// Date is a day, in Beijing time.
	Date Type = "date"
	// Bool is true or false.
	Bool Type = "bool"
	// Reference is base data of Kingdee's, given by its number.
	Reference Type = "reference"
	// Object is a group of fields.
	Object Type = "object"
	// List is a list of such groups.
	List Type = "list"
)

// Label names the type for people, in English with its article.
func (t Type) Label() text.Text { return typeLabels[t] }

var typeLabels = map[Type]text.Text{
	Text:      text.New("text"),
	Decimal:   text.New("a number"),
	Integer:   text.New("a whole number"),
	Time:      text.New("a time"),
	Date:      text.New("a date"),
	Bool:      text.Literal("true/false"),
	Reference: text.New("base data (its number, as text)"),
	Object:    text.New("a group of fields"),
	List:      text.New("a list"),
}

// ParseError says why a value does not fit its field, without the value, which may be
// private.
type ParseError struct {
	// what is a predicate, to be put after the value: "is not a number".
	what text.Text
}

func (e *ParseError) Error() string { return e.what.String() }

// AsText is [ParseError.Error] in any language.
func (e *ParseError) AsText() text.Text { return e.what }

// The longest number accepted, as written, and the range of its exponent: far above any
// amount, far below the thousands of digits of "1e9999".
const (
	maxNumberLength   = 64
	maxNumberExponent = 40
)

var (
	errNotText     = &ParseError{text.New("is not text")}
	errNotNumber   = &ParseError{text.New("is not a number")}
	errHugeNumber  = &ParseError{text.New("is too long for a number")}
	errNotWhole    = &ParseError{text.New("is not a whole number")}
	errNotTime     = &ParseError{text.New("is not a time (expected 2006-01-02 15:04:05)")}
	errOddYear     = &ParseError{text.New("has a year outside 1970 to 9999")}
	errNotBool     = &ParseError{text.New("is not true or false")}
	errNotOneValue = &ParseError{text.New("is not a single value")}
)

// timeLayouts are the known spellings of a time in replies, also with slashes. Each part
// may have one digit, and seconds may have a fraction. A zone, if given, is respected.
var timeLayouts = []string{
	"2006-1-2 15:4:5", "2006-1-2 15:4", "2006-1-2",
	"2006-1-2T15:4:5", "2006-1-2T15:4", "2006-1-2T15:4:5Z07:00",
}

// noTime are the days that stand for no time: the first ones of .NET, SQL Server, its
// smalldatetime and Unix.
var noTime = []string{"0001-01-01", "1753-01-01", "1900-01-01", "1970-01-01"}

// withSeconds matches a time to the second.
var withSeconds = regexp.MustCompile(`\d:\d{1,2}:\d`)

// ToTheSecond reports whether raw is written to the second, not only to the minute or the
// day.
func ToTheSecond(raw any) bool {
	text, _ := raw.(string)
	return withSeconds.MatchString(text)
}

// Parse reads one value of a decoded JSON document (string, json.Number, bool or nil)
// tolerantly: tenants differ in whether a field comes as a number or as text. It gives a
// string for Text and Reference, a decimal.Decimal for Decimal and Integer, a time.Time in
// Beijing time for Time and Date (a Date at midnight), and a bool for Bool. It gives nil if
// the value is absent: null, "", blank text, or a time such as 0001-01-01. An error is a
// *ParseError.
func (t Type) Parse(raw any) (any, error) {
	if text, ok := raw.(string); ok {
		raw = strings.TrimSpace(text)
	}
	if raw == nil || raw == "" {
		return nil, nil
	}
	value, err := t.parse(raw)
	if err != nil {
		return nil, err
	}
	return value, nil
}

func (t Type) parse(raw any) (any, error) {
	switch t {
	case Text, Reference:
		return parseText(raw)
	case Decimal:
		return parseDecimal(raw)
	case Integer:
		number, err := parseDecimal(raw)
		if err != nil {
			return nil, err
		}
		if !number.IsInteger() {
			return nil, errNotWhole
		}
		return number, nil
	case Time, Date:
		at, err := parseTime(raw)
		if err != nil || at.IsZero() {
			return nil, err
		}
		if t == Time {
			return at, nil
		}
		return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, beijing.Zone), nil
	case Bool:
		return parseBool(raw)
	}
	return nil, errNotOneValue
}

// parseText writes a number in its plain form, so that 123, 123.0 and "123" are one key.
func parseText(raw any) (any, error) {
	switch value := raw.(type) {
	case string:
		return value, nil
	case json.Number:
		number, err := parseDecimal(value)
		if err != nil {
			return nil, err
		}
		return number.String(), nil
	}
	return nil, errNotText
}

func parseDecimal(raw any) (decimal.Decimal, error) {
	var text string
	switch value := raw.(type) {
	case string:
		text = value
	case json.Number:
		text = value.String()
	default:
		return decimal.Decimal{}, errNotNumber
	}
	if len(text) > maxNumberLength {
		return decimal.Decimal{}, errHugeNumber
	}
	number, err := decimal.NewFromString(text)
	if err != nil {
		return decimal.Decimal{}, errNotNumber
	}
	if number.Exponent() > maxNumberExponent || number.Exponent() < -maxNumberExponent {
		return decimal.Decimal{}, errHugeNumber
	}
	return number, nil
}

// parseTime gives the zero time for a value that stands for no time.
func parseTime(raw any) (time.Time, error) {
	text, ok := raw.(string)
	if !ok {
		return time.Time{}, errNotTime
	}
	text = strings.ReplaceAll(text, "/", "-")
	if strings.HasPrefix(text, "0000-00-00") { // MySQL's
		return time.Time{}, nil
	}
	for _, layout := range timeLayouts {
		at, err := time.ParseInLocation(layout, text, beijing.Zone)
		if err != nil {
			continue
		}
		at = at.In(beijing.Zone)
		if slices.Contains(noTime, at.Format(time.DateOnly)) {
			return time.Time{}, nil
		}
		if at.Year() < 1970 || at.Year() > 9999 {
			return time.Time{}, errOddYear
		}
		return at, nil
	}
	return time.Time{}, errNotTime
}

func parseBool(raw any) (any, error) {
	switch value := raw.(type) {
	case bool:
		return value, nil
	case string:
		switch strings.ToLower(value) {
		case "true", "1":
			return true, nil
		case "false", "0":
			return false, nil
		}
	case json.Number:
		switch value {
		case "1":
			return true, nil
		case "0":
			return false, nil
		}
	}
	return nil, errNotBool
}
