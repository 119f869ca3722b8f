package jushuitan

import (
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/simulator/openplatform"
	"refundsync/internal/simulator/qimen"
	simulated "refundsync/internal/simulator/source"
)

// Law: however the source spells its replies, a page is read correctly or fails with a
// class that is retried.
func TestOddRepliesOfTheSimulator(t *testing.T) {
	from := time.Date(2024, 3, 1, 0, 0, 0, 0, beijing)
	orders := merchant.New(merchant.Options{Seed: 1, Orders: 25, From: from, Days: 2}).Orders()
	for _, name := range []faults.Name{
		faults.SourceCallLimit, faults.SourceNoPage, faults.SourceNotUTF8, faults.SourceMalformedJSON,
		faults.SourceOddCounts, faults.SourceOddList, faults.SourceOddTimes,
	} {
		t.Run(string(name), func(t *testing.T) {
			injector, err := faults.New(faults.Options{Seed: 1, Probabilities: faults.Probabilities{name: 0.5}})
			require.NoError(t, err)
			server := httptest.NewServer(qimen.New(qimen.Options{
				Credentials: qimen.Credentials{AppKey: "12345678", AppSecret: testSecret, TargetAppKey: "23060081", CustomerID: "c1"},
			}, simulated.New(simulated.Options{
				Now:     func() time.Time { return settings("").Now() },
				Faults:  injector,
				Records: simulated.Of(orders),
			})))
			defer server.Close()
			client, err := New(settings(server.URL))
			require.NoError(t, err)

			// The ranges have 0, 1 and 2 orders and all of them.
			for _, to := range []int{-1, 0, 1, len(orders) - 1} {
				got, want := []string{}, []string{}
				params := map[string]string{
					"is_get_total": "true", "page_size": "10", "as_ids": "1",
					"start_time": "2024-03-01 00:00:00", "end_time": "2024-03-03 00:00:00",
				}
				for i := range to + 1 {
					want = append(want, orders[i].ID())
				}
				switch {
				case to == len(orders)-1:
					delete(params, "as_ids")
				case to >= 0:
					params["as_ids"] = orders[0].ID() + "," + orders[to].ID()
				}
				for index, next := 1, true; next; index++ {
					params["page_index"] = strconv.Itoa(index)
					page := readUntilItIsRead(t, client, refunds, params)
					for _, order := range page.Datas {
						got = append(got, words(order["as_id"]))
					}
					next = page.HasNext
				}
				slices.Sort(got)
				slices.Sort(want)
				require.Equal(t, want, got)
			}
			require.NotZero(t, injector.Injected()[name])
		})
	}
}

// The same law on the open platform, whatever becomes of its tokens.
func TestOpenPlatformOfTheSimulator(t *testing.T) {
	from := time.Date(2024, 3, 1, 0, 0, 0, 0, beijing)
	m := merchant.New(merchant.Options{Seed: 1, Orders: 60, From: from, Days: 2})
	now := settings("").Now
	for _, name := range []faults.Name{
		faults.SourceCallLimit, faults.SourceNoPage, faults.SourceNotUTF8, faults.SourceMalformedJSON, faults.SourceTokenLost,
		faults.SourceOddCounts, faults.SourceOddList, faults.SourceOddTimes,
	} {
		t.Run(string(name), func(t *testing.T) {
			injector, err := faults.New(faults.Options{Seed: 1, Probabilities: faults.Probabilities{name: 0.5}})
			require.NoError(t, err)
			server := httptest.NewServer(openplatform.New(openplatform.Options{AppKey: "test_key", AppSecret: testSecret}, simulated.New(simulated.Options{
				Now: now, Faults: injector, Records: m.Records,
			})))
			defer server.Close()
			grants, err := NewGrants(openApp(server.URL), now)
			require.NoError(t, err)
			config := Config{Open: &Open{OpenApp: openApp(server.URL), Tokens: TokensInMemory(grants, Grant{})}, CallsPerSecond: 1e6, Now: now}
			client, err := New(config)
			require.NoError(t, err)
			for source, document := range map[string]merchant.Document{
				"/open/refund/single/query": merchant.Refunds, "/open/aftersale/received/query": merchant.Receipts, "/open/orders/out/simple/query": merchant.Outbounds,
			} {
				face, got, want := catalog.All()[source], []string{}, []string{}
				for _, record := range m.Records(document) {
					want = append(want, strconv.FormatInt(record.Key(), 10))
				}
				for index, next := 1, true; next; index++ {
					page := readUntilItIsRead(t, client, face, map[string]string{
						"page_index": strconv.Itoa(index), "page_size": "50",
						"modified_begin": "2024-03-01 00:00:00", "modified_end": "2024-03-03 00:00:00",
					})
					for _, order := range page.Datas {
						got = append(got, words(order[face.Source.Key]))
					}
					next = page.HasNext
				}
				slices.Sort(got)
				slices.Sort(want)
				require.Equal(t, want, got)
			}
			require.NotZero(t, injector.Injected()[name])
		})
	}
}

// Shops and warehouses are listed by the open platform.
func TestListsOfTheSimulator(t *testing.T) {
	now := settings("").Now
	server := httptest.NewServer(openplatform.New(openplatform.Options{AppKey: "test_key", AppSecret: testSecret}, simulated.New(simulated.Options{Now: now})))
	defer server.Close()
	grants, err := NewGrants(openApp(server.URL), now)
	require.NoError(t, err)
	client, err := New(Config{Open: &Open{OpenApp: openApp(server.URL), Tokens: TokensInMemory(grants, Grant{})}, CallsPerSecond: 1e6, Now: now})
	require.NoError(t, err)
	shops, err := client.Shops(t.Context())
	require.NoError(t, err)
	require.Len(t, shops, len(merchant.Shops()))
	for _, shop := range merchant.Shops() {
		require.Contains(t, shops, Named{strconv.FormatInt(shop.ID, 10), shop.Name})
	}
	warehouses, err := client.Warehouses(t.Context())
	require.NoError(t, err)
	require.Len(t, warehouses, len(merchant.Warehouses())+1, "the main one, too")

	client, err = New(settings(server.URL))
	require.NoError(t, err)
	_, err = client.Shops(t.Context())
	require.ErrorContains(t, err, "no access")
}

func readUntilItIsRead(t *testing.T, client *Client, source *catalog.Interface, params map[string]string) Page {
	for range 100 {
		page, err := client.List(t.Context(), source, params)
		if err == nil {
			return page
		}
		f := fault.As(err)
		require.NotNil(t, f, "%v", err)
		require.NotEqual(t, fault.Final, f.Class, f.Error())
	}
	require.Fail(t, "never read")
	return Page{}
}
