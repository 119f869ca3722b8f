package jushuitan

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

func TestWhatADateTellsOfTheClock(t *testing.T) {
	sent := time.Date(2024, 3, 1, 12, 0, 0, 500_000_000, beijing)
	after := func(d time.Duration) string { return sent.Add(d).UTC().Format(http.TimeFormat) }
	for _, c := range []struct {
		name  string
		date  string
		took  time.Duration
		known bool
		time  time.Time // at the source when the call began, at least
		ahead time.Duration
	}{
		{"the same second", after(0), 0, true, sent.Add(-500 * time.Millisecond), 0},
		{"written at the end of a long call", after(3 * time.Second), 3 * time.Second, true, sent.Add(-500 * time.Millisecond), 0},
		{"written at its beginning", after(0), 3 * time.Second, true, sent.Add(-3500 * time.Millisecond), 0},
		{"behind", after(-30 * time.Second), 0, true, sent.Add(-30500 * time.Millisecond), -29500 * time.Millisecond},
		{"behind, of a long call", after(-30 * time.Second), 3 * time.Second, true, sent.Add(-33500 * time.Millisecond), -29500 * time.Millisecond},
		{"ahead", after(30 * time.Second), 0, true, sent.Add(29500 * time.Millisecond), 29500 * time.Millisecond},
		{"ahead, of a long call", after(30 * time.Second), 3 * time.Second, true, sent.Add(26500 * time.Millisecond), 26500 * time.Millisecond},
		{"behind, by less than matters", after(-5 * time.Second), 0, true, sent.Add(-5500 * time.Millisecond), 0},
		{"ahead, by less than matters", after(5 * time.Second), 0, true, sent.Add(4500 * time.Millisecond), 0},
		{"none", "", 0, false, time.Time{}, 0},
		{"no date", "yesterday", 0, false, time.Time{}, 0},
		{"in another form", sent.Format(time.RFC3339), 0, false, time.Time{}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := readClock(&http.Response{Header: http.Header{"Date": {c.date}}}, sent, sent.Add(c.took))
			require.Equal(t, c.known, clock.Known())
			require.Equal(t, c.time.UTC(), clock.Time().UTC())
			require.Equal(t, c.ahead, clock.Ahead())
		})
	}
}

// dated has the gateway reply with a Date, or none if the text is empty.
func dated(date string, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		if date != "" {
			w.Header().Set("Date", date)
		}
		handler(w, r)
	}
}

// A difference beyond the gateway's tolerance names both clocks, whether it refused the
// timestamp or not.
func TestClocksTooFarApart(t *testing.T) {
	now := settings("").Now()
	for _, c := range []struct {
		name    string
		ahead   time.Duration
		body    string
		refused bool
	}{
		{"together", 0, emptyPage, false},
		{"tolerated, behind", -9 * time.Minute, emptyPage, false},
		{"tolerated, ahead", 9 * time.Minute, emptyPage, false},
		{"behind", -11 * time.Minute, emptyPage, true},
		{"ahead", 11 * time.Minute, emptyPage, true},
		{"refused by the gateway", -11 * time.Minute, `{"response":{"flag":"failure","code":31,"message":"Invalid Timestamp"}}`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			date := now.Add(c.ahead)
			page, err := gateway(t, dated(date.Format(http.TimeFormat), replyWith(200, c.body))).List(t.Context(), refunds, seedParams())
			if !c.refused {
				require.NoError(t, err)
				require.True(t, date.Equal(page.Clock.Date))
				return
			}
			f := requireFault(t, err, fault.Final, "bad_timestamp")
			for _, text := range []string{"2024-02-29 23:59:30", date.In(beijing).Format(time.DateTime), "NTP"} {
				require.Contains(t, f.Error(), text)
			}
		})
	}
	t.Run("refused, and no Date", func(t *testing.T) {
		_, err := gateway(t, dated("", replyWith(200, `{"response":{"flag":"failure","code":31,"message":"Invalid Timestamp"}}`))).List(t.Context(), refunds, seedParams())
		require.Equal(t, "Invalid Timestamp", requireFault(t, err, fault.Final, "bad_timestamp").Message)
	})
}
