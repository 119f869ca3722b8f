package activities

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/fault"
	"refundsync/internal/jushuitan"
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

// What a page holds has a bound, whatever its orders hold: the ones that do not
// fit stay behind, each with what to do, and the rest of the page goes on.
func TestFetchPageBoundsWhatTravels(t *testing.T) {
	for _, c := range []struct {
		name   string
		orders int
		items  []any
		change map[string]any
		advice string // of those that did not fit
	}{
		{"an order of 5,000 lines", 1, lines(5000, 4), nil, ""},
		{"100 orders of 50 lines", 100, lines(50, 4), nil, ""},
		{"6 orders of 350 noisy lines are too much for a page", 6, lines(350, 600), nil, "page_size"},
		{"an order over half a MiB of noise", 1, lines(1000, 600), nil, "请在金蝶手工录入"},
		{"a field over half a MiB of noise", 1, nil, map[string]any{"so_id": lines(1, 1<<20)[0].(map[string]any)["name"]}, "请在金蝶手工录入"},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := jushuitan.Page{PageIndex: 1, PageCount: 1, DataCount: c.orders + 1}
			for i := range c.orders {
				fields := map[string]any{"as_id": fmt.Sprint(i)}
				if c.items != nil {
					fields["items"] = c.items
				}
				for name, value := range c.change {
					fields[name] = value
				}
				page.Datas = append(page.Datas, record(fields))
			}
			page.Datas = append(page.Datas, record(map[string]any{"as_id": "small"}))
			result, err := fetchPage(t, &fakeSource{page: page}, 1)
			require.NoError(t, err)
			raw, err := json.Marshal(result)
			require.NoError(t, err)
			require.Less(t, len(raw), 2<<20)
			require.Equal(t, "small", result.Orders[len(result.Orders)-1].ID)
			require.Len(t, result.Failed, c.orders+1-len(result.Orders))
			for _, failed := range result.Failed {
				require.Equal(t, reasonOrderTooLarge, failed.Reason)
				require.Equal(t, failed.ID, failed.BillNumber)
				require.Contains(t, failed.Message, c.advice)
				require.Less(t, len(failed.Message), 1000)
			}
			if c.advice == "" {
				require.Empty(t, result.Failed)
			} else {
				require.NotEmpty(t, result.Failed)
			}
		})
	}
}

// Orders that are left out take no room from those that are to be saved.
func TestFetchPageGivesRoomToWhatIsToBeSaved(t *testing.T) {
	const leftOut = 6
	noisy := lines(350, 600)
	page := jushuitan.Page{PageIndex: 1, PageCount: 1, DataCount: leftOut + 1}
	for i := range leftOut {
		page.Datas = append(page.Datas, record(map[string]any{"as_id": fmt.Sprint(i), "type": "仅退款", "items": noisy}))
	}
	page.Datas = append(page.Datas, record(map[string]any{"as_id": "last", "items": noisy}))
	result, err := fetchPage(t, &fakeSource{page: page}, 1)
	require.NoError(t, err)
	require.Empty(t, result.Failed)
	require.Len(t, result.Orders, 1)
	require.Len(t, result.Skipped, leftOut)
	require.NotNil(t, result.Skipped[0].Order)
	require.Nil(t, result.Skipped[leftOut-1].Order)
	raw, err := json.Marshal(result)
	require.NoError(t, err)
	require.Less(t, len(raw), 2<<20)
}

func TestLongMessagesAreCut(t *testing.T) {
	_, err := fetchPage(t, &fakeSource{err: &fault.Error{Class: fault.Final, Reason: "http_status", Message: strings.Repeat("长", 5000)}}, 1)
	var application *temporal.ApplicationError
	require.ErrorAs(t, err, &application)
	require.Equal(t, "http_status", application.Type())
	require.Equal(t, 1001, utf8.RuneCountInString(application.Message()))
}
