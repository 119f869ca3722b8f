package flow

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/beijing"
	"refundsync/internal/catalog"
	"refundsync/internal/contract"
)

const expressionOrder = `{
	"as_id": 7, "type": "普通退货", "so_id": "", "refund": "10", "payment": null, "freight": "3元",
	"modified": "2024-03-03 10:00:00", "created": "2024-03-01 08:00:00", "confirm_date": "昨天",
	"items": [
		{"asi_id": 1, "sku_id": "A", "price": "0.1", "r_qty": 3, "receive_date": "2024-03-02 10:00:00"},
		{"asi_id": 2, "sku_id": "B", "price": 0.2, "r_qty": null, "receive_date": "2024-03-02 12:00:00"}
	]
}`

var refunds = catalog.All()["jushuitan.refund.list.query"]

// evaluate compiles an expression and runs it over expressionOrder, with its first
// line as item.
func evaluate(t require.TestingT, source string) (any, error) {
	compiled, mistakes := Compile(refunds, source, EntryScope)
	require.Empty(t, mistakes, source)
	f := &Flow{Source: Source{Interface: refunds}, header: sorted(compiled.Header), items: sorted(compiled.Items)}
	opened := f.Open(contract.Order{ID: "7", Fields: json.RawMessage(expressionOrder)})
	require.NoError(t, opened.err)
	return opened.run(compiled, opened.lines[0])
}

