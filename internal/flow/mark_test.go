package flow_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/flow"
)

var sampleMarks = rapid.Custom(func(t *rapid.T) flow.Mark {
	m := flow.Mark{
		OrderID: rapid.StringN(1, 20, -1).Draw(t, "order"),
		Hash:    rapid.StringMatching(`[0-9a-f]{12}`).Draw(t, "hash"),
		Version: rapid.StringMatching(`[0-9a-f]{6}`).Draw(t, "version"),
	}
	if rapid.Bool().Draw(t, "with a time") {
		m.ChangedAt = time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "changed at"), 0).In(beijing.Zone)
	}
	if rapid.Bool().Draw(t, "with tables") {
		m.Tables = rapid.StringMatching(`[0-9a-f]{6}`).Draw(t, "tables")
	}
	return m
})

// A mark is read back as it was written, with any key and after any text.
func TestMarksAreReadBackAsWritten(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		mark := sampleMarks.Draw(r, "mark")
		before := rapid.OneOf(rapid.String(), rapid.Map(sampleMarks, flow.Mark.String)).Draw(r, "before")
		found, ok := flow.FindMark(before + mark.String())
		require.True(r, ok, mark)
		require.True(r, mark.ChangedAt.Equal(found.ChangedAt))
		found.ChangedAt = mark.ChangedAt
		require.Equal(r, mark, found)
	})
}

func TestTextsWithoutAMark(t *testing.T) {
	for _, text := range []string{
		"", "聚水潭售后单 1 线上订单 2", "[1]", "[1@20240301000000#0123456789ab]", "[@20240301000000#0123456789ab.012345]",
		"[1@20240301000000#0123456789ab.012345] 财务已核对", "[1@20240231000000#0123456789ab.012345]", "[%@#0123456789ab.012345]",
	} {
		_, ok := flow.FindMark(text)
		assert.False(t, ok, text)
	}
}

func TestCompareABillWithAnOrder(t *testing.T) {
	at := time.Date(2024, 3, 2, 10, 11, 12, 0, beijing.Zone)
	order := flow.Mark{OrderID: "7", ChangedAt: at, Hash: "000000000001", Version: "00000a"}
	for _, test := range []struct {
		name   string
		change func(*flow.Mark)
		want   flow.Comparison
	}{
		{"as it is", func(*flow.Mark) {}, flow.Same},
		{"touched since, with nothing in the bill changed", func(m *flow.Mark) { m.ChangedAt = at.Add(-time.Hour) }, flow.Same},
		{"the same bill by another flow", func(m *flow.Mark) { m.Version = "00000b" }, flow.Same},
		{"changed since", func(m *flow.Mark) { m.Hash, m.ChangedAt = "000000000002", at.Add(-time.Second) }, flow.Older},
		{"changed within the second", func(m *flow.Mark) { m.Hash = "000000000002" }, flow.Older},
		{"of a later version", func(m *flow.Mark) { m.Hash, m.ChangedAt = "000000000002", at.Add(time.Second) }, flow.Newer},
		{"changed, or the flow was", func(m *flow.Mark) { m.Hash, m.Version = "000000000002", "00000b" }, flow.OtherFlow},
		{"changed, or tables from Kingdee were", func(m *flow.Mark) { m.Hash, m.Tables = "000000000002", "00000c" }, flow.OtherFlow},
		{"the same bill by other tables", func(m *flow.Mark) { m.Tables = "00000c" }, flow.Same},
		{"of another order", func(m *flow.Mark) { m.OrderID = "8" }, flow.OtherOrder},
		{"of a time unknown", func(m *flow.Mark) { m.Hash, m.ChangedAt = "000000000002", time.Time{} }, flow.Older},
	} {
		t.Run(test.name, func(t *testing.T) {
			bill := order
			test.change(&bill)
			assert.Equal(t, test.want, order.Compare("note "+bill.String()))
		})
	}
	assert.Equal(t, flow.Unmarked, order.Compare("note"))
	timeless := order
	timeless.ChangedAt, timeless.Hash = time.Time{}, "000000000002"
	assert.Equal(t, flow.Older, timeless.Compare(order.String()), "an order without a time can't be told to be the older one")
}

