package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/beijing"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
	"refundsync/internal/reconcile"
	"refundsync/internal/sighting"
	"refundsync/internal/tally"
	"refundsync/internal/testkit/golden"
	"refundsync/internal/text"
)

// storyFlow is a small flow.
func storyFlow(t *testing.T) *flow.Flow {
	t.Helper()
	folder := t.TempDir()
	base, err := os.ReadFile(filepath.Join("..", "internal", "flowfile", "testdata", "base.yaml"))
	require.NoError(t, err)
	path := filepath.Join(folder, "base.yaml")
	require.NoError(t, os.WriteFile(path, base, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "warehouses.csv"), []byte("code,value\n20001,CK001\n"), 0o600))
	f, err := flowfile.Load(path)
	require.NoError(t, err)
	return f
}

// told is a story of an order at the source, mapped by the flow.
func told(t *testing.T, f *flow.Flow, record string) *orderStory {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(record))
	decoder.UseNumber()
	var order map[string]any
	require.NoError(t, decoder.Decode(&order))
	picked, err := f.Pick(order)
	require.NoError(t, err)
	s := &orderStory{
		form: f.Form, Asked: "700000346", Flow: f.Name, Version: "4be012345678", ReadAt: storyTime(14, 0), OrderID: "700000346", BillNumber: "700000346",
		Source: showSource(f, order, picked.Order), Mapping: &mappingStory{Explanation: picked.Explain()},
		Read: []string{"Kingdee: the bill number 700000346", "Temporal: the runs since 2024-03-02 10:00:00"},
	}
	if failed := fault.As(s.Mapping.Err); failed != nil {
		s.Mapping.Failure = &storyFailure{failed.Reason, failed.Err.Error(), failed.Advice.String()}
	}
	if s.Mapping.Mark != "" {
		s.Mapping.Mark = "[700000346@20240302100000#3f9a1c0b77de.4be012]" // the hash depends on the flow
	}
	return s
}

func storyTime(hour, minute int) time.Time {
	return time.Date(2024, 3, 2, hour, minute, 0, 0, beijing.Zone)
}

// soldLines is an order with a line that is booked and one that is not.
const soldLines = `{"as_id": 700000346, "type": "普通退货", "shop_name": "天猫旗舰店", "wms_co_id": 20001, "modified": "2024-03-02 10:00:00", "items": [
	{"asi_id": 5, "type": "退货", "sku_id": "NT6001", "qty": 2, "r_qty": 2, "price": 19.9, "receive_date": "2024-03-01 08:00:00"},
	{"asi_id": 6, "type": "换货", "sku_id": "NT6002", "qty": 1, "r_qty": 0, "price": 19.9}]}`

func storyBill(status string, quantity int64, asNow bool) billStory {
	price := decimal.RequireFromString("19.9")
	return billStory{
		ID: "100041", Number: "700000346", Status: status, Date: "2024-03-01", Customer: "CUST_TMALL",
		Mark:   &markStory{OrderID: "700000346", ChangedAt: storyTime(10, 0), Version: "4be012", AsNow: asNow},
		Lines:  []kingdee.Line{{Item: "NT6001", Stock: "CK001", Quantity: decimal.NewFromInt(quantity), TaxPrice: price, Amount: price.Mul(decimal.NewFromInt(quantity))}},
		Signed: kingdee.Signatures{Created: kingdee.Signature{By: "sync", At: storyTime(10, 20)}, Modified: kingdee.Signature{By: "sync", At: storyTime(10, 20)}},
	}
}

func storyRun(seen ...sighting.Sighting) runStory {
	return runStory{
		WorkflowID: "base/incremental-2024-03-02T10:20:00Z", StartedAt: storyTime(10, 20), EndedAt: storyTime(10, 21),
		From: storyTime(10, 0), To: storyTime(10, 15), Version: "4be012345678", HistoryRead: true, Seen: seen,
	}
}

func parkedAt(ending string) parkedStory {
	failure := tally.Failure{ID: "700000346", BillNumber: "700000346", Reason: "unknown_code warehouses 30000", Message: text.Literal("table warehouses has no code “30000” and no default")}
	return parkedStory{
		WorkflowID: "parked/base/700000346", Since: storyTime(10, 21), shownFailure: showFailure(failure), Ending: ending,
		Seen: []sighting.Sighting{{At: storyTime(10, 21), Kind: sighting.Parked, Reason: failure.Reason, Message: failure.Message.String()}},
	}
}

