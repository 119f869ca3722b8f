package activities

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/beijing"
	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/workflows"
)

// askedSource answers each call by what was asked, and writes that down.
type askedSource struct {
	answer func(call int) (jushuitan.Page, error)
	asked  []map[string]string
}

func (s *askedSource) List(_ context.Context, _ *catalog.Interface, params map[string]string) (jushuitan.Page, error) {
	s.asked = append(s.asked, params)
	return s.answer(len(s.asked))
}

func TestReadOrder(t *testing.T) {
	page := func(records ...map[string]any) jushuitan.Page { return jushuitan.Page{PageIndex: 1, Datas: records} }
	threeWeeksAgo := time.Now().AddDate(0, 0, -20).In(beijing.Zone).Truncate(time.Second)
	for _, c := range []struct {
		name      string
		changedAt time.Time
		key       string
		answer    func(call int) (jushuitan.Page, error)
		calls     int
		shown     bool
		reason    string
	}{
		{"as it was", threeWeeksAgo, "as_id", func(int) (jushuitan.Page, error) { return page(record(nil)), nil }, 1, true, ""},
		{"modified in the second week since", threeWeeksAgo, "as_id", func(call int) (jushuitan.Page, error) {
			if call == 2 {
				return page(record(nil)), nil
			}
			return page(), nil
		}, 2, true, ""},
		{"not there any more", threeWeeksAgo, "as_id", func(int) (jushuitan.Page, error) { return page(), nil }, 3, false, ""},
		{"other orders, as if it had not been asked for one", threeWeeksAgo, "as_id", func(int) (jushuitan.Page, error) {
			return page(record(map[string]any{"as_id": "8"})), nil
		}, 1, false, "no_such_filter"},
		{"the source is away", threeWeeksAgo, "as_id", func(int) (jushuitan.Page, error) {
			return page(), failure(fault.Final, "away")
		}, 1, false, "away"},
		{"never modified", time.Time{}, "as_id", nil, 0, false, "no_such_filter"},
		{"of a key that can't be asked for", threeWeeksAgo, "outer_as_id", nil, 0, false, "no_such_filter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t, func(f *flow.Flow) { f.Source.Key = c.key })
			source := &askedSource{answer: c.answer}
			a := &Activities{Flows: flow.Flows{testFlow: f}, Source: source}
			value, err := environment(a).ExecuteActivity(workflows.ReadOrderName,
				workflows.ReadOrderParams{Flow: testFlow, OrderID: "70001", ChangedAt: c.changedAt})
			require.Len(t, source.asked, c.calls)
			// Seven days at most, with a second more on either side.
			const step = 7*24*time.Hour - 2*time.Second
			for i, asked := range source.asked {
				from := c.changedAt.Add(time.Duration(i) * step)
				require.Equal(t, "70001", asked["as_ids"])
				require.Equal(t, "0", asked["date_type"])
				require.Equal(t, from.Add(-time.Second).Format(time.DateTime), asked["start_time"])
				require.Equal(t, from.Add(step).Format(time.DateTime), asked["end_time"], "no gap")
			}
			if c.reason != "" {
				require.ErrorContains(t, err, c.reason)
				return
			}
			require.NoError(t, err)
			var result workflows.ReadOrderResult
			require.NoError(t, value.Get(&result))
			require.Equal(t, f.PickVersion, result.PickVersion)
			require.Equal(t, c.shown, result.Order != nil)
			if c.shown {
				require.Equal(t, pick(t, f, nil).BillHash, result.Order.BillHash)
			}
		})
	}
}
