package flow

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/shopspring/decimal"

	"refundsync/internal/beijing"
)

// maxPlaces bounds the second argument of round.
const maxPlaces = 16

// functions are what expressions may call besides the library's own (see
// allowedBuiltins), and what the operators on numbers and times are compiled to.
// Each has its types checked by its check: it takes the types of the arguments
// and gives the type of the result.
var functions = map[string]*builtin.Function{
	"coalesce": {Validate: checkCoalesce, Func: coalesce},
	"latest":   {Validate: checkList("latest", KindTime), Func: latest},
	"earliest": {Validate: checkList("earliest", KindTime), Func: earliest},
	"sum":      {Validate: checkList("sum", KindNumber), Func: sum},
	"round":    {Validate: checkRound, Func: round},
	"has":      {Validate: checkOne("has", typeBool, KindText, KindNumber, KindTime), Func: has},
	"text":     {Validate: checkOne("text", typeText, KindText, KindNumber, KindTime), Func: textOf},
	"date":     {Validate: checkOne("date", typeMoment, KindTime), Func: date},
	"month":    {Validate: checkOne("month", typeText, KindTime), Func: month},
	// The library's own build texts and lists without bound.
	"split":   {Types: typesOf(strings.Split), Func: split},
	"join":    {Types: typesOf(func([]any, string) string { return "" }, func([]any) string { return "" }, strings.Join, func([]string) string { return "" }), Func: join},
	"replace": {Types: typesOf(strings.ReplaceAll), Func: replace},
}

func typesOf(functions ...any) []reflect.Type {
	types := make([]reflect.Type, len(functions))
	for i, function := range functions {
		types[i] = reflect.TypeOf(function)
	}
	return types
}

// listFunctions take one list, of the kind given.
var listFunctions = map[string]Kind{"latest": KindTime, "earliest": KindTime, "sum": KindNumber}

// allowedBuiltins are the library's functions that work on exact values only.
var allowedBuiltins = []string{
	"all", "any", "none", "one", "filter", "map", "count", "find", "findLast",
	"len", "trim", "upper", "lower",
}

// functionNames lists all functions for messages.
var functionNames = slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(functions)), allowedBuiltins...)))

// useFunctions adds all of the above to the library's.
func useFunctions(c *conf.Config) {
	for _, table := range []map[string]*builtin.Function{functions, operators} {
		for name, function := range table {
			c.Functions[name] = &builtin.Function{Name: name, Func: function.Func, Validate: function.Validate, Types: function.Types}
		}
	}
}

type check = func(args []reflect.Type) (reflect.Type, error)

// mismatch is the error of a check: both languages in the one string that the
// library passes on.
func mismatch(chinese, english string, args ...any) error {
	m := say(chinese, english, args...)
	return errors.New(m.Chinese + " " + m.English)
}

func checkOne(name string, result reflect.Type, kinds ...Kind) check {
	return func(args []reflect.Type) (reflect.Type, error) {
		if len(args) != 1 {
			return nil, mismatch("%s 要 1 个参数，这里有 %d 个。", "%s takes 1 argument, found %d.", name, len(args))
		}
		if got := kindOf(args[0]); !slices.Contains(kinds, got) {
			return nil, mismatch("%[1]s 不能用于%[2]s。", "%[1]s does not work on %[3]s.", name, KindNames[got].Chinese, KindNames[got].English)
		}
		return result, nil
	}
}

// checkList sees only that there is one list; its elements' types are known when
// the whole expression has been checked, see checkLists.
func checkList(name string, element Kind) check {
	return func(args []reflect.Type) (reflect.Type, error) {
		if len(args) != 1 || kindOf(args[0]) != KindList {
			return nil, mismatch("%[1]s 要一个列表，如 %[1]s(map(lines, .字段))。", "%[1]s takes one list, such as %[1]s(map(lines, .field)).", name)
		}
		return typeFor[element], nil
	}
}

func checkCoalesce(args []reflect.Type) (reflect.Type, error) {
	if len(args) < 2 {
		return nil, mismatch("coalesce 要至少 2 个参数，这里有 %d 个。", "coalesce takes at least 2 arguments, found %d.", len(args))
	}
	first := kindOf(args[0])
	for _, arg := range args {
		if got := kindOf(arg); got != first || got != KindText && got != KindNumber && got != KindTime {
			return nil, mismatch("coalesce 的参数应同为文本、数字或时间，这里有%[1]s和%[2]s。", "coalesce takes text only, numbers only or times only; found %[3]s and %[4]s.",
				KindNames[first].Chinese, KindNames[got].Chinese, KindNames[first].English, KindNames[got].English)
		}
	}
	return typeFor[first], nil
}

func checkRound(args []reflect.Type) (reflect.Type, error) {
	if len(args) != 2 || kindOf(args[0]) != KindNumber || args[1] != typeInt {
		return nil, mismatch("round 要一个数字和小数位数，如 round(x, 2)。", "round takes a number and a number of places, such as round(x, 2).")
	}
	return typeNumber, nil
}