func TestExpressions(t *testing.T) {
	at := func(hour int, day int) time.Time { return time.Date(2024, 3, day, hour, 0, 0, 0, beijing.Zone) }
	for source, want := range map[string]any{
		// Numbers are exact.
		`0.1 + 0.2`:                            "0.3",
		`item.price + 0.2`:                     "0.3",
		`item.price * 3`:                       "0.3",
		`3 * item.price`:                       "0.3",
		`0.1 + 0.2 == 0.3`:                     true,
		`item.price * 3 == 0.3`:                true,
		`1_000.50`:                             "1000.5",
		`1.5e3`:                                "1500",
		`9007199254740993.0 + 0`:               "9007199254740993",
		`refund - 0.01`:                        "9.99",
		`-refund`:                              "-10",
		`+refund`:                              "10",
		`-(0.1 + 0.2)`:                         "-0.3",
		`refund / 3`:                           "3.3333333333333333",
		`2 / 3`:                                "0.6666666666666667",
		`-2 / 3`:                               "-0.6666666666666667",
		`1 / 2 * refund`:                       "5",
		`1 + 2 * 3`:                            "7",
		`round(2.345, 2)`:                      "2.35",
		`round(-2.345, 2)`:                     "-2.35",
		`round(2.5, 0)`:                        "3",
		`round((type == "x" ? 0 : refund), 2)`: "10",
		`round((has(refund) ? refund * 2 : 0) + 1, 2)`: "21",
		`sum(map(items, .price))`:                      "0.3",
		`sum(map(items, .price * 2 + 0.5))`:            "1.6",
		`sum([refund, 2, 0.5])`:                        "12.5",
		`sum(filter(items, false) | map(.price))`:      "0",
		`sum(map(items, 1))`:                           "2",
		`coalesce(payment, 0)`:                         "0",
		`coalesce(payment, refund)`:                    "10",
		`coalesce(refund, 0)`:                          "10",
		`coalesce(item.r_qty, 0) > 0`:                  true,
		`coalesce(items[1].r_qty, 0) > 0`:              false,
		`let half = 0.5; refund * half`:                "5",

		// Comparisons.
		`refund == 10.0`:                    true,
		`refund != 10`:                      false,
		`refund > 9.99 and refund <= 10`:    true,
		`9 < refund < 11`:                   true,
		`refund >= 11`:                      false,
		`len(items) == 2`:                   true,
		`len(items) > 1.5`:                  true,
		`count(items, .sku_id == "A") == 1`: true,
		`modified > created`:                true,
		`modified == created`:               false,
		`"a" < "b"`:                         true,
		`"b" <= "a"`:                        false,
		`"a" == "a"`:                        true,
		`true == false`:                     false,
		`true != false`:                     true,

		// Text.
		`as_id`:                    "7",
		`so_id`:                    "",
		`so_id == ""`:              true,
		`"售后单 " + as_id`:           "售后单 7",
		`type in ["", "普通退货"]`:     true,
		`type not in ["", "普通退货"]`: false,
		`type contains "退"`:        true,
		`type startsWith "普通" and type endsWith "货"`: true,
		`type matches "^普.*货$"`:                      true,
		`join(map(items, .sku_id), ",")`:             "A,B",
		`split("a,b", ",")[1]`:                       "b",
		`trim("  a ") + upper("b") + lower("C")`:     "aBc",
		`replace("a-b", "-", "")`:                    "ab",
		`text(refund / 4)`:                           "2.5",
		`text(modified)`:                             "2024-03-03 10:00:00",
		`text(as_id)`:                                "7",
		`text(payment)`:                              "",
		`text(2)`:                                    "2",
		`coalesce(so_id, as_id)`:                     "7",
		`coalesce(so_id, so_id)`:                     "",
		`find(items, .sku_id == "B").sku_id`:         "B",
		`items[1].sku_id`:                            "B",
		`type == "x" ? "a" : "b"`:                    "b",

		// Times.
		`modified`:                         at(10, 3),
		`date(modified) == date(modified)`: true,
		`has(date(latest(map(filter(items, false), .receive_date))))`: false,
		`date(modified)`:                      at(0, 3),
		`latest(map(items, .receive_date))`:   at(12, 2),
		`earliest(map(items, .receive_date))`: at(10, 2),
		`latest([created, modified])`:         at(10, 3),
		`coalesce(modified, created)`:         at(10, 3),

		// Presence.
		`has(payment)`: false,
		`has(refund)`:  true,
		`has(freight)`: true,
		`has(so_id)`:   false,
		`has(created)`: true,

		// Lines.
		`len(lines) == 2`:                    true,
		`none(items, .sku_id == "C")`:        true,
		`all(items, .price > 0)`:             true,
		`any(items, .price == 0.2)`:          true,
		`one(items, .price == 0.2)`:          true,
		`findLast(items, .price > 0).sku_id`: "B",
		`"A" in map(items, .sku_id)`:         true,
	} {
		t.Run(source, func(t *testing.T) {
			got, err := evaluate(t, source)
			require.NoError(t, err)
			switch got := got.(type) {
			case number:
				require.Nil(t, got.err)
				assert.Equal(t, want, got.value.String())
			case int:
				assert.Equal(t, want, asNumber(got).value.String())
			case moment:
				require.Nil(t, got.err)
				assert.True(t, want.(time.Time).Equal(got.value), "%s", got.value)
			default:
				assert.Equal(t, want, got)
			}
		})
	}
}

