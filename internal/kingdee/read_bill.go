package kingdee

import (
	"context"
	"strings"

	"github.com/shopspring/decimal"

	"refundsync/internal/text"
)

// maxExponent is far above any number's: adding to "1e999999999" would allocate as many
// digits.
const maxExponent = 100

// ReadBill reads fields of the bill with an inner id (FID): a row for each
// line, in order, with a cell for each key; nil for a cell without a value. A bill that
// is not found has no rows.
func (c *Client) ReadBill(ctx context.Context, form BillForm, id string, keys []string) ([][]any, error) {
	rows, err := allRows(ctx, c, BillQuery{
		FormID:       form.ID,
		FieldKeys:    strings.Join(append([]string{form.entryID()}, keys...), ","),
		FilterString: "FID=" + quoteAll([]string{id}),
		OrderString:  form.entryID(),
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

// ByItem adds up the quantities of the lines of one bill by the number of their item, or
// the amounts in a form of money. A bill that is not found has no lines.
func (c *Client) ByItem(ctx context.Context, form BillForm, id string) (map[string]decimal.Decimal, error) {
	keys := []string{form.Item, form.measure()}
	rows, err := c.ReadBill(ctx, form, id, keys)
	if err != nil {
		return nil, err
	}
	sums := map[string]decimal.Decimal{}
	for _, row := range rows {
		for i, key := range keys {
			if cellText(row[i]) == "" {
				return nil, Unreadable(fieldOf(key), id)
			}
		}
		measure, err := cellNumber(keys[1], id, row[1])
		if err != nil {
			return nil, err
		}
		item := cellText(row[0])
		sums[item] = sums[item].Add(measure)
	}
	return sums, nil
}

func cellNumber(key, id string, cell any) (decimal.Decimal, error) {
	number, err := decimal.NewFromString(cellText(cell))
	if err != nil || number.Exponent() < -maxExponent || number.Exponent() > maxExponent {
		return decimal.Decimal{}, malformed(MethodQuery, text.Errorf("%s of the bill with FID %s is not a number", fieldOf(key), id))
	}
	return number, nil
}