// lackOf tells why a value can't be used: nil, if it can. Text that is absent is
// empty.
func lackOf(value any) *valueError {
	switch value := value.(type) {
	case number:
		return value.err
	case moment:
		return value.err
	}
	return nil
}

// coalesce gives the first value that is present. A malformed one fails: it is
// not absent.
func coalesce(args ...any) (any, error) {
	var missing *valueError
	for _, arg := range args {
		if text, ok := arg.(string); ok && text == "" {
			continue
		}
		err := lackOf(arg)
		if err == nil {
			return arg, nil
		}
		if !err.absent() {
			return nil, err
		}
		missing = err.and(missing)
	}
	switch args[0].(type) {
	case string:
		return "", nil
	case moment:
		return moment{err: missing}, nil
	}
	return number{err: missing}, nil
}

func latest(args ...any) (any, error) {
	return choose(args[0], func(candidate, best time.Time) bool { return candidate.After(best) })
}

func earliest(args ...any) (any, error) {
	return choose(args[0], func(candidate, best time.Time) bool { return candidate.Before(best) })
}

// choose gives the best of the times that are present; absent if there is none.
func choose(list any, better func(candidate, best time.Time) bool) (any, error) {
	best := moment{err: absentFrom(say("列表里的时间", "a time in the list"))}
	for _, element := range list.([]any) {
		candidate := element.(moment)
		switch {
		case candidate.err != nil && !candidate.err.absent():
			return nil, candidate.err
		case candidate.err != nil:
			if best.err != nil {
				best.err = candidate.err
			}
		case best.err != nil || better(candidate.value, best.value):
			best = candidate
		}
	}
	return best, nil
}

// sum adds up a list; an absent number in it fails. The sum of nothing is 0.
func sum(args ...any) (any, error) {
	var total decimal.Decimal
	for _, element := range args[0].([]any) {
		n := asNumber(element)
		if n.err != nil {
			return nil, n.err
		}
		total = total.Add(n.value)
	}
	return number{value: total}, nil
}

// round rounds half away from zero, as invoices do.
func round(args ...any) (any, error) {
	n, places := asNumber(args[0]), args[1].(int)
	if n.err != nil {
		return nil, n.err
	}
	if places < 0 || places > maxPlaces {
		return nil, newValueError(reasonExpression, say("round 的小数位数 %d 不在 0 到 %d 之间", "round takes 0 to %[2]d places, found %[1]d", places, maxPlaces))
	}
	return number{value: n.value.Round(int32(places))}, nil
}

// has tells whether a value is present. A malformed one is.
func has(args ...any) (any, error) {
	if text, ok := args[0].(string); ok {
		return text != "", nil
	}
	err := lackOf(args[0])
	return err == nil || !err.absent(), nil
}

// textOf writes a number in plain digits and a time as 2006-01-02 15:04:05; what is
// absent is empty.
func textOf(args ...any) (any, error) {
	err := lackOf(args[0])
	if err != nil && err.absent() {
		return "", nil
	}
	if err != nil {
		return nil, err
	}
	switch value := args[0].(type) {
	case string:
		return value, nil
	case moment:
		return value.value.Format(time.DateTime), nil
	}
	return asNumber(args[0]).value.String(), nil
}

// date takes the time of day off.
func date(args ...any) (any, error) {
	at := args[0].(moment)
	if at.err != nil {
		return at, nil
	}
	year, month, day := at.value.Date()
	return moment{value: time.Date(year, month, day, 0, 0, 0, 0, beijing.Zone)}, nil
}

func split(args ...any) (any, error) {
	parts := strings.SplitN(args[0].(string), args[1].(string), maxParts+1)
	if len(parts) > maxParts {
		return nil, newValueError(reasonExpression, say("split 得到 %d 个以上的部分", "split gives more than %d parts", maxParts))
	}
	return parts, nil
}

func join(args ...any) (any, error) {
	glue := ""
	if len(args) == 2 {
		glue = args[1].(string)
	}
	if parts, ok := args[0].([]string); ok {
		return boundedText(strings.Join(parts, glue))
	}
	var b strings.Builder
	for i, part := range args[0].([]any) {
		if i > 0 {
			b.WriteString(glue)
		}
		b.WriteString(part.(string))
		if b.Len() > maxText {
			return nil, textTooLong()
		}
	}
	return b.String(), nil
}

func replace(args ...any) (any, error) {
	text, old, by := args[0].(string), args[1].(string), args[2].(string)
	if len(text)+strings.Count(text, old)*max(0, len(by)-len(old)) > maxText {
		return nil, textTooLong()
	}
	return strings.ReplaceAll(text, old, by), nil
}

// month writes the month of a time as 2006-01; that of an absent one is empty.
func month(args ...any) (any, error) {
	at := args[0].(moment)
	switch {
	case at.err != nil && at.err.absent():
		return "", nil
	case at.err != nil:
		return nil, at.err
	}
	return at.value.Format("2006-01"), nil
}
