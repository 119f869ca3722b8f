package reconcile

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func amount(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func line(material, warehouse, quantity, price string) Line {
	l := Line{Item: material, Warehouse: warehouse, Quantity: amount(quantity), Price: amount(price)}
	l.Amount = l.Quantity.Mul(l.Price).Round(2)
	return l
}

var all = Rules{Customer: true, Date: true, Quantity: true, Price: true, Warehouse: true, Amount: true}

func anOrder(change ...func(*Order)) Order {
	o := Order{
		ID: "1", Shop: "shop", Numbers: []string{"1"}, ChangedOn: "2024-03-02", Version: "abcdef", Customer: "C", Date: "2024-03-01",
		Lines:     []Line{line("A", "W1", "2", "19.9"), line("B", "W2", "1", "5")},
		Announced: Sum{Quantity: amount("3"), Amount: amount("44.8")},
	}
	for _, c := range change {
		c(&o)
	}
	return o
}

func aBill(change ...func(*Bill)) Bill {
	b := Bill{
		ID: 100, Number: "1", Date: "2024-03-01", Status: "A", OrderID: "1", Version: "abcdef", Customer: "C",
		Lines: []Line{line("B", "W2", "1.0", "5.00"), line("A", "W1", "2", "19.90")},
	}
	for _, c := range change {
		c(&b)
	}
	return b
}

func TestCompare(t *testing.T) {
	audited, tolerant, dateless := all, all, all
	audited.Audited = true
	tolerant.Tolerance = amount("0.01")
	dateless.Moved = func(date, booked string) bool { return date == "2024-03-01" && booked == "2024-04-01" }
	bills := func(bills ...Bill) []Bill { return bills }
	for _, c := range []struct {
		name        string
		rules       Rules
		order       Order
		bills       []Bill
		kinds       []Kind
		reason      string
		differences []Difference
		own         []int64
	}{
		{"the same, in another order of lines", all, anOrder(), bills(aBill()), []Kind{Agrees}, "", nil, []int64{100}},
		{"the bill of an earlier version", all, anOrder(), bills(aBill(func(b *Bill) { b.Version = "000000" })), []Kind{Agrees}, "", nil, []int64{100}},
		{"no bill", all, anOrder(), nil, []Kind{Missing}, "", nil, nil},
		{"parked", all, anOrder(func(o *Order) { o.Parked = "order_changed" }), nil, []Kind{Parked}, "order_changed", nil, nil},
		{"parked, and can't be mapped", all, anOrder(func(o *Order) { o.Parked, o.Unmapped = "unknown_code", "unknown_code" }), nil, []Kind{Parked}, "unknown_code", nil, nil},
		{"can't be mapped", all, anOrder(func(o *Order) { o.Unmapped = "unknown_code" }), nil, []Kind{Unmapped}, "unknown_code", nil, nil},
		{"can't be mapped any more", all, anOrder(func(o *Order) { o.Unmapped = "unknown_code" }), bills(aBill()), []Kind{Different}, "unknown_code", nil, []int64{100}},
		{"left out", all, anOrder(func(o *Order) { o.LeftOut = "cancelled" }), nil, []Kind{LeftOut}, "cancelled", nil, nil},
		{"left out with a bill", all, anOrder(func(o *Order) { o.LeftOut = "cancelled" }), bills(aBill()), []Kind{Withdrawn}, "cancelled", nil, []int64{100}},
		{"left out with a bill that a person made", all, anOrder(func(o *Order) { o.LeftOut = "cancelled" }), bills(aBill(func(b *Bill) { b.OrderID = "" })), []Kind{LeftOut}, "cancelled", nil, nil},
		{"left out with a void bill", all, anOrder(func(o *Order) { o.LeftOut = "cancelled" }), bills(aBill(func(b *Bill) { b.Void = true })), []Kind{LeftOut}, "cancelled", nil, []int64{100}},
		{"discarded", all, anOrder(func(o *Order) { o.Discarded = true }), nil, []Kind{LeftOut}, "discarded", nil, nil},
		{"discarded, and can't be mapped", all, anOrder(func(o *Order) { o.Discarded, o.Unmapped = true, "unknown_code" }), nil, []Kind{LeftOut}, "discarded", nil, nil},
		{"discarded with a void bill", all, anOrder(func(o *Order) { o.Discarded = true }), bills(aBill(func(b *Bill) { b.Void = true })), []Kind{LeftOut}, "discarded", nil, []int64{100}},
		{"discarded with a bill", all, anOrder(func(o *Order) { o.Discarded = true }), bills(aBill()), []Kind{Agrees}, "", nil, []int64{100}},
		{"void", all, anOrder(), bills(aBill(func(b *Bill) { b.Void = true })), []Kind{Void}, "", nil, []int64{100}},
		{"void and a good one", all, anOrder(), bills(aBill(func(b *Bill) { b.Void = true }), aBill(func(b *Bill) { b.ID = 101 })), []Kind{Agrees}, "", nil, []int64{100, 101}},
		{"two of one number", all, anOrder(), bills(aBill(), aBill(func(b *Bill) { b.ID = 101 })), []Kind{Agrees, Doubled}, "", nil, []int64{100, 101}},
		{"a person's under the number before the order's own", all, anOrder(), bills(aBill(func(b *Bill) { b.ID, b.OrderID = 99, "" }), aBill()), []Kind{Agrees, Doubled}, "", nil, []int64{100, 99}},
		{"a person's, with the same goods", all, anOrder(), bills(aBill(func(b *Bill) { b.OrderID, b.Version = "", "" })), []Kind{Agrees}, "", nil, []int64{100}},
		{"another order's under the number", all, anOrder(), bills(aBill(func(b *Bill) { b.OrderID = "9" })), []Kind{Different}, "", []Difference{{FieldOrder, "", "1", "9"}}, []int64{100}},
		{"customer", all, anOrder(), bills(aBill(func(b *Bill) { b.Customer = "D" })), []Kind{Different}, "", []Difference{{FieldCustomer, "", "C", "D"}}, []int64{100}},
		{"date", all, anOrder(), bills(aBill(func(b *Bill) { b.Date = "2024-04-01" })), []Kind{Different}, "", []Difference{{FieldDate, "", "2024-03-01", "2024-04-01"}}, []int64{100}},
		{"a date that a closed period explains", dateless, anOrder(), bills(aBill(func(b *Bill) { b.Date = "2024-04-01" })), []Kind{Agrees}, "", nil, []int64{100}},
		{"quantity", all, anOrder(), bills(aBill(func(b *Bill) { b.Lines[0] = line("B", "W2", "3", "5") })), []Kind{Different}, "", []Difference{
			{FieldQuantity, "B", "1", "3"}, {FieldAmount, "B", "5", "15"}, {FieldTotal, "", "44.8", "54.8"},
		}, []int64{100}},
		{"price", all, anOrder(), bills(aBill(func(b *Bill) { b.Lines[0] = line("B", "W2", "1", "5.5") })), []Kind{Different}, "", []Difference{
			{FieldPrice, "B", "5", "5.5"}, {FieldAmount, "B", "5", "5.5"}, {FieldTotal, "", "44.8", "45.3"},
		}, []int64{100}},
		{"warehouse", all, anOrder(), bills(aBill(func(b *Bill) { b.Lines[0].Warehouse = "W9" })), []Kind{Different}, "", []Difference{{FieldWarehouse, "B", "W2", "W9"}}, []int64{100}},
		{"part of a line in another warehouse", all, anOrder(), bills(aBill(func(b *Bill) {
			b.Lines = []Line{line("A", "W1", "1", "19.9"), line("A", "W9", "1", "19.9"), line("B", "W2", "1", "5")}
		})), []Kind{Different}, "", []Difference{{FieldWarehouse, "A", "W1", "W1 × 1, W9 × 1"}}, []int64{100}},
		{"another material", all, anOrder(), bills(aBill(func(b *Bill) { b.Lines[0].Item = "X" })), []Kind{Different}, "", []Difference{
			{FieldQuantity, "B", "1", "0"}, {FieldAmount, "B", "5", "0"}, {FieldQuantity, "X", "0", "1"}, {FieldAmount, "X", "0", "5"},
		}, []int64{100}},
		{"an amount that Kingdee rounds otherwise", all, anOrder(), bills(aBill(func(b *Bill) { b.Lines[0].Amount = amount("5.01") })), []Kind{Different}, "", []Difference{
			{FieldAmount, "B", "5", "5.01"}, {FieldTotal, "", "44.8", "44.81"},
		}, []int64{100}},
		{"the same within the tolerance", tolerant, anOrder(), bills(aBill(func(b *Bill) { b.Lines[0].Amount = amount("5.01") })), []Kind{Agrees}, "", nil, []int64{100}},
		{"prices expected to differ", Rules{Quantity: true}, anOrder(), bills(aBill(func(b *Bill) { b.Customer, b.Lines[0] = "D", line("B", "W9", "1", "7") })), []Kind{Agrees}, "", nil, []int64{100}},
		{"not audited", audited, anOrder(), bills(aBill()), []Kind{Agrees}, "", nil, []int64{100}},
		{"supplemented", all, anOrder(func(o *Order) { o.Numbers = []string{"1", "1-2", "1-3"} }), bills(
			aBill(func(b *Bill) { b.Lines = b.Lines[1:] }),
			aBill(func(b *Bill) { b.ID, b.Number, b.Date, b.Lines = 101, "1-2", "2024-03-09", b.Lines[:1] }),
		), []Kind{Agrees}, "", nil, []int64{100, 101}},
		{"a person's under a supplement's number", all, anOrder(func(o *Order) { o.Numbers = []string{"1", "1-2"} }), bills(
			aBill(), aBill(func(b *Bill) { b.ID, b.Number, b.OrderID = 101, "1-2", "" }),
		), []Kind{Agrees}, "", nil, []int64{100}},
		{"a number in another case", all, anOrder(func(o *Order) { o.Numbers = []string{"th1"} }), bills(aBill(func(b *Bill) { b.Number = "TH1" })), []Kind{Agrees}, "", nil, []int64{100}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, own := c.rules.Compare(c.order, c.bills)
			var kinds []Kind
			for _, row := range rows {
				kinds = append(kinds, row.Kind)
			}
			require.Equal(t, c.kinds, kinds)
			require.Equal(t, c.reason, rows[0].Reason)
			require.Equal(t, c.differences, rows[0].Differences)
			require.Equal(t, c.own, own)
			require.Equal(t, c.rules.Audited, rows[0].NotAudited)
			require.Equal(t, rows[0].Version == "000000", rows[0].OlderFlow)
			require.Equal(t, 1, rows[0].Source.Count)
			if rows[0].Kind == LeftOut || rows[0].Kind == Void || rows[0].Kind == Missing {
				require.Zero(t, rows[0].Kingdee.Count)
				require.True(t, rows[0].Kingdee.Amount.IsZero(), "a void bill books nothing")
			}
		})
	}
}

