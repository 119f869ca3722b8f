package reportfile

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/beijing"
	"refundsync/internal/reconcile"
)

// sampleRows makes rows of every kind, the same for the same seed, of so many days.
func sampleRows(seed uint64, rows, days int) iter.Seq2[reconcile.Row, error] {
	return func(yield func(reconcile.Row, error) bool) {
		random := rand.New(rand.NewPCG(seed, seed))
		shops := []struct{ name, customer string }{
			{"天猫旗舰店", "CUST_TMALL"}, {"京东专营店", "CUST_JD"}, {"抖音小店", "CUST_DOUYIN"},
			{"拼多多百货店", "CUST_PDD"}, {"快手小店（华东仓直播专用）", "CUST_KUAISHOU"},
		}
		for i := range rows {
			// One in three rows is not like the others, and all kinds take their turn.
			kind := reconcile.Agrees
			if i%3 == 0 {
				kind = reconcile.Kinds[i/3%len(reconcile.Kinds)]
			}
			shop := shops[random.IntN(len(shops))]
			quantity := decimal.NewFromInt(1 + random.Int64N(4))
			price := decimal.New(990+random.Int64N(40000), -2)
			value := reconcile.Sum{Count: 1, Quantity: quantity, Amount: quantity.Mul(price)}
			number := fmt.Sprintf("700000346%09d", i+1)
			row := reconcile.Row{
				Kind: kind, OrderID: number, OnlineOrder: fmt.Sprintf("26110%014d", i*7919), BillNumber: number,
				Day:  sampleBegin.AddDate(0, 0, random.IntN(days)).Format(time.DateOnly),
				Shop: shop.name, Customer: shop.customer, Warehouse: []string{"CK001", "CK002", "CK003"}[random.IntN(3)],
				Sides: reconcile.Sides{Source: value, Kingdee: value}, Status: "C", Version: "3f9a1c",
			}
			noBill := func(reasons ...string) {
				row.Kingdee, row.Status, row.Version = reconcile.Sum{}, "", ""
				if len(reasons) > 0 {
					row.Reason = reasons[i/33%len(reasons)]
				}
			}
			switch kind {
			case reconcile.Agrees:
				row.NotAudited = i%37 == 1
				if row.NotAudited {
					row.Status = "B"
				}
			case reconcile.Missing:
				noBill()
			case reconcile.Parked:
				noBill("unknown_material", "quantity_wrong", "closed_period", "no_code")
			case reconcile.Unmapped:
				noBill("no_code", "missing_value")
			case reconcile.LeftOut:
				noBill("已作废 (cancelled)", "仅退款，没有退货 (refund only, no goods came back)", "卖家未收到退货 (the seller has not received the goods)")
			case reconcile.Withdrawn:
				row.Reason = "已作废 (cancelled)"
			case reconcile.Void:
				row.Kingdee = reconcile.Sum{}
			case reconcile.Doubled, reconcile.OnlyInKingdee:
				row.Source = reconcile.Sum{}
				if kind == reconcile.Doubled {
					row.BillNumber += "-2"
				}
			case reconcile.OthersBill:
				row.Source, row.OrderID, row.OnlineOrder, row.Shop, row.Version = reconcile.Sum{}, "", "", "", ""
				row.BillNumber = fmt.Sprintf("XSTHD%06d", i)
			case reconcile.Different:
				row.Version, row.OlderFlow = "1b22d0", true
				row.Kingdee.Quantity = quantity.Add(decimal.NewFromInt(1))
				row.Kingdee.Amount = row.Kingdee.Quantity.Mul(price)
				row.Differences = []reconcile.Difference{
					{Field: reconcile.FieldQuantity, Item: "NT6001", Source: quantity.String(), Kingdee: row.Kingdee.Quantity.String()},
					{Field: reconcile.FieldAmount, Item: "NT6001", Source: value.Amount.StringFixed(2), Kingdee: row.Kingdee.Amount.StringFixed(2)},
				}
				switch i % 4 {
				case 0:
					row.Differences = append(row.Differences, reconcile.Difference{Field: reconcile.FieldCustomer, Source: shop.customer, Kingdee: "100"})
				case 1:
					row.Differences = append(row.Differences, reconcile.Difference{Field: reconcile.FieldDate, Source: row.Day, Kingdee: "2026-10-31"})
				case 2:
					row.Differences = append(row.Differences, reconcile.Difference{Field: reconcile.FieldPrice, Item: "TE6005", Source: "33.333333", Kingdee: ""})
				}
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

var sampleBegin = time.Date(2026, 11, 1, 0, 0, 0, 0, beijing.Zone)

// sample makes a report with its rows.
func sample(seed uint64, rows, days int) (reconcile.Report, []reconcile.Row) {
	var made []reconcile.Row
	for row := range sampleRows(seed, rows, days) {
		made = append(made, row)
	}
	first := sampleBegin
	r := reconcile.Report{
		Flow: "refund_to_return", Title: "聚水潭售后单 → 金蝶云星空销售退货单", Version: "3f9a1c", ProgramVersion: "1.0.0",
		From: first, To: first.AddDate(0, 0, days).Add(-time.Second), ReadFrom: first, ReadTo: first.AddDate(0, 0, days+3),
		StartedAt: first.AddDate(0, 0, days+3).Add(6 * time.Hour), EndedAt: first.AddDate(0, 0, days+3).Add(6*time.Hour + 4*time.Minute),
		By: "王会计", WorkflowID: "reconcile/refund_to_return/2026-11-01_2026-11-14", RunID: "019ac1d4-77f1-7c3e-9b61-5c9d1b1f2a30",
	}
	r.Sums = sumsOf(made)
	return r, made
}

// sumsOf adds up rows. Their lines are unknown here, so each has one warehouse.
func sumsOf(rows []reconcile.Row) (sums reconcile.Sums) {
	var warehouses reconcile.Sums
	for _, row := range rows {
		sums.Count(reconcile.Compared{Row: row})
		group := reconcile.Group{Name: row.Warehouse, Sides: row.Sides}
		if row.Kind.Differs() {
			group.Differences = 1
		}
		warehouses.Add(reconcile.Sums{Warehouses: []reconcile.Group{group}})
	}
	sums.Warehouses = warehouses.Warehouses
	return sums
}

// each gives rows one by one.
func each(rows []reconcile.Row) iter.Seq2[reconcile.Row, error] {
	return func(yield func(reconcile.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}
