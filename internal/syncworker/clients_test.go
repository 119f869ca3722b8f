package syncworker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/simulator"
)

// Every source of the catalog is read in pages, and its orders are looked up by their keys,
// with the parameters that a flow has by default.
func TestEverySourceIsRead(t *testing.T) {
	const days = 3
	sim, err := simulator.New(simulator.Options{Seed: 1, Orders: 150, Days: days})
	require.NoError(t, err)
	server, err := sim.Start(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	environment := config.Environment(server.Environment().Map())
	environment["JUSHUITAN_CALLS_PER_SECOND"], environment["TEMPORAL_NAMESPACE"] = "1000", "none"
	settings, err := environment.Load(catalog.Qimen, catalog.Open)
	require.NoError(t, err)
	client, _, err := Clients(settings, nil)
	require.NoError(t, err)
	for _, name := range catalog.Sources() {
		t.Run(name, func(t *testing.T) {
			source := flow.Source{Interface: catalog.All()[name], Parameters: map[string]string{"page_size": "10"}}
			ids := map[string]bool{}
			from := simulator.DefaultFrom
			for index, next := 1, true; next; index++ {
				page, err := client.List(t.Context(), source.Interface, source.Page(from, from.AddDate(0, 0, days+3), index))
				require.NoError(t, err)
				for _, record := range page.Datas {
					ids[jushuitan.FieldText(record, source.Interface.Source.Key)] = true
				}
				next = page.HasNext
			}
			require.NotEmpty(t, ids)
			look := jushuitan.LookUp{Interface: source.Interface, Field: source.Interface.Source.Key, ChangedAt: from.Add(-time.Hour)}
			for id := range ids {
				look.IDs = append(look.IDs, id)
			}
			found, err := look.Find(t.Context(), client)
			require.NoError(t, err)
			require.Empty(t, found.Missing)
			require.Len(t, found.Orders, len(ids))
		})
	}
}
