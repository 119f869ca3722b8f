package reportfile

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/reconcile"
)

func TestCSV(t *testing.T) {
	r, rows := sample(1, 100, 14)
	content := string(written(t, "csv", r, rows))
	content, found := strings.CutPrefix(content, "\ufeff")
	require.True(t, found)
	require.Equal(t, len(rows)+1, strings.Count(content, "\r\n"))
	require.Equal(t, len(rows)+1, strings.Count(content, "\n"))
	lines, err := csv.NewReader(strings.NewReader(content)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, "Outcome,Reason,Order,Online order,Kingdee bill,Day,Shop,Customer,Warehouse,Jushuitan: quantity,Jushuitan: amount with tax,Kingdee: quantity,Kingdee: amount with tax,Kingdee less Jushuitan,Bill status,Flow version,Details", strings.Join(lines[0], ","))
	var sums reconcile.Sides
	for i, line := range lines[1:] {
		require.Equal(t, rows[i].Kind.Label().String(), line[0])
		require.Equal(t, rows[i].Day, line[5])
		add := func(sum *decimal.Decimal, field string) {
			if field != "" {
				*sum = sum.Add(decimal.RequireFromString(field))
			}
		}
		add(&sums.Source.Quantity, line[9])
		add(&sums.Source.Amount, line[10])
		add(&sums.Kingdee.Quantity, line[11])
		add(&sums.Kingdee.Amount, line[12])
	}
	for _, c := range [][2]decimal.Decimal{
		{r.Totals.Source.Quantity, sums.Source.Quantity}, {r.Totals.Source.Amount, sums.Source.Amount},
		{r.Totals.Kingdee.Quantity, sums.Kingdee.Quantity}, {r.Totals.Kingdee.Amount, sums.Kingdee.Amount},
	} {
		require.True(t, c[0].Equal(c[1]), "%s is not %s", c[1], c[0])
	}
}

func TestCSVCellsAreNoFormulas(t *testing.T) {
	for _, c := range []struct {
		name  string
		value any
		want  string
	}{
		{"a formula", `=HYPERLINK("x")`, `'=HYPERLINK("x")`},
		{"a formula in a long text", long("=1"), "'=1"},
		{"plus", "+1", "'+1"},
		{"minus", "-1", "'-1"},
		{"at", "@SUM(1)", "'@SUM(1)"},
		{"tab", "\t=1", "' =1"},
		{"carriage return", "\r=1", "' =1"},
		{"a day that is none", day("=1"), "'=1"},
		{"a text", "天猫旗舰店", "天猫旗舰店"},
		{"a long id", id("700000346001234567"), `="700000346001234567"`},
		{"an id that would end the formula", id(`1"&CMD()&"`), `="1""&CMD()&"""`},
		{"no id", id(""), ""},
		{"a negative amount", amount(decimal.RequireFromString("-12.5")), "-12.50"},
		{"an amount with more places", amount(decimal.RequireFromString("33.333333")), "33.333333"},
		{"an amount with zeros", amount(decimal.RequireFromString("33.300000")), "33.30"},
		{"a negative quantity", decimal.RequireFromString("-2.50"), "-2.5"},
		{"a number of orders", 1234, "1234"},
		{"nothing", nil, ""},
	} {
		require.Equal(t, c.want, forCSV(c.value), c.name)
	}
}
