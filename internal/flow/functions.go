package flow

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/shopspring/decimal"

	"refundsync/internal/beijing"
	"refundsync/internal/text"
)

// maxPlaces bounds the second argument of round.
const maxPlaces = 16

// functions are what expressions may call besides the library's own (see
// allowedBuiltins). A function's check takes the types of the arguments and gives that of
// the result.
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
	// The library's own have no bounds.
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

// allowedBuiltins are those of the library's functions that need no binary floating point.
var allowedBuiltins = []string{
	"all", "any", "none", "one", "filter", "map", "count", "find", "findLast",
	"len", "trim", "upper", "lower",
}

// functionNames lists all functions for messages.
var functionNames = slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(functions)), allowedBuiltins...)))

// useFunctions adds all of the above to the library's.
func (r *rewriter) useFunctions(c *conf.Config) {
	for _, table := range []map[string]*builtin.Function{functions, operators} {
		for name, function := range table {
			c.Functions[name] = &builtin.Function{Name: name, Func: function.Func, Validate: r.noting(function.Validate), Types: function.Types}
		}
	}
}

// noting keeps the errors of a check, of which the library passes on only the words.
func (r *rewriter) noting(validate check) check {
	if validate == nil {
		return nil
	}
	return func(args []reflect.Type) (reflect.Type, error) {
		result, err := validate(args)
		if err != nil {
			r.refused[err.Error()] = err
		}
		return result, err
	}
}

type check = func(args []reflect.Type) (reflect.Type, error)

func checkOne(name string, result reflect.Type, kinds ...Kind) check {
	return func(args []reflect.Type) (reflect.Type, error) {
		if len(args) != 1 {
			return nil, text.Errorf("%s takes 1 argument, found %d.", name, len(args))
		}
		if got := kindOf(args[0]); !slices.Contains(kinds, got) {
			return nil, text.Errorf("%s does not work on %s.", name, KindNames[got])
		}
		return result, nil
	}
}

// checkList checks that there is one list. The types of its elements are known once the
// whole expression is checked: see typeChecker.list.
func checkList(name string, element Kind) check {
	return func(args []reflect.Type) (reflect.Type, error) {
		if len(args) != 1 || kindOf(args[0]) != KindList {
			return nil, text.Errorf("%[1]s takes one list, such as %[1]s(map(lines, .field)).", name)
		}
		return typeFor[element], nil
	}
}

func checkCoalesce(args []reflect.Type) (reflect.Type, error) {
	if len(args) < 2 {
		return nil, text.Errorf("coalesce takes at least 2 arguments, found %d.", len(args))
	}
	first := kindOf(args[0])
	for _, arg := range args {
		if got := kindOf(arg); got != first || got != KindText && got != KindNumber && got != KindTime {
			return nil, text.Errorf("coalesce takes text only, numbers only or times only; found %s and %s.", KindNames[first], KindNames[got])
		}
	}
	return typeFor[first], nil
}

func checkRound(args []reflect.Type) (reflect.Type, error) {
	if len(args) != 2 || kindOf(args[0]) != KindNumber || args[1] != typeInt {
		return nil, text.Errorf("round takes a number and a number of places, such as round(x, 2).")
	}
	return typeNumber, nil
}

// lackOf tells why a value can't be used; nil if it can. Absent text is empty.
func lackOf(value any) *valueError {
	switch value := value.(type) {
	case number:
		return value.err
	case moment:
		return value.err
	}
	return nil
}

// coalesce gives the first value that is present. A malformed one is not absent, and fails.
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
		if !err.isAbsent() {
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

// choose gives the best of the times that are present; an absent one if there is none.
func choose(list any, better func(candidate, best time.Time) bool) (any, error) {
	best := moment{err: absentFrom(text.New("a time in the list"))}
	for _, element := range list.([]any) {
		candidate := element.(moment)
		switch {
		case candidate.err != nil && !candidate.err.isAbsent():
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
		return nil, newValueError(reasonExpression, text.New("round takes 0 to %d places, found %d", maxPlaces, places))
	}
	return number{value: n.value.Round(int32(places))}, nil
}

// has tells whether a value is present, as a malformed one is.
func has(args ...any) (any, error) {
	if text, ok := args[0].(string); ok {
		return text != "", nil
	}
	err := lackOf(args[0])
	return err == nil || !err.isAbsent(), nil
}

// textOf writes a number in plain digits and a time as 2006-01-02 15:04:05; an absent
// value gives "".
func textOf(args ...any) (any, error) {
	err := lackOf(args[0])
	if err != nil && err.isAbsent() {
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

// date drops the time of day.
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
		return nil, newValueError(reasonExpression, text.New("split gives more than %d parts", maxParts))
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

// month writes the month of a time as 2006-01; an absent time gives "".
func month(args ...any) (any, error) {
	at := args[0].(moment)
	switch {
	case at.err != nil && at.err.isAbsent():
		return "", nil
	case at.err != nil:
		return nil, at.err
	}
	return at.value.Format("2006-01"), nil
}
