package merchant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// control matches what the vendor's own sample removes from a reply before parsing it.
var control = regexp.MustCompile(`[\x00-\x08\x0b-\x0c\x0e-\x1f]`)

// decode decodes an order as a tolerant client does.
func decode(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(control.ReplaceAll(raw, nil)))
	decoder.UseNumber()
	var fields map[string]any
	require.NoError(t, decoder.Decode(&fields), "%s", raw)
	return fields
}

// text returns a value that came as a string or a number as a string; no value is "".
func text(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

func TestWireMatchesTheOrder(t *testing.T) {
	for _, o := range usual().Orders() {
		got := decode(t, o.AppendJSON(nil, 1, Untidy))
		require.Equal(t, o.ID(), text(got["as_id"]))
		require.Equal(t, o.OuterAsID, got["outer_as_id"])
		require.Equal(t, o.SoID, got["so_id"])
		require.Equal(t, o.Type, got["type"])
		require.Equal(t, o.Shop.Name, got["shop_name"])
		require.Equal(t, fmt.Sprint(o.Warehouse.ID), text(got["wms_co_id"]))
		require.Equal(t, o.Remark, text(got["remark"]))
		require.True(t, strings.HasPrefix(text(got["modified"]), o.Modified.Format("2006-01-02 15:04:05")), got["modified"])
		lines := got["items"].([]any)
		require.Len(t, lines, len(o.Lines))
		for i, want := range o.Lines {
			line := lines[i].(map[string]any)
			require.Equal(t, fmt.Sprint(want.AsiID), text(line["asi_id"]))
			require.Equal(t, want.SKU, line["sku_id"])
			require.Equal(t, want.Name, line["name"])
			require.Equal(t, want.Type, text(line["type"]))
			requireNumber(t, want.Quantity, line["qty"])
			switch {
			case want.MalformedReceived != "":
				require.Equal(t, want.MalformedReceived, line["r_qty"])
			case want.ReceivedAbsent:
				require.Empty(t, text(line["r_qty"]))
			default:
				requireNumber(t, want.Received, line["r_qty"])
			}
			requireNumber(t, want.Damaged, line["defective_qty"])
			requireNumber(t, want.amount(), line["amount"])
			if want.Price.Valid {
				requireNumber(t, want.Price.Decimal, line["price"])
			} else {
				require.Empty(t, text(line["price"]))
			}
			if want.ReceiveDate.IsZero() {
				require.Empty(t, text(line["receive_date"]))
			} else {
				require.True(t, strings.HasPrefix(text(line["receive_date"]), want.ReceiveDate.Format("2006-01-02")))
			}
		}
	}
}

// requireNumber treats no value as 0.
func requireNumber(t *testing.T, want decimal.Decimal, got any) {
	t.Helper()
	if text(got) == "" {
		require.True(t, want.IsZero(), "want %s, got nothing", want)
		return
	}
	d, err := decimal.NewFromString(text(got))
	require.NoError(t, err)
	require.True(t, want.Equal(d), "want %s, got %s", want, d)
}

func TestOddFormsOccur(t *testing.T) {
	wire := wireText(usual(), 1)
	for name, form := range map[string]string{
		"as_id as a number":         `"as_id":7\d+`,
		"as_id as a string":         `"as_id":"7\d+"`,
		"quantity as a string":      `"qty":"\d+"`,
		"quantity with zeros":       `"qty":\d+\.00`,
		"quantity as a fraction":    `"qty":0\.\d`,
		"price of four places":      `"price":"?\d+\.\d{4}`,
		"price without a value":     `"price":(null|"")`,
		"r_qty null":                `"r_qty":null`,
		"r_qty empty":               `"r_qty":""`,
		"r_qty absent":              `"qty":[^,]+,"defective_qty"`,
		"r_qty malformed":           `"r_qty":"3件"`,
		"remark null":               `"remark":null`,
		"confirm_date empty":        `"confirm_date":""`,
		"confirm_date date only":    `"confirm_date":"\d{4}-\d\d-\d\d"`,
		"modified with a fraction":  `"modified":"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d`,
		"shop_id absent":            `"freight":[^,]+,"shop_name"`,
		"type of a line empty":      `"pic":""[^}]*"type":""`,
		"raw control character":     `[\x00-\x08\x0b-\x0c\x0e-\x1f]`,
		"gift by its own SKU":       `"sku_id":"GIFT-BAG"`,
		"combination":               `"combine_sku_id":"COMBO-`,
		"personal data of a buyer":  `"shop_buyer_id":"` + PersonalData,
		"personal data of a person": `"receiver_mobile":"` + PersonalData,
	} {
		assert.True(t, regexp.MustCompile(form).MatchString(wire), name)
	}
}
