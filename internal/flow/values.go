package flow

import (
	"reflect"
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
	"refundsync/internal/text"
)

// number is a decimal in an expression, or why there is none: the field is absent or
// malformed. It fails when it is used, not before, and is never taken for 0.
type number struct {
	value decimal.Decimal
	err   *valueError
}

// moment is a time in an expression, or why there is none.
type moment struct {
	value time.Time
	err   *valueError
}

// Kind is the type of an expression or a part of it, in the terms of flow files.
type Kind string

const (
	KindText    Kind = "text"
	KindNumber  Kind = "number"
	KindTime    Kind = "time"
	KindBool    Kind = "bool"
	KindList    Kind = "list"
	KindLine    Kind = "line"
	KindUnknown Kind = "unknown"
)

// KindNames name the kinds for people.
var KindNames = map[Kind]text.Text{
	KindText:    text.New("text"),
	KindNumber:  text.New("a number"),
	KindTime:    text.New("a time"),
	KindBool:    text.New("true or false"),
	KindList:    text.New("a list"),
	KindLine:    text.New("a line"),
	KindUnknown: text.New("a value of unknown type"),
}

var (
	typeNumber = reflect.TypeFor[number]()
	typeMoment = reflect.TypeFor[moment]()
	typeText   = reflect.TypeFor[string]()
	typeBool   = reflect.TypeFor[bool]()
	typeInt    = reflect.TypeFor[int]()
	typeLine   = reflect.TypeFor[map[string]any]()
)

// kindOf is the kind of a Go type in a compiled expression. The int of a literal or of len
// is exact, and so counts as a number.
func kindOf(t reflect.Type) Kind {
	switch {
	case t == nil:
		return KindUnknown
	case t == typeNumber, t == typeInt:
		return KindNumber
	case t == typeMoment:
		return KindTime
	case t == typeText:
		return KindText
	case t == typeBool:
		return KindBool
	case t == typeLine:
		return KindLine
	case t.Kind() == reflect.Slice:
		return KindList
	}
	return KindUnknown
}

// KindFor is the kind that a field of the order has in expressions. A Bool is the text true
// or false, so that an absent one is neither.
func KindFor(t catalog.Type) Kind {
	switch t {
	case catalog.Text, catalog.Reference, catalog.Bool:
		return KindText
	case catalog.Decimal, catalog.Integer:
		return KindNumber
	case catalog.Time, catalog.Date:
		return KindTime
	case catalog.List:
		return KindList
	}
	return KindUnknown
}

// asNumber takes a value of KindNumber.
func asNumber(value any) number {
	if i, ok := value.(int); ok {
		return number{value: decimal.NewFromInt(int64(i))}
	}
	return value.(number)
}

// typeFor is the Go type of each kind of field that expressions can use.
var typeFor = map[Kind]reflect.Type{
	KindText:   typeText,
	KindNumber: typeNumber,
	KindTime:   typeMoment,
}
