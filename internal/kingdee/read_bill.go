package kingdee

import (
	"context"
	"errors"

	"github.com/shopspring/decimal"
)

// maxExponent is far above any quantity's: what is added to "1e999999999" gets as
// many digits.
const maxExponent = 100

// Quantities adds up FRealQty (实退数量) of the lines of one sales return bill by
// the number of their material (FMaterialId). The bill is given by its inner id
// (FID); one that is not there has no lines.
func (c *Client) Quantities(ctx context.Context, formID, id string) (map[string]decimal.Decimal, error) {
	query := BillQuery{
		FormID:       formID,
		FieldKeys:    "FEntity_FEntryID,FMaterialId.FNumber,FRealQty",
		FilterString: "FID=" + quoteAll([]string{id}),
		OrderString:  "FEntity_FEntryID",
		Limit:        findPage,
	}
	quantities := map[string]decimal.Decimal{}
	seen := map[string]bool{}
	for last := false; !last; query.StartRow += findPage {
		rows, err := c.ExecuteBillQuery(ctx, query)
		if err != nil {
			return nil, err
		}
		fresh := 0
		for _, row := range rows {
			if len(row) != 3 {
				return nil, malformed(executeBillQuery, errors.New("a row without its three cells"))
			}
			entry, material := cellText(row[0]), cellText(row[1])
			if seen[entry] {
				continue
			}
			quantity, err := decimal.NewFromString(cellText(row[2]))
			if err != nil || quantity.Exponent() < -maxExponent || quantity.Exponent() > maxExponent {
				return nil, malformed(executeBillQuery, errors.New("FRealQty is no number"))
			}
			seen[entry] = true
			fresh++
			quantities[material] = quantities[material].Add(quantity)
		}
		last = len(rows) < findPage
		if !last && fresh == 0 {
			return nil, malformed(executeBillQuery, errNoPaging)
		}
	}
	return quantities, nil
}
