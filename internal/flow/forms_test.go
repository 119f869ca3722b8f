package flow_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/testkit/golden"
)

const orderOfAnyForm = `{"as_id":700001,"so_id":"SO-1","shop_name":"C1","wms_co_id":20001,"as_date":"2024-03-01 09:00:00","modified":"2024-03-02 10:11:12",
	"items":[{"asi_id":1,"sku_id":"A","qty":2,"price":10.5,"amount":15,"name":"one"},{"asi_id":2,"sku_id":"B","qty":1,"price":7,"amount":7,"name":"two"},
		{"asi_id":3,"sku_id":"A","qty":1,"price":10.5,"amount":0.5,"name":"three"}]}`

// formFlow is the flow of testdata/forms, whose lines are all lines of the order.
func formFlow(t testing.TB, form string) *flow.Flow {
	t.Helper()
	f, err := flowfile.Load("testdata/forms/" + form + ".yaml")
	require.NoError(t, err)
	return f
}

func TestBillsOfAnyForm(t *testing.T) {
	for _, c := range []struct {
		form, amount string
		byItem       map[string]string
		// price is a value of the second line that Kingdee may have changed, by its field.
		field, value, told string
	}{
		{"SAL_OUTSTOCK", "38.5", map[string]string{"A": "3", "B": "1"}, "FTaxPrice", "8", "FTaxPrice[2]: 7 → 8"},
		{"AR_OtherRecAble", "-22.5", map[string]string{"A": "-15.5", "B": "-7"}, "FAMOUNTFOR_D", "-8", "FAMOUNTFOR_D[2]: -7 → -8"},
		{"AR_REFUNDBILL", "22.5", map[string]string{"A": "15.5", "B": "7"}, "FREFUNDAMOUNTFOR", "8", "FREFUNDAMOUNTFOR[2]: 7 → 8"},
	} {
		t.Run(c.form, func(t *testing.T) {
			f := formFlow(t, c.form)
			form := f.Form.Form
			bill, err := f.Open(pick(t, f, orderOfAnyForm)).Bill()
			require.NoError(t, err)
			golden.Equal(t, "forms/"+c.form+".json", string(bill.Model)+"\n")
			require.Equal(t, c.amount, bill.Amount().String())
			byItem := map[string]string{}
			for item, sum := range bill.ByItem() {
				byItem[item] = sum.String()
			}
			require.Equal(t, c.byItem, byItem)
			require.Equal(t, "C1", bill.Customer())
			date, err := bill.Date()
			require.NoError(t, err)
			require.Equal(t, "2024-03-01", date.Format(time.DateOnly))

			// The mark is at the end of the form's note, and a note changes no mark.
			var model map[string]any
			read := json.NewDecoder(bytes.NewReader(bill.Model))
			read.UseNumber()
			require.NoError(t, read.Decode(&model))
			require.True(t, strings.HasSuffix(model[form.Note].(string), bill.Mark.String()))
			noted, err := f.Open(pick(t, f, strings.Replace(orderOfAnyForm, `"one"`, `"another name"`, 1))).Bill()
			require.NoError(t, err)
			require.Equal(t, bill.Mark.Hash, noted.Mark.Hash)
			changed, err := f.Open(pick(t, f, strings.Replace(strings.Replace(orderOfAnyForm, `"amount":7`, `"amount":8`, 1), `"price":7`, `"price":8`, 1))).Bill()
			require.NoError(t, err)
			require.NotEqual(t, bill.Mark.Hash, changed.Mark.Hash)

			// What is read back is compared by meaning.
			keys := bill.ReadBackKeys()
			require.Subset(t, f.ReadBackKeys(), keys)
			var rows [][]any
			for _, entry := range model[string(form.Lines)].([]any) {
				var row []any
				for _, key := range keys {
					name, _, reference := strings.Cut(key, ".")
					value, ok := model[name]
					if !ok {
						value = entry.(map[string]any)[name]
					}
					if object, ok := value.(map[string]any); ok && reference {
						for _, number := range object {
							value = number
						}
					}
					if number, ok := value.(json.Number); ok {
						value = json.Number(decimal.RequireFromString(number.String()).StringFixed(4))
					}
					if name == "FDocumentStatus" {
						value = "A"
					}
					row = append(row, value)
				}
				rows = append(rows, row)
			}
			require.Empty(t, bill.Differences("A", rows))
			for column, key := range keys {
				if key == c.field {
					rows[1][column] = json.Number(c.value)
				}
			}
			differences := bill.Differences("A", rows)
			require.Len(t, differences, 1)
			require.Equal(t, c.told, differences[0].String())
			require.False(t, bill.IsFoundBy(differences[0]))
			require.True(t, bill.IsFoundBy(flow.Difference{Field: form.Note}))

			require.True(t, f.Compares(form.Lines, cmp.Or(form.Quantity, form.Amount)))
			require.Equal(t, []string{"100"}, f.ValuesOf(form.Organisation))
			explained := f.Open(pick(t, f, orderOfAnyForm)).Explain()
			require.NoError(t, explained.Err)
			lines := map[int]bool{}
			for _, field := range explained.Fields {
				if field.Place == form.Lines {
					lines[field.Line] = true
				}
			}
			require.Len(t, lines, 3)
		})
	}
}

func TestOnlyMoneyHasNoQuantity(t *testing.T) {
	for name, money := range map[string]bool{"SAL_RETURNSTOCK": false, "SAL_OUTSTOCK": false, "AR_OtherRecAble": true, "AR_REFUNDBILL": true} {
		require.Equal(t, money, catalog.All()[name].Form.Money(), name)
	}
}

func TestABillOfMoneyIsMovedOutOfAClosedPeriod(t *testing.T) {
	f := formFlow(t, "AR_REFUNDBILL")
	f.ClosedPeriods = flow.ClosedPeriods{MonthClosesOnDay: 3, Then: flow.ClosedFirstOpenDay}
	bill, err := f.Open(pick(t, f, orderOfAnyForm)).Bill()
	require.NoError(t, err)
	moved, err := f.InOpenPeriod(bill, time.Date(2024, 4, 5, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	require.Contains(t, string(moved.Model), `"FDATE":"2024-04-01"`)
	f.ClosedPeriods.Then = flow.ClosedPark
	_, err = f.InOpenPeriod(bill, time.Date(2024, 4, 5, 0, 0, 0, 0, time.UTC))
	require.ErrorContains(t, err, "FDATE")
}
