package flow

import (
	"reflect"
	"slices"

	"github.com/expr-lang/expr/builtin"
	"github.com/shopspring/decimal"

	"refundsync/internal/text"
)

// divisionPlaces is how many decimal places a quotient has, rounded half away from zero:
// far more than any price needs, and the same everywhere.
const divisionPlaces = 16

// operators are compiled to functions of their own names, which no expression can spell.
var operators = map[string]*builtin.Function{
	"+":  {Validate: checkPair("+", nil, KindNumber, KindText), Func: add},
	"-":  {Validate: checkPair("-", typeNumber, KindNumber), Func: arithmetic(decimal.Decimal.Sub)},
	"*":  {Validate: checkPair("*", typeNumber, KindNumber), Func: arithmetic(decimal.Decimal.Mul)},
	"/":  {Validate: checkPair("/", typeNumber, KindNumber), Func: divide},
	"==": {Validate: checkPair("==", typeBool, KindNumber, KindText, KindTime, KindBool), Func: compare(func(order int) bool { return order == 0 })},
	"!=": {Validate: checkPair("!=", typeBool, KindNumber, KindText, KindTime, KindBool), Func: compare(func(order int) bool { return order != 0 })},
	"<":  {Validate: checkPair("<", typeBool, KindNumber, KindText, KindTime), Func: compare(func(order int) bool { return order < 0 })},
	"<=": {Validate: checkPair("<=", typeBool, KindNumber, KindText, KindTime), Func: compare(func(order int) bool { return order <= 0 })},
	">":  {Validate: checkPair(">", typeBool, KindNumber, KindText, KindTime), Func: compare(func(order int) bool { return order > 0 })},
	">=": {Validate: checkPair(">=", typeBool, KindNumber, KindText, KindTime), Func: compare(func(order int) bool { return order >= 0 })},
	// A sign before a number.
	"sign -": {Validate: checkOne("-", typeNumber, KindNumber), Func: negate},
	"sign +": {Validate: checkOne("+", typeNumber, KindNumber), Func: plus},
}

// checkPair checks an operator on two values of one kind. A nil result stands for that
// kind.
func checkPair(operator string, result reflect.Type, kinds ...Kind) check {
	return func(args []reflect.Type) (reflect.Type, error) {
		left, right := kindOf(args[0]), kindOf(args[1])
		if left != right || !slices.Contains(kinds, left) {
			return nil, text.Errorf("%s does not work between %s and %s.", operator, KindNames[left], KindNames[right])
		}
		if result == nil {
			return typeFor[left], nil
		}
		return result, nil
	}
}

// numbers gives the values of two numbers, or why one has none.
func numbers(args []any) (left, right decimal.Decimal, err error) {
	for i, value := range []*decimal.Decimal{&left, &right} {
		n := asNumber(args[i])
		if n.err != nil {
			return left, right, n.err
		}
		*value = n.value
	}
	return left, right, nil
}

func arithmetic(operation func(left, right decimal.Decimal) decimal.Decimal) func(args ...any) (any, error) {
	return func(args ...any) (any, error) {
		left, right, err := numbers(args)
		if err != nil {
			return nil, err
		}
		return boundedNumber(operation(left, right))
	}
}

func add(args ...any) (any, error) {
	if left, ok := args[0].(string); ok {
		right := args[1].(string)
		if len(left)+len(right) > maxText {
			return nil, textTooLong()
		}
		return left + right, nil
	}
	return arithmetic(decimal.Decimal.Add)(args...)
}

func divide(args ...any) (any, error) {
	left, right, err := numbers(args)
	if err != nil {
		return nil, err
	}
	if right.IsZero() {
		return nil, newValueError(reasonExpression, text.New("the divisor is 0"))
	}
	return boundedNumber(left.DivRound(right, divisionPlaces))
}

func negate(args ...any) (any, error) {
	n := asNumber(args[0])
	if n.err != nil {
		return nil, n.err
	}
	return number{value: n.value.Neg()}, nil
}

func plus(args ...any) (any, error) {
	n := asNumber(args[0])
	if n.err != nil {
		return nil, n.err
	}
	return n, nil
}

func compare(holds func(order int) bool) func(args ...any) (any, error) {
	return func(args ...any) (any, error) {
		order, err := orderOf(args)
		if err != nil {
			return nil, err
		}
		return holds(order), nil
	}
}

// orderOf gives -1, 0 or 1 for two values of one kind, and 0 or 1 for bools.
func orderOf(args []any) (int, error) {
	switch left := args[0].(type) {
	case string:
		right := args[1].(string)
		switch {
		case left < right:
			return -1, nil
		case left > right:
			return 1, nil
		}
		return 0, nil
	case bool:
		if left == args[1].(bool) {
			return 0, nil
		}
		return 1, nil
	case moment:
		right := args[1].(moment)
		if left.err != nil {
			return 0, left.err
		}
		if right.err != nil {
			return 0, right.err
		}
		return left.value.Compare(right.value), nil
	}
	left, right, err := numbers(args)
	if err != nil {
		return 0, err
	}
	return left.Cmp(right), nil
}
