package catalog

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/beijing"
)

func TestParse(t *testing.T) {
	number := func(text string) decimal.Decimal { return decimal.RequireFromString(text) }
	at := func(year int, month time.Month, day, hour, minute, second, nanosecond int) time.Time {
		return time.Date(year, month, day, hour, minute, second, nanosecond, beijing.Zone)
	}
	for _, test := range []struct {
		name string
		typ  Type
		raw  any
		want any
	}{
		{"null", Decimal, nil, nil},
		{"empty text", Decimal, "", nil},
		{"blank text", Text, "  ", nil},
		{"empty time", Time, "", nil},
		{"empty bool", Bool, "", nil},

		{"text", Text, "退货", "退货"},
		{"text with blanks around", Text, " A-1\n", "A-1"},
		{"a key as a number", Text, json.Number("9007199254740993"), "9007199254740993"},
		{"a key as a number with a fraction of nothing", Text, json.Number("123.0"), "123"},
		{"a key in scientific notation", Text, json.Number("1.23e5"), "123000"},
		{"a reference", Reference, "CK001", "CK001"},

		{"a decimal as a number", Decimal, json.Number("12.50"), number("12.5")},
		{"a decimal as text", Decimal, " 12.50 ", number("12.5")},
		{"a decimal beyond binary floating point", Decimal, "0.1000000000000000055511151231257827", number("0.1000000000000000055511151231257827")},
		{"a negative decimal", Decimal, json.Number("-0.01"), number("-0.01")},
		{"zero", Decimal, json.Number("0"), number("0")},
		{"an integer", Integer, "5.0", number("5")},

		{"a time", Time, "2024-03-01 09:08:07", at(2024, 3, 1, 9, 8, 7, 0)},
		{"a time with a fraction", Time, "2024-03-01 09:08:07.123", at(2024, 3, 1, 9, 8, 7, 123e6)},
		{"a day alone", Time, "2024-03-01", at(2024, 3, 1, 0, 0, 0, 0)},
		{"a time with a T", Time, "2024-03-01T09:08:07", at(2024, 3, 1, 9, 8, 7, 0)},
		{"a time with a zone", Time, "2024-03-01T01:08:07Z", at(2024, 3, 1, 9, 8, 7, 0)},
		{"a time without seconds", Time, "2024-03-01 09:08", at(2024, 3, 1, 9, 8, 0, 0)},
		{"a time of single digits", Time, "2024-3-1 9:8:7", at(2024, 3, 1, 9, 8, 7, 0)},
		{"a time with slashes", Time, "2024/03/01 09:08:07.5", at(2024, 3, 1, 9, 8, 7, 5e8)},
		{"a time with slashes and single digits", Time, "2024/3/1 9:08", at(2024, 3, 1, 9, 8, 0, 0)},
		{"a day with slashes", Time, "2024/3/1", at(2024, 3, 1, 0, 0, 0, 0)},
		{"a time with a T, without seconds", Time, "2024-03-01T09:08", at(2024, 3, 1, 9, 8, 0, 0)},
		{"no time, as .NET writes it", Time, "0001-01-01 00:00:00", nil},
		{"no time, with a zone", Time, "0001-01-01T00:00:00+08:00", nil},
		{"no time, with slashes", Time, "0001/1/1 0:00:00", nil},
		{"no time, as SQL Server writes it", Time, "1900-01-01 00:00:00.000", nil},
		{"no time, the first that SQL Server knows", Time, "1753-01-01 00:00:00", nil},
		{"no time, as Unix counts", Time, "1970-01-01 08:00:00", nil},
		{"no time, as MySQL writes it", Time, "0000-00-00 00:00:00", nil},
		{"no date", Date, "1900-01-01", nil},
		{"a date", Date, "2024-03-01 23:59:59", at(2024, 3, 1, 0, 0, 0, 0)},
		{"a date with a zone", Date, "2024-02-29T16:00:00Z", at(2024, 3, 1, 0, 0, 0, 0)},

		{"true", Bool, true, true},
		{"true as text", Bool, "true", true},
		{"true as text with a capital", Bool, "True", true},
		{"true as a number", Bool, json.Number("1"), true},
		{"true as a number in text", Bool, "1", true},
		{"false", Bool, false, false},
		{"false as text", Bool, "false", false},
		{"false as a number", Bool, json.Number("0"), false},
		{"false as a number in text", Bool, "0", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.typ.Parse(test.raw)
			require.NoError(t, err)
			if want, ok := test.want.(decimal.Decimal); ok {
				require.IsType(t, want, got)
				assert.Equal(t, want.String(), got.(decimal.Decimal).String())
				return
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		typ  Type
		raw  any
		want error
	}{
		{"words for a number", Decimal, "3件", errNotNumber},
		{"a thousands separator", Decimal, "1,234.50", errNotNumber},
		{"a hexadecimal number", Decimal, "0x10", errNotNumber},
		{"a bool for a number", Decimal, true, errNotNumber},
		{"a list for a number", Decimal, []any{}, errNotNumber},
		{"not a number", Decimal, "NaN", errNotNumber},
		{"infinity", Decimal, "Infinity", errNotNumber},
		{"a number that has thousands of digits", Decimal, json.Number("1e9999"), errHugeNumber},
		{"a key that has thousands of digits", Text, json.Number("1e9999"), errHugeNumber},
		{"a fraction that has thousands of digits", Decimal, "1e-9999", errHugeNumber},
		{"a very long number", Decimal, strings.Repeat("9", 65), errHugeNumber},
		{"an integer with a fraction", Integer, "1.5", errNotWhole},
		{"words for an integer", Integer, "x", errNotNumber},
		{"a bool for text", Text, true, errNotText},
		{"an object for text", Text, map[string]any{}, errNotText},
		{"words for a time", Time, "昨天", errNotTime},
		{"a number for a time", Time, json.Number("1709254800"), errNotTime},
		{"an impossible day", Time, "2024-02-30 00:00:00", errNotTime},
		{"a year before all of this", Time, "1900-01-02 00:00:00", errOddYear},
		{"a year of five digits", Time, "12024-03-01 00:00:00", errNotTime},
		{"a day before the year", Time, "1/3/2024", errNotTime},
		{"a month of no year", Time, "2024/13/01", errNotTime},
		{"words for a date", Date, "x", errNotTime},
		{"words for a bool", Bool, "yes", errNotBool},
		{"two for a bool", Bool, json.Number("2"), errNotBool},
		{"a list for a bool", Bool, []any{}, errNotBool},
		{"a list", List, []any{}, errNotOneValue},
		{"an object", Object, map[string]any{}, errNotOneValue},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.typ.Parse(test.raw)
			assert.Nil(t, got)
			assert.Same(t, test.want, err)
			var parseError *ParseError
			require.ErrorAs(t, err, &parseError)
			assert.NotContains(t, err.Error(), "3件", "the value itself may be private")
		})
	}
}

