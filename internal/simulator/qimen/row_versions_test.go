package qimen

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/catalog"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/simulator/source"
)

// byVersion returns the parameters of a call for the rows from a version on.
func byVersion(first int64) map[string]string {
	params := valid()
	delete(params, "start_time")
	delete(params, "end_time")
	params["start_ts"] = strconv.FormatInt(first, 10)
	return params
}

// rowVersions returns the ts of a reply's rows by as_id, and the highest.
func rowVersions(t require.TestingT, reply map[string]any) (seen map[string]int64, highest int64) {
	seen = map[string]int64{}
	asIDs := ids(reply)
	for i, row := range reply["datas"].([]any) {
		text := fmt.Sprint(row.(map[string]any)["ts"])
		if number, ok := row.(map[string]any)["ts"].(float64); ok {
			text = strconv.FormatFloat(number, 'f', 0, 64)
		}
		ts, err := strconv.ParseInt(text, 10, 64)
		require.NoError(t, err)
		require.Greater(t, ts, highest, "in the order of their versions")
		seen[asIDs[i]], highest = ts, ts
	}
	return seen, highest
}

func TestRowVersionsHaveBounds(t *testing.T) {
	versions := orders[10].TS
	for _, c := range []struct {
		name                         string
		exclusiveStart, exclusiveEnd bool
		want                         int
	}{
		{"both inclusive", false, false, 1},
		{"both exclusive", true, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, address := start(t, func(o *setup) { o.source.ExclusiveStart, o.source.ExclusiveEnd = c.exclusiveStart, c.exclusiveEnd })
			params := byVersion(versions)
			params["end_ts"] = params["start_ts"]
			require.Len(t, ids(list(t, address, params)), c.want)
		})
	}
	_, address := start(t, nil)
	params := byVersion(0)
	params["start_ts"] = "first"
	require.Equal(t, "failure", post(t, address, nil, signed(params))["flag"])
}

// A caller that continues from the highest version seen until nothing newer comes has
// seen the latest version of every order, whatever changes meanwhile, and sees only the
// row at the boundary twice.
func TestRowVersionsMissNoOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		options := source.Options{
			Now:            func() time.Time { return now },
			ExclusiveStart: rapid.Bool().Draw(t, "exclusive start"),
		}
		own := merchant.New(merchant.Options{Seed: 1, Orders: rapid.IntRange(1, 40).Draw(t, "orders"), From: march, Days: 1})
		latest := map[string]int64{}
		for _, o := range own.Orders() {
			latest[o.ID()] = o.TS
		}
		options.Changed = func(r merchant.Record) { latest[r.Value("as_id")] = r.RowVersion() }
		options.Records = own.Records
		of := source.New(options)
		pageSize := rapid.IntRange(2, 10).Draw(t, "page_size")

		seen, reached := map[string]int64{}, int64(0)
		for changes := 5; ; {
			q, problem := source.Gateway{}.ParseQuery(source.Interfaces(catalog.Qimen)[method], map[string]string{
				"page_size": strconv.Itoa(pageSize), "start_ts": strconv.FormatInt(reached, 10),
			})
			require.Nil(t, problem)
			page, _ := of.Page(q)
			before := reached
			for _, r := range page {
				o := r.(*merchant.Order)
				require.True(t, o.TS > seen[o.ID()] || o.TS == before, "as_id %s, version %d came twice", o.ID(), o.TS)
				seen[o.ID()], reached = o.TS, max(reached, o.TS)
			}
			if reached == before {
				break
			}
			for range rapid.IntRange(0, min(changes, 2)).Draw(t, "changes") {
				changes--
				o := rapid.SampledFrom(own.Orders()).Draw(t, "changed")
				require.True(t, source.Change(of, o.AsID, (*merchant.Order).ModifiedAt))
			}
		}
		require.Equal(t, latest, seen)
	})
}

func TestRowVersionsAreServedOverTheWire(t *testing.T) {
	_, address := start(t, nil)
	seen, reached := map[string]int64{}, int64(0)
	for {
		reply := list(t, address, byVersion(reached))
		page, highest := rowVersions(t, reply)
		if highest <= reached {
			break
		}
		for id, ts := range page {
			seen[id] = ts
		}
		reached = highest
	}
	require.Len(t, seen, len(orders))
	for _, o := range orders {
		require.Equal(t, o.TS, seen[o.ID()])
	}
}