// The hash is over what the bill books: changing anything else does not change it.
func TestTheMarkFollowsWhatIsBooked(t *testing.T) {
	f := builtIn(t)
	order := func(old, new string) contract.Order {
		text := `{"as_id": 1, "so_id": "S", "outer_as_id": "R", "shop_name": "天猫旗舰店", "type": "普通退货", "wms_co_id": 20001, "remark": "a", "modified": "2024-03-02 10:00:00", "confirm_date": "2024-03-01",
			"items": [{"asi_id": 1, "type": "退货", "sku_id": "A", "name": "T恤", "r_qty": 2, "qty": 2, "price": 3}, {"asi_id": 2, "type": "退货", "sku_id": "Z", "r_qty": 1, "qty": 1, "price": 1}]}`
		require.Contains(t, text, old)
		return pick(t, f, strings.Replace(text, old, new, 1))
	}
	as := order(`"as_id"`, `"as_id"`)
	require.NotEmpty(t, as.BillHash)
	bill, err := f.Open(as).Bill()
	require.NoError(t, err)
	assert.Equal(t, f.Mark(as), bill.Mark, "fetched and saved by one flow, an order has one mark")
	assert.True(t, strings.Contains(string(bill.Model), " "+bill.Mark.String()+`"`))

	for _, same := range [][2]string{
		{`"remark": "a"`, `"remark": "b"`}, {`"qty": 2, "price"`, `"qty": 3, "price"`}, {"10:00:00", "11:00:00"}, {`"price": 3`, `"price": "3.0"`},
		{"T恤", "短袖"}, {`"so_id": "S"`, `"so_id": "S2"`}, {`"outer_as_id": "R"`, `"outer_as_id": "R2"`}, {`"asi_id": 1`, `"asi_id": 9`},
		{`"sku_id": "A", "name": "T恤", "r_qty": 2, "qty": 2, "price": 3}, {"asi_id": 2, "type": "退货", "sku_id": "Z", "r_qty": 1, "qty": 1, "price": 1}`,
			`"sku_id": "Z", "r_qty": 1, "qty": 1, "price": 1}, {"asi_id": 2, "type": "退货", "sku_id": "A", "name": "T恤", "r_qty": 2, "qty": 2, "price": 3}`},
	} {
		assert.Equal(t, as.BillHash, order(same[0], same[1]).BillHash, same[1])
	}
	for _, changed := range [][2]string{{`"r_qty": 2`, `"r_qty": 1`}, {`"price": 3`, `"price": 3.01`}, {`"sku_id": "A"`, `"sku_id": "B"`}, {"2024-03-01", "2024-03-02"}, {"天猫旗舰店", "京东专营店"}} {
		assert.NotEqual(t, as.BillHash, order(changed[0], changed[1]).BillHash, changed[1])
	}
	assert.Empty(t, order(`"price": 3`, `"price": "x"`).BillHash, "an order that can't be mapped has none")
}

// Wherever a mark is cut, its remains are not taken for a person's note.
func TestRemainsOfAMark(t *testing.T) {
	for _, tables := range []string{"", "8c17e5"} {
		remainsOf(t, flow.Mark{OrderID: "70001", ChangedAt: beijingTime("2024-03-01"), Hash: "3f9a1c0b77de", Version: "4be012", Tables: tables})
	}
}

func remainsOf(t *testing.T, mark flow.Mark) {
	t.Helper()
	whole := "聚水潭售后单 70001 " + mark.String()
	require.False(t, mark.RemainsIn(whole))
	begins := strings.Index(whole, "[")
	for end := begins + 2; end < len(whole); end++ {
		require.True(t, mark.RemainsIn(whole[:end]), whole[:end])
	}
	for _, signs := range []string{"[]", "#", "@", ".", "[]@#."} {
		cleaned := strings.Map(func(r rune) rune {
			if strings.ContainsRune(signs, r) {
				return -1
			}
			return r
		}, whole)
		require.True(t, mark.RemainsIn(cleaned), cleaned)
	}
	for _, note := range []string{"", "手工录入", "见 [1]", "[a@example.com]", "身份证 110101199003071234", "聚水潭售后单 70001 线上订单 SO1"} {
		require.False(t, mark.RemainsIn(note), note)
	}
}
