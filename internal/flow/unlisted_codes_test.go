package flow_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
)

// builtInWith is the built-in flow with one text replaced.
func builtInWith(t *testing.T, old, text string) *flow.Flow {
	t.Helper()
	source, err := os.ReadFile(builtInPath)
	require.NoError(t, err)
	require.Contains(t, string(source), old)
	changed := strings.Replace(string(source), old, text, 1)
	return load(t, strings.Replace(changed, "tables/warehouses.csv", "warehouses.csv", 1), warehousesCSV)
}

func TestUnlistedCodes(t *testing.T) {
	lines := func(lines ...string) string {
		return `{"as_id": 7, "shop_name": %q, "type": "普通退货", "modified": "2024-03-01 08:00:00", "wms_co_id": %s, "items": [` + strings.Join(lines, ",") + `]}`
	}
	bag := `{"asi_id": 1, "sku_id": "GIFT-BAG", "type": "退货", "qty": 1, "r_qty": 1, "price": 2}`
	mug := `{"asi_id": 2, "sku_id": " MUG\u200b", "type": "退货", "qty": 1, "r_qty": 1, "price": 2}`
	sent := `{"asi_id": 3, "sku_id": "SENT", "type": "换货", "qty": 1, "r_qty": 0, "price": 2}`
	for name, test := range map[string]struct {
		order string
		want  []string // table, code, default
	}{
		"all codes have rows, but for the unit":        {fmt.Sprintf(lines(bag), "天猫旗舰店", "20001"), []string{"units GIFT-BAG Pcs"}},
		"each once, also behind a field that fails":    {fmt.Sprintf(lines(mug, mug), "新店", "29999"), []string{"customers 新店 ", "materials MUG MUG", "units MUG Pcs", "warehouses 29999 "}},
		"lines that are not kept don't count":          {fmt.Sprintf(lines(bag, sent), "天猫旗舰店", "20001"), []string{"units GIFT-BAG Pcs"}},
		"an absent code counts where it has a default": {fmt.Sprintf(lines(strings.Replace(bag, `"GIFT-BAG"`, "null", 1)), "", "null"), []string{"units  Pcs"}},
	} {
		t.Run(name, func(t *testing.T) {
			picked, err := builtInWith(t, "", "").Pick(decode(t, test.order))
			require.NoError(t, err)
			var got []string
			for _, code := range picked.UnlistedCodes() {
				got = append(got, code.Table.Name+" "+code.Code+" "+code.Default())
				assert.Equal(t, code.Default() == "", code.Parks())
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestUnlistedCodesSayWhatToDo(t *testing.T) {
	order := strings.Replace(tmallOrder, "天猫旗舰店", "新店", 1)
	codesOf := func(f *flow.Flow) []flow.UnlistedCode {
		picked, err := f.Pick(decode(t, order))
		require.NoError(t, err)
		return picked.UnlistedCodes()
	}
	code := codesOf(builtInWith(t, "", ""))[0]
	assert.Equal(t, "table customers has no code “新店” and no default", code.Problem().String())
	assert.Contains(t, code.Advice().String(), `"新店": "<Kingdee's code>"`)

	fromKingdee := withKingdeeTable(t)
	codes := codesOf(fromKingdee)
	assert.NotEqual(t, "customers", codes[0].Table.Name, "the table was never read")
	fromKingdee.KingdeeTables[0].Set(flow.NewTableState([]flow.TableEntry{{Code: "新店", Value: "C1", Disabled: true}}))
	code = codesOf(fromKingdee)[0]
	assert.Contains(t, code.Problem().String(), "is disabled or not audited: C1")
	assert.Contains(t, code.Advice().String(), "Audit or enable it")

	// What may be about a person is not shown.
	order = strings.Replace(order, `"as_id"`, `"shop_buyer_id": "buyer-1", "as_id"`, 1)
	private := codesOf(builtInWith(t, "FRetcustId: { field: shop_name, table: customers }", "FRetcustId: { field: shop_buyer_id, table: customers }"))
	require.True(t, private[0].Personal)
	shown, err := json.Marshal([]string{private[0].Code, private[0].Problem().String(), private[0].Advice().String()})
	require.NoError(t, err)
	assert.NotContains(t, string(shown), "buyer-1")
	assert.Contains(t, string(shown), "Add the code to the table")
}
