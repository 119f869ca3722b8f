package flow_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// sampleLine is a line of a random order, as a reply has it.
type sampleLine struct {
	amount, quantity, defective decimal.Decimal
	returned                    bool
}

// spell writes a number as a reply may: as a number or as text.
func spell(t *rapid.T, d decimal.Decimal) string {
	text := d.StringFixed(-min(d.Exponent(), 0))
	if rapid.Bool().Draw(t, "as text") {
		return `"` + text + `"`
	}
	return text
}

// sampleLines are received in full, up to 9,999 pieces, for any money to the cent.
var sampleLines = rapid.Custom(func(t *rapid.T) sampleLine {
	places := rapid.Int32Range(0, 3).Draw(t, "quantity places")
	most := decimal.New(9999, places).IntPart()
	quantity := rapid.Int64Range(1, most).Draw(t, "quantity")
	return sampleLine{
		amount:    decimal.New(rapid.Int64Range(1, 1e9).Draw(t, "amount"), -2),
		quantity:  decimal.New(quantity, -places),
		defective: decimal.New(rapid.Int64Range(0, quantity).Draw(t, "defective"), -places),
		returned:  rapid.Bool().Draw(t, "returned"),
	}
})

// entry is a line of a bill.
type entry struct {
	FRealQty, FTaxPrice json.Number
	FNote               string
	FStockstatusId      struct{ FNumber string }
}

// Law: the books follow the money refunded. For each line that came back in full, what
// Kingdee computes from the bill's lines (quantity × price, to the cent) is the amount, and
// the quantity is what came back, with the damaged goods separate.
func TestTheBooksFollowTheMoneyRefunded(t *testing.T) {
	f := builtIn(t)
	rapid.Check(t, func(r *rapid.T) {
		lines := rapid.SliceOfN(sampleLines, 1, 6).Draw(r, "lines")
		var items bytes.Buffer
		returned := map[string]sampleLine{}
		for i, line := range lines {
			if i > 0 {
				items.WriteByte(',')
			}
			kind, received := "退货", spell(r, line.quantity)
			if line.returned {
				returned[fmt.Sprint(i)] = line
			} else {
				kind, received = "补发", "0"
			}
			fmt.Fprintf(&items, `{"asi_id": %d, "sku_id": "S%d", "type": %q, "amount": %s, "qty": %s, "r_qty": %s, "defective_qty": %s}`,
				i, i, kind, spell(r, line.amount), spell(r, line.quantity), received, spell(r, line.defective))
		}
		order := pick(t, f, fmt.Sprintf(`{"as_id": 1, "type": "普通退货", "modified": "2024-03-01 00:00:00", "shop_name": "天猫旗舰店", "wms_co_id": 20001, "items": [%s]}`, &items))
		opened := f.Open(order)
		reason, skip, err := opened.Skip()
		require.NoError(r, err)
		require.Equal(r, len(returned) == 0, skip, reason)
		if skip {
			return
		}
		bill, err := opened.Bill()
		require.NoError(r, err)
		var model struct{ FEntity []entry }
		require.NoError(r, json.Unmarshal(bill.Model, &model))
		type sum struct{ quantity, defective, amount decimal.Decimal }
		sums := map[string]sum{}
		for _, got := range model.FEntity {
			quantity, price := decimal.RequireFromString(got.FRealQty.String()), decimal.RequireFromString(got.FTaxPrice.String())
			require.LessOrEqual(r, -price.Exponent(), int32(6))
			s := sums[got.FNote]
			s.quantity, s.amount = s.quantity.Add(quantity), s.amount.Add(quantity.Mul(price).Round(2))
			if got.FStockstatusId.FNumber == "KCZT08_SYS" {
				s.defective = s.defective.Add(quantity)
			}
			sums[got.FNote] = s
		}
		require.Len(r, sums, len(returned))
		for id, want := range returned {
			got := sums[id]
			require.Equal(r, []string{want.quantity.String(), want.defective.String(), want.amount.String()}, []string{got.quantity.String(), got.defective.String(), got.amount.String()})
		}
	})
}

// Law: whatever a reply holds, Pick keeps named fields only, and Skip and Bill give a result
// or a failure that names the order: the same before and after it travels.
func TestNoOrderBreaksTheFlow(t *testing.T) {
	f := builtIn(t)
	value := rapid.SampledFrom([]string{`null`, `""`, `" "`, `0`, `-1`, `1.5`, `1e300`, `"3件"`, `"2024-03-01"`, `"2024-03-01 10:00:00"`, `true`, `[]`, `{}`, `[1]`, `{"phone":"13800000000"}`, `"退货"`, `"仅退款"`})
	names := []string{"as_date", "type", "modified", "shop_name", "wms_co_id", "confirm_date", "outer_as_id", "so_id", "freight", "refund", "status", "receiver_mobile"}
	itemNames := []string{"asi_id", "sku_id", "type", "price", "amount", "qty", "r_qty", "defective_qty", "receive_date", "name", "properties_value", "receiver_mobile"}
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
