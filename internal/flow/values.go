package flow

import (
	"reflect"
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
)

// number is a decimal in an expression, or the reason why there is none: the
// field is absent or malformed. It fails when it is used, not before, and is
// never taken for 0.
type number struct {
	value decimal.Decimal
	err   *valueError
}

// moment is a time in an expression, or the reason why there is none.
type moment struct {
	value time.Time
	err   *valueError
}

// kind is the type of an expression or a part of it, in the terms of flow files.
type kind string

const (
	kindText    kind = "text"
	kindNumber  kind = "number"
	kindTime    kind = "time"
	kindBool    kind = "bool"
	kindList    kind = "list"
	kindLine    kind = "line"
	kindUnknown kind = "unknown"
)

var kindNames = map[kind]message{
	kindText:    say("文本", "text"),
	kindNumber:  say("数字", "a number"),
	kindTime:    say("时间", "a time"),
	kindBool:    say("真假值", "true or false"),
	kindList:    say("列表", "a list"),
	kindLine:    say("商品行", "a line"),
	kindUnknown: say("类型不明的值", "something of no certain type"),
}

var (
	typeNumber = reflect.TypeFor[number]()
	typeMoment = reflect.TypeFor[moment]()
	typeText   = reflect.TypeFor[string]()
	typeBool   = reflect.TypeFor[bool]()
	typeInt    = reflect.TypeFor[int]()
	typeLine   = reflect.TypeFor[map[string]any]()
)

// kindOf tells the kind of a Go type in a compiled expression. The int of a
// literal or of len counts as a number: it is exact.
func kindOf(t reflect.Type) kind {
	switch {
	case t == nil:
		return kindUnknown
	case t == typeNumber, t == typeInt:
		return kindNumber
	case t == typeMoment:
		return kindTime
	case t == typeText:
		return kindText
	case t == typeBool:
		return kindBool
	case t == typeLine:
		return kindLine
	case t.Kind() == reflect.Slice:
		return kindList
	}
	return kindUnknown
}

// kindFor is the kind that a field of the order has in expressions.
func kindFor(t catalog.Type) kind {
	switch t {
	case catalog.Text, catalog.Reference:
		return kindText
	case catalog.Decimal, catalog.Integer:
		return kindNumber
	case catalog.Time, catalog.Date:
		return kindTime
	case catalog.List:
		return kindList
	}
	return kindUnknown
}

// asNumber takes what compiled as kindNumber.
func asNumber(value any) number {
	if i, ok := value.(int); ok {
		return number{value: decimal.NewFromInt(int64(i))}
	}
	return value.(number)
}

// typeFor is the Go type of the kinds of field that expressions can use.
var typeFor = map[kind]reflect.Type{
	kindText:   typeText,
	kindNumber: typeNumber,
	kindTime:   typeMoment,
}