// Each state of an order as a person reads it, in 80 columns.
func TestPrintedStories(t *testing.T) {
	f := storyFlow(t)
	read := sighting.Sighting{At: storyTime(10, 20), Kind: sighting.Read}
	saved := sighting.Sighting{At: storyTime(10, 20), Kind: sighting.Done, Outcome: tally.Saved, BillNumber: "700000346", Attempts: 2}
	for name, story := range map[string]func() *orderStory{
		"booked": func() *orderStory {
			s := told(t, f, soldLines)
			bill := storyBill("C", 2, true)
			bill.Signed.Audited = kingdee.Signature{By: "李会计", At: storyTime(12, 0)}
			s.State, s.Bills, s.Runs = string(reconcile.Agrees), []billStory{bill}, []runStory{storyRun(read, saved)}
			s.Sent = &sentStory{At: storyTime(10, 20), Outcome: tally.Saved, Version: "4be012345678", Rebuilt: true}
			s.Comparison = &reconcile.Row{Kind: reconcile.Agrees}
			s.Unknown = []string{"runs and parked orders that ended before 2024-02-28 14:00:00: the server has deleted them (days kept: 3)"}
			return s
		},
		"different": func() *orderStory {
			s := told(t, f, soldLines)
			before := told(t, f, strings.Replace(soldLines, `"r_qty": 2`, `"r_qty": 1`, 1))
			s.State, s.Bills = string(reconcile.Different), []billStory{storyBill("A", 1, false)}
			s.Runs = []runStory{storyRun(read, saved), {WorkflowID: "base/incremental-2024-03-02T10:30:00Z", StartedAt: storyTime(10, 30)}}
			s.Sent = &sentStory{At: storyTime(10, 20), Outcome: tally.Saved, Rebuilt: true, Changed: changedFields(before.Mapping.Fields, s.Mapping.Fields)}
			s.Comparison = &reconcile.Row{Kind: reconcile.Different, NotAudited: true, Differences: []reconcile.Difference{
				{Field: reconcile.FieldQuantity, Item: "NT6001", Source: "2", Kingdee: "1"}, {Field: reconcile.FieldAmount, Source: "39.8", Kingdee: "19.9"},
			}}
			return s
		},
		"left_out": func() *orderStory {
			s := told(t, f, strings.Replace(soldLines, "普通退货", "仅退款", 1))
			s.State, s.Reason = string(reconcile.LeftOut), "仅退款"
			s.Source.Unmet = []jushuitan.Mismatch{{Parameter: "status", Wanted: "Confirmed", Has: "WaitConfirm"}}
			s.Runs = []runStory{storyRun(sighting.Sighting{At: storyTime(10, 20), Kind: sighting.LeftOut, Reason: "仅退款"})}
			return s
		},
		"parked": func() *orderStory {
			s := told(t, f, strings.Replace(soldLines, "20001", "30000", 1))
			attempts, next := 3, storyTime(15, 0)
			parked := parkedAt("")
			parked.Attempts, parked.NextAttempt = &attempts, &next
			s.State, s.Reason, s.Parked = string(reconcile.Parked), parked.Reason, []parkedStory{parked}
			s.Runs = []runStory{storyRun(read, sighting.Sighting{At: storyTime(10, 20), Kind: sighting.Failed, Reason: parked.Reason, Message: parked.Message, Attempts: 1},
				sighting.Sighting{At: storyTime(10, 21), Kind: sighting.Parked})}
			return s
		},
		"discarded": func() *orderStory {
			s := told(t, f, strings.Replace(soldLines, "20001", "30000", 1))
			parked := parkedAt(stateDiscarded)
			parked.EndedAt, parked.By, parked.Note = storyTime(11, 30), "wang", "测试单"
			parked.Seen = append(parked.Seen, sighting.Sighting{At: storyTime(11, 30), Kind: sighting.Discarded, By: "wang", Message: "测试单"})
			s.State, s.Reason, s.Parked = stateDiscarded, "测试单", []parkedStory{parked}
			s.Next = &nextStory{Outcome: stateDiscarded}
			return s
		},
		"withdrawn": func() *orderStory {
			s := told(t, f, strings.Replace(soldLines, "普通退货", "仅退款", 1))
			bill := storyBill("B", 2, false)
			bill.Mark.Version = "9c07de"
			s.State, s.Reason, s.Bills = string(reconcile.Withdrawn), "仅退款", []billStory{bill}
			s.Sent = &sentStory{At: storyTime(10, 20), Outcome: tally.Saved, Version: "9c07de123456"}
			return s
		},
		"unknown": func() *orderStory {
			return &orderStory{form: f.Form, Asked: "SO1", Flow: f.Name, Version: "4be012345678", ReadAt: storyTime(14, 0), State: stateUnknown,
				Read: []string{"Kingdee: the bill number SO1", "Jushuitan: orders with so_id = SO1 that changed from 2023-12-03 14:00:00 to 2024-03-02 14:10:00"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			storyPrinterOf(&out, 80).print(story())
			for line := range strings.SplitSeq(out.String(), "\n") {
				require.LessOrEqual(t, (&runewidth.Condition{}).StringWidth(line), 80, line)
			}
			golden.Equal(t, filepath.Join("order", name+".txt"), out.String())
		})
	}
}