func TestExpressionsThatFail(t *testing.T) {
	for _, test := range []struct{ source, want string }{
		// What is absent is never 0.
		{`payment + 1`, "payment（应补金额） is absent"},
		{`1 + payment`, "payment（应补金额） is absent"},
		{`payment - 1`, "payment（应补金额） is absent"},
		{`payment * refund`, "payment（应补金额） is absent"},
		{`refund / payment`, "payment（应补金额） is absent"},
		{`-payment`, "payment（应补金额） is absent"},
		{`round(-payment, 2)`, "payment（应补金额） is absent"},
		{`+payment`, "payment（应补金额） is absent"},
		{`payment == 0`, "payment（应补金额） is absent"},
		{`payment != 0`, "payment（应补金额） is absent"},
		{`payment > 0`, "payment（应补金额） is absent"},
		{`round(payment, 2)`, "payment（应补金额） is absent"},
		{`sum(map(items, .r_qty))`, "r_qty（实收数量） is absent"},
		{`sum([payment])`, "payment（应补金额） is absent"},
		{`coalesce(payment, payment) > 0`, "all of payment（应补金额）, payment（应补金额） are absent"},
		{`latest(map(filter(items, false), .receive_date)) > modified`, "a time in the list is absent"},
		{`modified < latest(map(filter(items, false), .receive_date))`, "a time in the list is absent"},
		// What is malformed fails, wherever it is used.
		{`freight + 1`, `freight（运费） “3元” is not a number`},
		{`coalesce(freight, 0)`, `freight（运费） “3元” is not a number`},
		{`coalesce(payment, freight)`, `freight（运费） “3元” is not a number`},
		{`text(freight)`, `freight（运费） “3元” is not a number`},
		{`confirm_date > modified`, `confirm_date（确认时间） “昨天” is not a time (expected 2006-01-02 15:04:05)`},
		{`latest([confirm_date, modified])`, `confirm_date（确认时间） “昨天” is not a time (expected 2006-01-02 15:04:05)`},
		{`refund / 0`, "the divisor is 0"},
		{`refund / (0.1 - 0.1)`, "the divisor is 0"},
		{`round(refund, 17)`, "round takes 0 to 16 places, found 17"},
	} {
		t.Run(test.source, func(t *testing.T) {
			_, err := evaluate(t, test.source)
			var value *valueError
			require.ErrorAs(t, err, &value)
			assert.Equal(t, test.want, value.Error())
		})
	}
	for _, source := range []string{`find(items, .sku_id == "C").sku_id`, `items[5].sku_id`, `split("a", ",")[3]`} {
		t.Run(source, func(t *testing.T) {
			_, err := evaluate(t, source)
			require.Error(t, err)
			failed := failure("7", nil, nil, err)
			assert.Contains(t, failed.Error(), "order 7: the expression has no result: ")
		})
	}
}

func TestAnExpressionThatNeedsTooMuchMemoryFails(t *testing.T) {
	compiled, mistakes := Compile(refunds, `len(map(items, map(items, .price)))`, OrderScope)
	require.Empty(t, mistakes)
	f := &Flow{Source: Source{Interface: refunds}, items: sorted(compiled.Items)}
	opened := f.open(contract.Order{ID: "7"}, map[string]any{"items": slices.Repeat([]any{map[string]any{}}, 2000)})
	require.NoError(t, opened.err)
	_, err := opened.run(compiled, nil)
	require.ErrorContains(t, err, "memory budget exceeded")
}

func TestEveryFieldOfTheCatalogCanBeNamed(t *testing.T) {
	for _, name := range catalog.Sources() {
		of := catalog.All()[name]
		for _, field := range of.Fields[catalog.Header] {
			if typeFor[KindFor(field.Type)] == nil {
				continue
			}
			compiled, mistakes := Compile(of, field.Name, OrderScope)
			require.Empty(t, mistakes, field.Name)
			assert.Equal(t, KindFor(field.Type), compiled.Kind)
			assert.Contains(t, compiled.Header, field.Name)
		}
		for _, field := range of.Fields[catalog.Items] {
			if typeFor[KindFor(field.Type)] == nil {
				continue
			}
			compiled, mistakes := Compile(of, "item."+field.Name, EntryScope)
			require.Empty(t, mistakes, field.Name)
			assert.Equal(t, KindFor(field.Type), compiled.Kind)
			assert.Contains(t, compiled.Items, field.Name)
		}
	}
}

func TestLiteralsAndArithmeticAreExact(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		draw := func(name string) decimal.Decimal {
			return decimal.New(rapid.Int64Range(0, 1e17).Draw(r, name), -rapid.Int32Range(0, 9).Draw(r, name+" places"))
		}
		left, right := draw("left"), draw("right")
		for operator, want := range map[string]decimal.Decimal{"+": left.Add(right), "-": left.Sub(right), "*": left.Mul(right)} {
			got, err := evaluate(t, left.StringFixed(9)+" "+operator+" "+right.StringFixed(9))
			require.NoError(t, err)
			require.True(t, want.Equal(got.(number).value), "%s %s %s = %s", left, operator, right, got.(number).value)
		}
		got, err := evaluate(t, left.StringFixed(9)+" < "+right.StringFixed(9))
		require.NoError(t, err)
		require.Equal(t, left.LessThan(right), got)
	})
}
