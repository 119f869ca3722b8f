package activities

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/fault"
)

// lines are n good lines of an order; their names don't compress below half a
// line's noise, in bytes.
func lines(n, noise int) []any {
	rng := rand.New(rand.NewPCG(1, uint64(noise)))
	items := make([]any, n)
	for i := range items {
		name := make([]byte, noise)
		for j := range name {
			name[j] = byte('!' + rng.IntN(90))
		}
		items[i] = map[string]any{
			"asi_id": json.Number(fmt.Sprint(1 + i)), "sku_id": fmt.Sprintf("SKU-%d", i), "type": "退货", "qty": json.Number("1"),
			"r_qty": json.Number("1"), "price": "19.90", "name": string(name),
		}
	}
	return items
}

// notReceived are the same lines of goods that did not come back.
func notReceived(items []any) []any {
	for _, item := range items {
		item.(map[string]any)["r_qty"] = json.Number("0")
	}
	return items
}

// What one result holds has a bound, whatever the orders hold: a page without room for
// all is read in parts, from its end to its beginning. Only an order that could never
// travel stays behind, with what to do.
func TestFetchPageBoundsWhatTravels(t *testing.T) {
	noise := lines(1, 1<<20)[0].(map[string]any)["name"]
	for _, c := range []struct {
		name   string
		orders int
		items  []any
		change map[string]any
		parts  int
		tooBig int
	}{
		{"an order of 5,000 lines", 1, lines(5000, 4), nil, 1, 0},
		{"100 orders of 50 lines", 100, lines(50, 4), nil, 1, 0},
		{"6 orders of 350 noisy lines are too much for a page", 6, lines(350, 600), nil, 2, 0},
		{"orders to leave out take room as well", 6, notReceived(lines(350, 600)), map[string]any{"type": "仅退款"}, 2, 0},
		{"an order over half a MiB of noise", 1, lines(1000, 600), nil, 1, 1},
		{"five of them take no room", 5, lines(1000, 600), nil, 1, 5},
		{"a field over half a MiB of noise", 1, nil, map[string]any{"so_id": noise}, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := pageOf()
			var ids []string
			for i := range c.orders + 1 {
				fields := map[string]any{"as_id": fmt.Sprint(i)}
				if i < c.orders {
					if c.items != nil {
						fields["items"] = c.items
					}
					maps.Copy(fields, c.change)
				}
				ids = append(ids, fmt.Sprint(i))
				source.page.Datas = append(source.page.Datas, record(fields))
			}
			var shown, failed []string
			parts, rest := 0, 0
			for more := true; more; more = rest > 0 {
				result, err := fetchRows(t, source, 1, rest)
				require.NoError(t, err)
				raw, err := json.Marshal(result)
				require.NoError(t, err)
				require.Less(t, len(raw), 2<<20)
				if rest > 0 {
					require.Less(t, result.Rest, rest)
				}
				var part []string
				for _, skipped := range result.Skipped {
					require.NotNil(t, skipped.Order, "whether it has a bill is looked up")
					part = append(part, skipped.ID)
				}
				part = append(part, idsOf(result.Orders)...)
				for _, f := range result.Failed {
					require.Equal(t, reasonOrderTooLarge, f.Reason)
					require.Equal(t, f.ID, f.BillNumber)
					require.Contains(t, f.Message.String(), "Enter its bill by hand")
					require.Less(t, len(f.Message.String()), 1000)
					failed = append(failed, f.ID)
				}
				shown = append(part, shown...)
				parts, rest = parts+1, result.Rest
			}
			require.Equal(t, c.parts, parts)
			require.Equal(t, ids[:c.tooBig], append([]string{}, failed...))
			require.Equal(t, ids[c.tooBig:], shown)
		})
	}
}

// An order that is left out and could never travel is left out all the same; no bill of
// it is looked for.
func TestFetchPageLeavesOutWhatIsTooLargeToTravel(t *testing.T) {
	page, err := fetchPage(t, pageOf(record(map[string]any{"type": "仅退款", "items": notReceived(lines(1000, 600))})), 1)
	require.NoError(t, err)
	require.Empty(t, page.Failed)
	require.Len(t, page.Skipped, 1)
	require.Nil(t, page.Skipped[0].Order)
}

// Rows that change move behind the others, so that a page of row versions is read on from
// the last row that had room, and not by counting rows.
func TestFetchPageReadsOnFromTheLastRowVersionThatHadRoom(t *testing.T) {
	source := &fakeSource{}
	noisy := lines(350, 600)
	for i := range 6 {
		modified := "2024-03-01 08:00:00"
		if i == 1 {
			modified = "2024-03-01 13:00:00"
		}
		source.page.Datas = append(source.page.Datas, record(map[string]any{
			"as_id": fmt.Sprint(i), "ts": fmt.Sprint(101 + i), "modified": modified, "items": noisy,
		}))
	}
	page, err := fetchVersions(t, source)
	require.NoError(t, err)
	fits := len(page.Orders)
	require.Less(t, fits, 6)
	require.Zero(t, page.Rest)
	require.True(t, page.More)
	require.Equal(t, int64(100+fits), page.LastTS)
	require.Equal(t, int64(101), page.StableTS)
	require.Equal(t, fmt.Sprint(fits-1), page.Orders[fits-1].ID)
}

func TestLongMessagesAreCut(t *testing.T) {
	_, err := fetchPage(t, &fakeSource{err: &fault.Error{Class: fault.Final, Reason: "http_status", Message: strings.Repeat("长", 5000)}}, 1)
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, "http_status", application.Type())
	require.Equal(t, 1001, utf8.RuneCountInString(application.Message()))
}
