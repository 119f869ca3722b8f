package flow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// sampleLine is a line of a random order, as its reply spells it.
type sampleLine struct {
	price, quantity decimal.Decimal
	returned        bool
}

// spell writes a number as a reply may: as a number or as text.
func spell(t *rapid.T, d decimal.Decimal) string {
	text := d.StringFixed(-min(d.Exponent(), 0))
	if rapid.Bool().Draw(t, "as text") {
		return `"` + text + `"`
	}
	return text
}

var sampleLines = rapid.Custom(func(t *rapid.T) sampleLine {
	return sampleLine{
		price:    decimal.New(rapid.Int64Range(0, 1e12).Draw(t, "price"), -rapid.Int32Range(0, 6).Draw(t, "price places")),
		quantity: decimal.New(rapid.Int64Range(0, 1e6).Draw(t, "quantity"), -rapid.Int32Range(0, 3).Draw(t, "quantity places")),
		returned: rapid.Bool().Draw(t, "returned"),
	}
})

// entry is a line of a bill.
type entry struct {
	FRealQty, FTaxPrice, FAmount json.Number
	FIsFree                      bool
}

// Every amount is exact from Jushuitan's reply to the bill; a line's FAmount is its
// price times its received quantity to 2 places; the lines kept are those returned
// and received, in their order.
func TestAmountsAreExactFromReplyToBill(t *testing.T) {
	f := builtIn(t)
	rapid.Check(t, func(r *rapid.T) {
		lines := rapid.SliceOfN(sampleLines, 1, 6).Draw(r, "lines")
		var items bytes.Buffer
		var want []sampleLine
		for i, line := range lines {
			if i > 0 {
				items.WriteByte(',')
			}
			kind := "退货"
			if !line.returned {
				kind = "补发"
			}
			fmt.Fprintf(&items, `{"asi_id": %d, "sku_id": "S%d", "type": %q, "price": %s, "r_qty": %s}`, i, i, kind, spell(r, line.price), spell(r, line.quantity))
			if line.returned && line.quantity.IsPositive() {
				want = append(want, line)
			}
		}
		order := pick(t, f, fmt.Sprintf(`{"as_id": 1, "type": "普通退货", "modified": "2024-03-01 00:00:00", "shop_name": "x", "wms_co_id": 1, "items": [%s]}`, &items))
		opened := f.Open(order)
		reason, skip, err := opened.Skip()
		require.NoError(r, err)
		require.Equal(r, len(want) == 0, skip, reason)
		if skip {
			return
		}
		bill, err := opened.Bill()
		require.NoError(r, err)
		var model struct{ FEntity []entry }
		decoder := json.NewDecoder(bytes.NewReader(bill.Model))
		decoder.UseNumber()
		require.NoError(r, decoder.Decode(&model))
		require.Len(r, model.FEntity, len(want))
		var sum, wantSum decimal.Decimal
		for i, got := range model.FEntity {
			exact := func(want decimal.Decimal, got json.Number) {
				require.True(r, want.Equal(decimal.RequireFromString(got.String())), "%s became %s", want, got)
			}
			amount := want[i].price.Mul(want[i].quantity).Round(2)
			exact(want[i].quantity, got.FRealQty)
			exact(want[i].price, got.FTaxPrice)
			exact(amount, got.FAmount)
			require.Equal(r, want[i].price.IsZero(), got.FIsFree)
			sum, wantSum = sum.Add(decimal.RequireFromString(got.FAmount.String())), wantSum.Add(amount)
		}
		require.True(r, wantSum.Equal(sum))
	})
}

// Whatever a reply holds, Pick keeps named fields only, and Skip and Bill come to an
// end with a result or a failure that names the order: the same for the order as it
// was picked and as it arrives.
func TestNoOrderBreaksTheFlow(t *testing.T) {
	f := builtIn(t)
	value := rapid.SampledFrom([]string{`null`, `""`, `" "`, `0`, `-1`, `1.5`, `1e300`, `"3件"`, `"2024-03-01"`, `"2024-03-01 10:00:00"`, `true`, `[]`, `{}`, `[1]`, `{"phone":"13800000000"}`, `"退货"`, `"仅退款"`})
	names := []string{"as_date", "type", "modified", "shop_name", "wms_co_id", "confirm_date", "outer_as_id", "so_id", "receiver_mobile"}
	itemNames := []string{"asi_id", "sku_id", "type", "price", "r_qty", "receive_date", "name", "properties_value", "receiver_mobile"}
	object := func(t *rapid.T, names []string) string {
		text := "{"
		for i, name := range names {
			if i > 0 {
				text += ","
			}
			text += fmt.Sprintf("%q:%s", name, value.Draw(t, name))
		}
		return text + "}"
	}
	rapid.Check(t, func(r *rapid.T) {
		items := value.Draw(r, "items")
		if rapid.Bool().Draw(r, "lines") {
			items = "[" + object(r, itemNames) + "," + object(r, itemNames) + "]"
		}
		header := object(r, names)
		picked, err := f.Pick(decode(t, `{"as_id":"ORDER-1","items":`+items+","+header[1:]))
		require.NoError(r, err)
		order := travel(t, picked.Order)
		require.NotContains(r, string(order.Fields), "13800000000")
		require.NotContains(r, string(order.Fields), "receiver_mobile")
		opened := f.Open(order)
		reason, skip, err := opened.Skip()
		if err != nil {
			require.ErrorContains(r, err, "ORDER-1")
		}
		pickedReason, pickedSkip, pickedErr := picked.Skip()
		require.Equal(r, []any{reason, skip, fmt.Sprint(err)}, []any{pickedReason, pickedSkip, fmt.Sprint(pickedErr)})
		bill, err := opened.Bill()
		pickedBill, pickedErr := picked.Bill()
		require.Equal(r, []any{bill.Number, string(bill.Model), fmt.Sprint(err)}, []any{pickedBill.Number, string(pickedBill.Model), fmt.Sprint(pickedErr)})
		if err != nil {
			require.ErrorContains(r, err, "ORDER-1")
			return
		}
		require.False(r, skip && len(bill.Model) == 0)
		require.True(r, json.Valid(bill.Model))
		require.Equal(r, "ORDER-1", bill.Number)
	})
}
