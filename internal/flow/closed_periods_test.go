package flow_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
)

// beijingTime reads a day, or a time of day.
func beijingTime(text string) time.Time {
	layout := time.DateOnly
	if len(text) > len(layout) {
		layout = time.DateTime
	}
	t, err := time.ParseInLocation(layout, text, beijing.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

func TestLastClosedDay(t *testing.T) {
	for _, c := range []struct {
		name   string
		closed flow.ClosedPeriods
		now    string // in Beijing
		want   string // "" for none
	}{
		{"nothing is closed", flow.ClosedPeriods{}, "2024-03-10 00:00:00", ""},
		{"a fixed day", flow.ClosedPeriods{Until: beijingTime("2024-02-29")}, "2024-02-10 00:00:00", "2024-02-29"},
		{"before the closing day", flow.ClosedPeriods{MonthClosesOnDay: 5}, "2024-03-04 23:59:59", "2024-01-31"},
		{"from the first second of the closing day", flow.ClosedPeriods{MonthClosesOnDay: 5}, "2024-03-05 00:00:00", "2024-02-29"},
		{"in a year without a leap day", flow.ClosedPeriods{MonthClosesOnDay: 5}, "2023-03-05 00:00:00", "2023-02-28"},
		{"on the last day of the month", flow.ClosedPeriods{MonthClosesOnDay: 5}, "2024-03-31 23:59:59", "2024-02-29"},
		{"closes on the first", flow.ClosedPeriods{MonthClosesOnDay: 1}, "2024-03-01 00:00:00", "2024-02-29"},
		{"closes on the 28th", flow.ClosedPeriods{MonthClosesOnDay: 28}, "2024-02-27 23:59:59", "2023-12-31"},
		{"before the closing day of January", flow.ClosedPeriods{MonthClosesOnDay: 5}, "2024-01-04 12:00:00", "2023-11-30"},
		{"from the closing day of January on", flow.ClosedPeriods{MonthClosesOnDay: 5}, "2024-01-05 12:00:00", "2023-12-31"},
		{"the fixed day is later", flow.ClosedPeriods{Until: beijingTime("2024-03-15"), MonthClosesOnDay: 5}, "2024-03-20 00:00:00", "2024-03-15"},
		{"the rule is later", flow.ClosedPeriods{Until: beijingTime("2023-12-31"), MonthClosesOnDay: 5}, "2024-03-20 00:00:00", "2024-02-29"},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := beijingTime(c.now)
			got := ""
			// The machine's time zone makes no difference.
			for _, at := range []time.Time{now, now.UTC(), now.In(time.FixedZone("", -11*3600))} {
				got = ""
				if last := c.closed.LastDay(at); !last.IsZero() {
					got = last.Format(time.DateTime)
				}
				require.Equal(t, c.want, strings.TrimSuffix(got, " 00:00:00"))
			}
		})
	}
}

// closing is the flow of base.yaml with closed periods.
func closing(t *testing.T, keys string) *flow.Flow {
	t.Helper()
	f := load(t, strings.Replace(base(t), "checks:\n", "checks:\n  closed_periods: { "+keys+" }\n", 1), warehousesCSV)
	return f
}

func received(t *testing.T, f *flow.Flow, date string) flow.Bill {
	t.Helper()
	bill, err := f.Open(pick(t, f, `{"as_id": 70001, "shop_name": "天猫旗舰店", "wms_co_id": "20001",
		"items": [{"sku_id": "A<1>", "type": "退货", "r_qty": "1.50", "price": 1, "receive_date": "`+date+`"}]}`)).Bill()
	require.NoError(t, err)
	return bill
}

func TestClosedPeriodsAreReadFromTheFlow(t *testing.T) {
	require.Equal(t, flow.ClosedPeriods{Until: beijingTime("2024-02-29"), Then: flow.ClosedPark}, closing(t, "until: 2024-02-29").ClosedPeriods)
	require.Equal(t, flow.ClosedPeriods{Until: beijingTime("2024-02-29"), MonthClosesOnDay: 28, Then: flow.ClosedFirstOpenDay},
		closing(t, `until: "2024-02-29", month_closes_on_day: 28, then: first_open_day`).ClosedPeriods)

	f := closing(t, "month_closes_on_day: 5")
	_, err := f.Open(pick(t, f, `{"as_id": 1, "items": [{"sku_id": "A", "type": "退货", "r_qty": 1, "price": 1}]}`)).Bill()
	require.ErrorContains(t, err, "receive_date", "without a date there is no telling in which period a bill would be")
}

