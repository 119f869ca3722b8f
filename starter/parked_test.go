package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// The list names companies only where there are any.
func TestListedCompanies(t *testing.T) {
	order := func(id, company string) parkedOrder {
		return parkedOrder{Company: company, Flow: "f", shownFailure: showFailure(tally.Failure{ID: id, BillNumber: id, Message: text.New("no material X1")})}
	}
	for _, c := range []struct {
		name   string
		orders []parkedOrder
		named  bool
	}{
		{"none", nil, false},
		{"no company", []parkedOrder{order("1", "")}, false},
		{"one with a company, one without", []parkedOrder{order("1", ""), order("2", "north")}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for form, write := range map[string]func(io.Writer, []parkedOrder) error{
				"table": printParkedTable, "csv": printParkedCSV,
				"json": func(w io.Writer, orders []parkedOrder) error { return writeJSON(w, orders) },
			} {
				var out strings.Builder
				require.NoError(t, write(&out, c.orders))
				require.Equal(t, c.named, strings.Contains(strings.ToLower(out.String()), "company"), form)
				require.Equal(t, c.named, strings.Contains(out.String(), "north"), form)
			}
		})
	}
}

func TestShownParkedOrder(t *testing.T) {
	at := time.Date(2024, 3, 1, 12, 0, 0, 0, beijing.Zone)
	version := workflows.ParkedVersion{Order: contract.Order{ID: "700000691", BillNumber: "R-691"}}
	failure := tally.Failure{Reason: "unknown_material", Message: text.New("no material X1")}
	waiting := workflows.ParkedOrderState{Attempts: 3, NextAttempt: at.Add(time.Hour)}
	held := waiting
	held.Held = []contract.Hold{{By: "wang", Note: "盘点"}}
	for _, c := range []struct {
		name  string
		state workflows.ParkedOrderState
		ended *workflows.ParkedOrderResult
		want  []string
	}{
		{"waiting", waiting, nil, []string{"700000691", "R-691", "2024-03-01 12:00:00", "Kingdee does not know the material (unknown_material)", "no material X1", "attempts     │ 3", "2024-03-01 13:00:00"}},
		{"held", held, nil, []string{"by wang: 盘点"}},
		{"discarded", waiting, &workflows.ParkedOrderResult{Discarded: &workflows.Discard{By: "li", Reason: "手工入账"}}, []string{"discarded by li: 手工入账"}},
		{"left out", waiting, &workflows.ParkedOrderResult{LeftOut: "仅退款"}, []string{"the flow leaves it out: 仅退款"}},
		{"saved", waiting, &workflows.ParkedOrderResult{}, []string{"it has its bill"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			shown := shownOrder{WorkflowID: "parked/f/700000691", Since: at, Ended: c.ended, ParkedOrderState: c.state, Version: shownVersion{version, showFailure(failure)}}
			var out strings.Builder
			shown.print(&out)
			for _, want := range c.want {
				require.Contains(t, out.String(), want)
			}
			require.Equal(t, c.ended == nil, strings.Contains(out.String(), "next attempt"))
		})
	}
}
