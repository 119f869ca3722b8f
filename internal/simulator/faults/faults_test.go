package faults

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestProbabilitiesAsFlags(t *testing.T) {
	var p Probabilities
	for _, text := range []string{"kingdee-hang=0.05", "source-hang=1", "kingdee-hang=.25", "source-call-limit=0"} {
		require.NoError(t, p.Set(text), text)
	}
	require.Equal(t, Probabilities{KingdeeHang: 0.25, SourceHang: 1, SourceCallLimit: 0}, p)
	require.Equal(t, "kingdee-hang=0.25,source-call-limit=0,source-hang=1", p.String())
	for _, text := range []string{"", "kingdee-hang", "kingdee-hang=", "kingdee-hang=often", "kingdee-hang=1.01", "kingdee-hang=-1", "kingdee-hang=NaN", "hang=0.1", "=0.1"} {
		require.Error(t, p.Set(text), text)
	}
}

func TestProbabilitiesAsJSON(t *testing.T) {
	var p Probabilities
	require.NoError(t, json.Unmarshal([]byte(`{"kingdee-hang":0.25,"source-hang":"0.5","source-call-limit":1}`), &p))
	require.Equal(t, Probabilities{KingdeeHang: 0.25, SourceHang: 0.5, SourceCallLimit: 1}, p)
	for _, text := range []string{`[]`, `{"hang":0.1}`, `{"kingdee-hang":"often"}`, `{"kingdee-hang":true}`, `{"kingdee-hang":2}`, `{"kingdee-hang":""}`} {
		require.Error(t, json.Unmarshal([]byte(text), &p), text)
	}
	require.Len(t, p, 3, "an error changes nothing")
}

func TestSettingChangesAllOrNothing(t *testing.T) {
	i, err := New(Options{Probabilities: Probabilities{KingdeeHang: 1}})
	require.NoError(t, err)
	require.Error(t, i.Set(Probabilities{SourceHang: 1, "hang": 1}))
	require.Error(t, i.Add(Probabilities{SourceHang: math.NaN()}))
	require.Equal(t, Probabilities{KingdeeHang: 1}, i.Probabilities())
	require.NoError(t, i.Add(Probabilities{SourceHang: 0.5}))
	require.Equal(t, Probabilities{KingdeeHang: 1, SourceHang: 0.5}, i.Probabilities())
	require.NoError(t, i.Set(Probabilities{SourceHang: 0.25}))
	require.Equal(t, Probabilities{SourceHang: 0.25}, i.Probabilities())
	i.Clear()
	require.Empty(t, i.Probabilities())
	_, err = New(Options{Probabilities: Probabilities{"hang": 1}})
	require.ErrorContains(t, err, string(SourceCallLimit), "the error lists what there is")
}

func TestSequencesDependOnlyOnTheSeed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		name := rapid.SampledFrom(names).Draw(t, "fault")
		draw := func(p Probabilities) []bool {
			i, err := New(Options{Seed: seed, Probabilities: p})
			require.NoError(t, err)
			var strikes []bool
			for range 50 {
				for _, other := range names {
					if struck := i.Strikes(other); other == name {
						strikes = append(strikes, struck)
					}
				}
			}
			return strikes
		}
		all := Probabilities{}
		for _, other := range names {
			all[other] = 0.5
		}
		require.Equal(t, draw(Probabilities{name: 0.5}), draw(all), "other faults do not matter")
	})
}

func TestFaultsStrikeAtTheirProbability(t *testing.T) {
	i, err := New(Options{Seed: 1, Probabilities: Probabilities{KingdeeHang: 1, SourceHang: 0.25, SourceCallLimit: 0}})
	require.NoError(t, err)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 500 {
				for _, name := range names {
					i.Strikes(name)
				}
			}
		})
	}
	group.Wait()
	injected := i.Injected()
	require.Len(t, injected, 2)
	require.Equal(t, 2000, injected[KingdeeHang])
	require.InDelta(t, 500, injected[SourceHang], 100)
}

func TestNamesAreCompleteAndUnique(t *testing.T) {
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	require.Len(t, slices.Compact(sorted), len(names))
	require.Len(t, names, 39)
}

// The test ends only because the hanging call does.
func TestEndHangs(t *testing.T) {
	i, err := New(Options{HangTime: time.Hour})
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { i.Hang(r) }))
	defer server.Close()
	done := make(chan error, 1)
	go func() {
		_, err := http.Post(server.URL, "", nil)
		done <- err
	}()
	require.Eventually(t, func() bool {
		i.EndHangs()
		return len(done) > 0
	}, time.Minute, time.Millisecond)
	require.ErrorIs(t, <-done, io.EOF)
}
