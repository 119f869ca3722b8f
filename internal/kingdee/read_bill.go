package kingdee

import (
	"context"
	"strings"

	"github.com/shopspring/decimal"

	"refundsync/internal/text"
)

// maxExponent is far above any quantity's: adding to "1e999999999" would allocate as many
// digits.
const maxExponent = 100

// ReadBill reads fields of the sales return bill with an inner id (FID): a row for each
// line, in order, with a cell for each key; nil for a cell without a value. A bill that
// is not found has no rows.
func (c *Client) ReadBill(ctx context.Context, formID, id string, keys []string) ([][]any, error) {
	rows, err := allRows(ctx, c, BillQuery{
		FormID:       formID,
		FieldKeys:    strings.Join(append([]string{"FEntity_FEntryID"}, keys...), ","),
		FilterString: "FID=" + quoteAll([]string{id}),
		OrderString:  "FEntity_FEntryID",
	})
	if err != nil {
		return nil, err
	}
	for i := range rows {
		rows[i] = rows[i][1:]
		for cell := range rows[i] {
			if noValue(rows[i][cell]) {
				rows[i][cell] = nil
			}
		}
	}
	return rows, nil
}

// Quantities adds up FRealQty (实退数量) of the lines of one bill by the number of
// their material (FMaterialId). A bill that is not found has no lines.
func (c *Client) Quantities(ctx context.Context, formID, id string) (map[string]decimal.Decimal, error) {
	rows, err := c.ReadBill(ctx, formID, id, []string{"FMaterialId.FNumber", "FRealQty"})
	if err != nil {
		return nil, err
	}
	quantities := map[string]decimal.Decimal{}
	for _, row := range rows {
		for i, field := range []string{"FMaterialId", "FRealQty"} {
			if cellText(row[i]) == "" {
				return nil, Unreadable(field, id)
			}
		}
		material := cellText(row[0])
		quantity, err := decimal.NewFromString(cellText(row[1]))
		if err != nil || quantity.Exponent() < -maxExponent || quantity.Exponent() > maxExponent {
			return nil, malformed(MethodQuery, text.Errorf("FRealQty (实退数量) is not a number"))
		}
		quantities[material] = quantities[material].Add(quantity)
	}
	return quantities, nil
}
