package flow_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
)

// withKingdeeTable is the built-in flow whose customers come from Kingdee.
func withKingdeeTable(t testing.TB) *flow.Flow {
	t.Helper()
	text, err := os.ReadFile(builtInPath)
	require.NoError(t, err)
	start := strings.Index(string(text), "    values:\n      天猫旗舰店")
	end := strings.Index(string(text), "  # By wms_co_id")
	require.Less(t, start, end)
	changed := string(text[:start]) + "    from: kingdee\n    form: BD_Customer\n    by: FName\n    value: FNumber\n    where: \"FUseOrgId.FNumber = '100'\"\n" + string(text[end:])
	return load(t, strings.Replace(changed, "tables/warehouses.csv", "warehouses.csv", 1), warehousesCSV)
}

func TestKingdeeTableIsRead(t *testing.T) {
	f := withKingdeeTable(t)
	require.Len(t, f.KingdeeTables, 1)
	table := f.KingdeeTables[0]
	assert.Equal(t, []string{"customers", "BD_Customer", "FCUSTID", "FName", "FNumber", "FUseOrgId.FNumber = '100'"},
		[]string{table.Name, table.Form, table.Key, table.By, table.Value, table.Where})
	assert.Equal(t, 15*time.Minute, table.Refresh)
	assert.Nil(t, table.State())
	sent := f.SentFields()
	i := slices.IndexFunc(sent, func(s flow.SentField) bool { return s.Name == "FRetcustId" })
	assert.Same(t, table, sent[i].Table.Kingdee)
	assert.Empty(t, sent[i].Values)
	table.Set(flow.NewTableState([]flow.TableEntry{{Code: "天猫旗舰店", Value: "C2"}, {Code: "京东", Value: "C1"}}))
	assert.Equal(t, []string{"C1", "C2"}, f.SentFields()[i].Values)
}

const tmallOrder = `{"as_id": 7, "shop_name": "天猫旗舰店", "type": "普通退货", "modified": "2024-03-01 08:00:00", "wms_co_id": 20001,
	"items": [{"asi_id": 1, "sku_id": "S", "type": "退货", "r_qty": 1, "price": 2}]}`

func TestAnOrderWaitsForATableThatWasNotRead(t *testing.T) {
	f := withKingdeeTable(t)
	order := pick(t, f, tmallOrder)
	assert.Empty(t, order.BillHash)
	_, err := f.Open(order).Bill()
	require.Equal(t, fault.Retry, fault.As(err).Class)
	require.Equal(t, "table_unread", fault.As(err).Reason)
	require.Same(t, f.KingdeeTables[0], flow.LackingTable(err))
	require.ErrorContains(t, err, "customers")
}

func TestWhatATableFromKingdeeLacks(t *testing.T) {
	for _, test := range []struct {
		name    string
		entries []flow.TableEntry
		says    string
	}{
		{"the code", []flow.TableEntry{{"京东", "C1", false}}, "has no code “天猫旗舰店”"},
		{"one value", []flow.TableEntry{{"天猫旗舰店", "C1", false}, {"天猫旗舰店", "C2", false}}, "stands for several values: C1, C2"},
		{"an entry in use", []flow.TableEntry{{"天猫旗舰店", "C1", true}}, "is disabled or not audited: C1"},
		{"a value", []flow.TableEntry{{"天猫旗舰店", "", false}}, "the FNumber of code “天猫旗舰店” is empty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := withKingdeeTable(t)
			f.KingdeeTables[0].Set(flow.NewTableState(test.entries))
			_, err := f.Open(pick(t, f, tmallOrder)).Bill()
			require.Equal(t, fault.Final, fault.As(err).Class)
			require.Equal(t, "unknown_code customers 天猫旗舰店", fault.As(err).Reason)
			require.Same(t, f.KingdeeTables[0], flow.LackingTable(err))
			require.ErrorContains(t, err, test.says)
			require.Contains(t, fault.As(err).Advice.String(), "Kingdee")
		})
	}
	f := withKingdeeTable(t)
	f.KingdeeTables[0].Set(flow.NewTableState([]flow.TableEntry{{"天猫旗舰店", "C1", false}}))
	_, err := f.Open(pick(t, f, strings.Replace(tmallOrder, `"price": 2`, `"price": "x"`, 1))).Bill()
	require.Error(t, err)
	require.Nil(t, flow.LackingTable(err), "another failure")
}

// An order keeps the table that it began with, and the next order takes the new one. The
// bill's mark then tells that the mapping has changed, not the order.
func TestAnOrderIsMappedByOneStateOfATable(t *testing.T) {
	f := withKingdeeTable(t)
	customers := f.KingdeeTables[0]
	set := func(customer string) {
		customers.Set(flow.NewTableState([]flow.TableEntry{{"天猫旗舰店", customer, false}, {"京东", "C9", false}}))
	}
	set("C1")
	order := pick(t, f, tmallOrder)
	opened := f.Open(order)
	first, err := opened.Translate(&flow.Table{Name: "customers", Kingdee: customers}, "天猫旗舰店", false)
	require.NoError(t, err)
	set("C2")
	bill, err := opened.Bill()
	require.NoError(t, err)
	require.Equal(t, "C1", first)
	require.Contains(t, string(bill.Model), `"FRetcustId":{"FNumber":"C1"}`)

	later, err := f.Open(order).Bill()
	require.NoError(t, err)
	require.Contains(t, string(later.Model), `"FRetcustId":{"FNumber":"C2"}`)
	require.Equal(t, flow.OtherFlow, later.Mark.Compare(bill.Mark.String()), "the table gives another customer")
	require.Equal(t, f.Version[:6], later.Mark.Version)
	require.NotEqual(t, bill.Mark.Tables, later.Mark.Tables)

	customers.Set(flow.NewTableState([]flow.TableEntry{{"天猫旗舰店", "C2", false}, {"京东", "C10", false}, {"抖音", "C11", false}}))
	same, err := f.Open(order).Bill()
	require.NoError(t, err)
	require.Equal(t, later.Mark, same.Mark, "what other orders are translated into does not matter")
	changed, err := f.Open(pick(t, f, strings.Replace(tmallOrder, `"r_qty": 1`, `"r_qty": 2`, 1))).Bill()
	require.NoError(t, err)
	require.Equal(t, flow.Older, changed.Mark.Compare(later.Mark.String()), "the order has changed")
}