func TestManyDifferencesAreCut(t *testing.T) {
	order := anOrder()
	for i := range 100 {
		order.Lines = append(order.Lines, line(string(rune('a'+i)), "W1", "1", "1"))
	}
	rows, _ := all.Compare(order, []Bill{aBill()})
	require.Len(t, rows[0].Differences, MostDifferences)
	require.Equal(t, 201-MostDifferences, rows[0].MoreDifferences)
}

// Law: sums of parts add up to the sums of the whole, whatever the parts are; and totals are
// the sums of kinds, days, shops and warehouses.
func TestSumsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var whole, added Sums
		for range rapid.IntRange(0, 4).Draw(t, "parts") {
			var part Sums
			for range rapid.IntRange(0, 5).Draw(t, "rows") {
				order := anOrder(func(o *Order) {
					o.Shop = rapid.SampledFrom([]string{"", "s1", "s2"}).Draw(t, "shop")
					o.LeftOut = rapid.SampledFrom([]string{"", "cancelled"}).Draw(t, "left out")
				})
				bills := []Bill{aBill(func(b *Bill) {
					b.Date = rapid.SampledFrom([]string{"2024-03-01", "2024-03-02"}).Draw(t, "date")
					b.Lines[0].Warehouse = rapid.SampledFrom([]string{"", "W1", "W9"}).Draw(t, "warehouse")
				})}[rapid.IntRange(0, 1).Draw(t, "no bill"):]
				rows, _ := all.Compare(order, bills)
				for _, row := range rows {
					part.Count(row)
					whole.Count(row)
				}
			}
			added.Add(part)
		}
		require.Equal(t, shown(whole), shown(added))
		var kinds, days, shops, warehouses Sides
		for _, kind := range whole.Kinds {
			kinds.Add(kind.Sides)
		}
		for sides, groups := range map[*Sides][]Group{&days: whole.Days, &shops: whole.Shops, &warehouses: whole.Warehouses} {
			for _, group := range groups {
				sides.Add(group.Sides)
			}
		}
		for _, sides := range []Sides{kinds, days, shops, warehouses} {
			require.Equal(t, whole.Totals.Source.Count, sides.Source.Count)
			require.Equal(t, whole.Totals.Kingdee.Count, sides.Kingdee.Count)
			require.True(t, whole.Totals.Source.Amount.Equal(sides.Source.Amount))
			require.True(t, whole.Totals.Kingdee.Amount.Equal(sides.Kingdee.Amount))
			require.True(t, whole.Totals.Source.Quantity.Equal(sides.Source.Quantity))
			require.True(t, whole.Totals.Kingdee.Quantity.Equal(sides.Kingdee.Quantity))
		}
	})
}

// shown is the sums as JSON has them, in which equal numbers look alike.
func shown(sums Sums) string {
	raw, err := json.Marshal(sums)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// Law: ids and rows travel unchanged.
func TestPackedListsTravelUnchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfDistinct(rapid.Int64Range(0, 1<<40), func(id int64) int64 { return id }).Draw(t, "ids")
		unpacked, err := UnpackIDs(PackIDs(ids))
		require.NoError(t, err)
		slices.Sort(ids)
		require.ElementsMatch(t, ids, unpacked)
		require.True(t, slices.IsSorted(unpacked))
	})
	row := Row{Kind: Different, OrderID: "1", Differences: []Difference{{FieldDate, "", "a", "b"}}}
	rows, err := UnpackRows(PackRows([]Row{row}))
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Equal(t, row.Differences, rows[0].Differences)
	_, err = UnpackRows([]byte("no gzip"))
	require.Error(t, err)
}