func TestParseErrorIsAPredicate(t *testing.T) {
	_, err := Decimal.Parse("3件")
	assert.EqualError(t, err, "is not a number")
}

func TestEveryDecimalIsReadExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := decimal.New(rapid.Int64().Draw(t, "coefficient"), rapid.Int32Range(-12, 6).Draw(t, "exponent"))
		var raw any = want.String()
		if rapid.Bool().Draw(t, "as a number") {
			raw = json.Number(want.String())
		}
		got, err := Decimal.Parse(raw)
		require.NoError(t, err)
		require.True(t, want.Equal(got.(decimal.Decimal)), "%s became %s", want, got)
	})
}

func TestEveryTimeIsReadExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := time.Unix(rapid.Int64Range(24*60*60, 4e9).Draw(t, "seconds"), 0).In(beijing.Zone)
		layout := rapid.SampledFrom([]string{time.DateTime, "2006/01/02 15:04:05", "2006-1-2 15:4:5", "2006/1/2 15:04:05"}).Draw(t, "layout")
		got, err := Time.Parse(want.Format(layout))
		require.NoError(t, err)
		require.True(t, want.Equal(got.(time.Time)))
	})
}

func TestToTheSecond(t *testing.T) {
	for raw, want := range map[any]bool{
		"2024-03-01 09:08:07": true, "2024/3/1 9:8:7.5": true, "2024-03-01T09:08:07Z": true,
		"2024-03-01 09:08": false, "2024-03-01": false, "": false, nil: false, 7: false,
	} {
		assert.Equal(t, want, ToTheSecond(raw), raw)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`null`, `""`, `"3件"`, `12.50`, `"12.50"`, `1e999999999`, `"2024-03-01 09:08:07.5"`, `"true"`, `1`, `[]`, `{}`, `"0001-01-01"`} {
		f.Add(seed)
	}
	types := []Type{Text, Decimal, Integer, Time, Date, Bool, Reference, Object, List, "unknown"}
	f.Fuzz(func(t *testing.T, document string) {
		decoder := json.NewDecoder(strings.NewReader(document))
		decoder.UseNumber()
		var raw any
		if decoder.Decode(&raw) != nil {
			return
		}
		for _, typ := range types {
			value, err := typ.Parse(raw)
			if err != nil {
				var parseError *ParseError
				if !errors.As(err, &parseError) || value != nil {
					t.Fatalf("%s: %v, %v", typ, value, err)
				}
				continue
			}
			if number, ok := value.(decimal.Decimal); ok {
				if again, err := typ.Parse(number.String()); err != nil || !again.(decimal.Decimal).Equal(number) {
					t.Fatalf("%s: %s is read back as %v, %v", typ, number, again, err)
				}
			}
			if at, ok := value.(time.Time); ok && at.Location() != beijing.Zone {
				t.Fatalf("%s: %v is not in Beijing time", typ, at)
			}
		}
	})
}
