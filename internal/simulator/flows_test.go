package simulator

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
)

// Each gateway shows its shops' orders, and together they show all.
func TestShopsSplitBetweenTheGateways(t *testing.T) {
	whole, _, _ := start(t, Options{Seed: 1, Orders: 200})
	split, _, c := start(t, Options{Seed: 1, Orders: 200, SplitShops: true})
	qimen, open := split.TruthOf(merchant.RefundToReturn), split.TruthOf(merchant.RefundToReturnOpen)
	require.Equal(t, qimen, split.Truth())
	require.Equal(t, whole.Truth(), split.TruthOf(merchant.RefundToReturn, merchant.RefundToReturnOpen))
	require.Less(t, len(qimen), len(whole.Truth()))
	require.Less(t, len(open), len(whole.Truth()))
	require.Greater(t, len(qimen)+len(open), len(whole.Truth()), "some come by both")
	from, to := split.Range()
	ids, _ := c.refunds(from, to)
	require.ElementsMatch(t, slices.Collect(maps.Keys(qimen)), ids)
}

func TestTruthOfAnyFlowIsServed(t *testing.T) {
	s, _, c := start(t, Options{Seed: 1, Orders: 100})
	for _, f := range merchant.Flows {
		var shown struct{ Orders merchant.Truth }
		require.NoError(t, json.Unmarshal(c.get("/_sim/truth?flow="+string(f)), &shown))
		require.Len(t, shown.Orders, len(s.TruthOf(f)))
	}
	response, err := c.client.Get(c.environment["JUSHUITAN_OPEN_URL"] + "/_sim/truth?flow=other")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
}

// Receipts and outbound orders change and are withdrawn after their bills were stored, as
// after-sales orders are.
func TestMovementsChangeAfterTheirBillsAreStored(t *testing.T) {
	for _, f := range []merchant.Flow{merchant.ReceiptToReturn, merchant.SaleoutToOutstock} {
		for _, name := range []faults.Name{faults.SourceOrderChanges, faults.SourceOrderWithdrawn} {
			t.Run(string(f)+" "+string(name), func(t *testing.T) {
				s, _, _ := start(t, Options{Seed: 1, Orders: 200, Faults: faults.Probabilities{name: 1}})
				before := s.TruthOf(f)
				others := s.Truth()
				stored := 0
				for _, number := range slices.Sorted(maps.Keys(before)) {
					if before[number].Bill != nil {
						s.billStored(before[number].Form, number)
						stored++
					}
				}
				require.Equal(t, stored, s.State().Faults[name])
				changed, withdrawn := 0, 0
				for number, e := range s.TruthOf(f) {
					if before[number].Bill != nil {
						require.True(t, e.Modified.After(before[number].Modified))
					}
					if e.Changed {
						changed++
						require.Equal(t, []*merchant.Bill{before[number].Bill}, e.Earlier)
					}
					if e.Withdrawn {
						withdrawn++
					}
				}
				require.Equal(t, name == faults.SourceOrderChanges, changed > 0)
				if name == faults.SourceOrderWithdrawn {
					require.Equal(t, stored, withdrawn)
				}
				require.Equal(t, others, s.Truth(), "the orders stay as they are")
			})
		}
	}
}

func TestOpenPlatformIsServed(t *testing.T) {
	s, _, c := start(t, Options{Seed: 1, Orders: 20})
	require.Contains(t, string(c.read(c.client.PostForm(c.environment["JUSHUITAN_OPEN_URL"]+"/open/refund/single/query", url.Values{}))), `"code":10015`)
	require.Equal(t, 1, s.State().Source.Calls["/open/refund/single/query"])
	require.Equal(t, 1, s.State().Source.Refusals[strconv.Itoa(10015)])
	require.JSONEq(t, `{"ended":0}`, string(c.post("/_sim/tokens/end", "")))
}