func TestInOpenPeriod(t *testing.T) {
	for _, c := range []struct {
		name string
		keys string
		date string // when the goods were received
		now  string
		want string // FDate; "" if the bill must not be saved
	}{
		{"in an open month", "month_closes_on_day: 5", "2024-03-01 00:00:00", "2024-03-05 00:00:00", "2024-03-01"},
		{"in the month before, still open", "month_closes_on_day: 5", "2024-02-29 23:59:59", "2024-03-04 23:59:59", "2024-02-29"},
		{"in the month before, closed", "month_closes_on_day: 5", "2024-02-29 23:59:59", "2024-03-05 00:00:00", ""},
		{"long ago", "month_closes_on_day: 5", "2021-01-01 00:00:00", "2024-03-05 00:00:00", ""},
		{"on the day that is closed by hand", `until: "2024-02-29"`, "2024-02-29 12:00:00", "2024-02-29 12:00:00", ""},
		{"on the day after", `until: "2024-02-29"`, "2024-03-01 00:00:00", "2024-02-29 12:00:00", "2024-03-01"},
		{"moved to the first open day", "month_closes_on_day: 5, then: first_open_day", "2024-02-29 23:59:59", "2024-03-05 00:00:00", "2024-03-01"},
		{"moved over the turn of a year", "month_closes_on_day: 5, then: first_open_day", "2023-12-31 12:00:00", "2024-01-20 00:00:00", "2024-01-01"},
		{"not moved while it is open", "month_closes_on_day: 5, then: first_open_day", "2024-02-20 12:00:00", "2024-03-04 23:59:59", "2024-02-20"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := closing(t, c.keys)
			bill := received(t, f, c.date)
			open, err := f.InOpenPeriod(bill, beijingTime(c.now))
			if c.want == "" {
				failed := fault.As(err)
				require.NotNil(t, failed, "%v", err)
				require.Equal(t, fault.Final, failed.Class)
				require.Equal(t, contract.ReasonClosedPeriod, failed.Reason)
				require.Equal(t, "FDate", failed.Field)
				require.Contains(t, failed.Error(), c.date[:10])
				return
			}
			require.NoError(t, err)
			require.Equal(t, bill.Number, open.Number)
			want := strings.Replace(string(bill.Model), `"FDate":"`+c.date[:10]+`"`, `"FDate":"`+c.want+`"`, 1)
			require.Equal(t, want, string(open.Model), "nothing but the date changes")
		})
	}
}

// Law: whatever is closed and whenever a bill is saved, it is dated to an open day or not
// saved, and a bill of an open day stays as it is.
func TestNoBillIsDatedToAClosedDay(t *testing.T) {
	flows := map[string]*flow.Flow{flow.ClosedPark: closing(t, "until: 2024-01-01"), flow.ClosedFirstOpenDay: closing(t, "until: 2024-01-01, then: first_open_day")}
	seconds := rapid.Int64Range(beijingTime("2019-12-30").Unix(), beijingTime("2029-01-03").Unix())
	rapid.Check(t, func(r *rapid.T) {
		f := *flows[rapid.SampledFrom([]string{flow.ClosedPark, flow.ClosedFirstOpenDay}).Draw(r, "then")]
		f.ClosedPeriods.Until = time.Time{}
		if rapid.Bool().Draw(r, "has until") {
			y, m, d := time.Unix(seconds.Draw(r, "until"), 0).In(beijing.Zone).Date()
			f.ClosedPeriods.Until = time.Date(y, m, d, 0, 0, 0, 0, beijing.Zone)
		}
		f.ClosedPeriods.MonthClosesOnDay = rapid.IntRange(0, 28).Draw(r, "month_closes_on_day")
		now := time.Unix(seconds.Draw(r, "now"), 0)
		bill := received(t, &f, time.Unix(seconds.Draw(r, "date"), 0).In(beijing.Zone).Format(time.DateTime))

		closed := f.ClosedPeriods.LastDay(now)
		isOpen := func(bill flow.Bill) bool { return dateOf(r, bill).After(closed) }
		open, err := f.InOpenPeriod(bill, now)
		switch {
		case isOpen(bill):
			require.NoError(r, err)
			require.Equal(r, string(bill.Model), string(open.Model))
		case f.ClosedPeriods.Then == flow.ClosedPark:
			require.Equal(r, contract.ReasonClosedPeriod, fault.As(err).Reason)
			require.Empty(r, open.Model)
		default:
			require.NoError(r, err)
			require.True(r, isOpen(open))
			require.Equal(r, closed.AddDate(0, 0, 1), dateOf(r, open), "no later than need be")
		}
		if rule := f.ClosedPeriods.MonthClosesOnDay; rule > 0 && f.ClosedPeriods.Until.IsZero() {
			require.Equal(r, 1, closed.AddDate(0, 0, 1).Day(), "whole months are closed")
			require.True(r, closed.Before(now), "today is never closed by the rule")
		}
	})
}

func dateOf(t require.TestingT, bill flow.Bill) time.Time {
	var model struct{ FDate string }
	require.NoError(t, json.Unmarshal(bill.Model, &model))
	date, err := time.ParseInLocation(time.DateOnly, model.FDate, beijing.Zone)
	require.NoError(t, err)
	return date
}
