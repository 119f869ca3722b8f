package merchant

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var march = time.Date(2024, time.March, 1, 0, 0, 0, 0, Beijing)

// usual is the merchant of a demo: 1000 orders over three days, seed 1.
func usual() *Merchant { return New(Options{Seed: 1, Orders: 1000, From: march, Days: 3}) }

// known is what Kingdee knows initially.
func known(material string) bool { return slices.Contains(Materials(), material) }

// wireText is everything that a caller can see of a merchant.
func wireText(m *Merchant, seed uint64) string {
	var text []byte
	for _, o := range m.Orders() {
		text = o.AppendJSON(text, seed, Untidy)
	}
	return string(text)
}

func TestSeedDecidesEverything(t *testing.T) {
	options := Options{Seed: 7, Orders: 300, From: march, Days: 2}
	first, again := New(options), New(options)
	require.Equal(t, wireText(first, 7), wireText(again, 7))
	require.Equal(t, first.Truth(known), again.Truth(known))

	options.Seed = 8
	require.NotEqual(t, wireText(first, 7), wireText(New(options), 7))
}

func TestEveryKindOccurs(t *testing.T) {
	counts := map[Kind]int{}
	for _, o := range usual().Orders() {
		if o.Customary() {
			counts[o.Kind]++
		}
	}
	require.Len(t, counts, len(Kinds()))
	for _, k := range kindsPerBlock {
		assert.Equal(t, 5*k.count, counts[k.kind], k.kind)
	}
}

func TestTotalsOfTheDemo(t *testing.T) {
	require.Equal(t, Totals{
		Orders: 1083,
		Saved:  825,
		Skipped: map[string]int{
			ReasonRefundOnly: 60, ReasonSentOnly: 45, ReasonNothingReceived: 20,
			ReasonNotConfirmed: 26, ReasonCancelled: 22, ReasonMerged: 21, ReasonNotReceived: 14,
		},
		Failed: map[string]int{
			ReasonUnknownMaterial: 10, ReasonMalformedQuantity: 5, ReasonPriceMissing: 5, ReasonNewShop: 10, ReasonRepair: 5, ReasonUnknownLine: 5,
			ReasonQuantityMissing: 5, ReasonWrongGoods: 5,
		},
		NotBooked: map[string]string{NotBookedRefund: "23719.08", NotBookedFreight: "448.00"},
	}, usual().Truth(known).Totals())
}

// The flow skips by its own conditions what the customary filter would exclude.
func TestTruthSkipsWhatTheCustomaryFilterExcludes(t *testing.T) {
	m := usual()
	truth, reasons := m.Truth(known), map[string]int{}
	for _, o := range m.Orders() {
		e, expected := truth[o.ID()]
		require.True(t, expected, o.ID())
		if !o.Customary() {
			require.Equal(t, Skipped, e.Outcome)
			require.Nil(t, e.Bill)
			reasons[e.Reason]++
		}
	}
	require.Len(t, reasons, 4)
	require.Len(t, truth, 1000+1000/leftOutEvery)
}

func TestMomentsOfModification(t *testing.T) {
	m := usual()
	seconds, hours, from, last := map[int64]int{}, 0, 0, 0
	for _, o := range m.Orders() {
		require.False(t, o.Modified.Before(march), o.ID())
		require.True(t, o.Modified.Before(m.Options().To()), o.ID())
		require.Zero(t, o.Modified.Nanosecond(), o.ID())
		seconds[o.Modified.Unix()]++
		if o.Modified.Minute() == 0 && o.Modified.Second() == 0 {
			hours++
		}
		if o.Modified.Equal(march) {
			from++
		}
		if o.Modified.Equal(m.Options().To().Add(-time.Second)) {
			last++
		}
	}
	shared := 0
	for _, n := range seconds {
		if n > 1 {
			shared++
		}
	}
	assert.Greater(t, shared, 20, "orders that share their second")
	assert.Greater(t, hours, 20, "orders on a whole hour")
	assert.NotZero(t, from, "orders in the first second")
	assert.NotZero(t, last, "orders in the last second")
}

func TestBetweenExcludesTheEnd(t *testing.T) {
	truth := usual().Truth(known)
	noon := march.Add(12 * time.Hour)
	morning, rest := truth.Between(march, noon), truth.Between(noon, march.AddDate(0, 0, 3))
	require.Len(t, truth, len(morning)+len(rest))
	for id, e := range morning {
		require.True(t, e.Modified.Before(noon), id)
	}
	require.NotEmpty(t, rest)
}

func TestAddedMaterialMakesOrdersSavable(t *testing.T) {
	m := usual()
	before := m.Truth(known).Totals()
	after := m.Truth(func(material string) bool { return known(material) || slices.Contains(newSKUs, material) }).Totals()
	require.Equal(t, before.Saved+before.Failed[ReasonUnknownMaterial], after.Saved)
	require.Zero(t, after.Failed[ReasonUnknownMaterial])
}

func TestLawsOfAnyMerchant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := New(Options{
			Seed:   rapid.Uint64().Draw(t, "seed"),
			Orders: rapid.IntRange(0, 250).Draw(t, "orders"),
			From:   march,
			Days:   rapid.IntRange(1, 9).Draw(t, "days"),
		})
		truth := m.Truth(known)
		if len(truth) != m.Options().Orders+m.Options().Orders/leftOutEvery {
			t.Fatalf("%d expectations for %d orders", len(truth), m.Options().Orders)
		}
		totals := truth.Totals()
		sum := totals.Saved
		for _, n := range totals.Skipped {
			sum += n
		}
		for _, n := range totals.Failed {
			sum += n
		}
		if sum != totals.Orders {
			t.Fatalf("outcomes add up to %d, not to %d", sum, totals.Orders)
		}
		ids := map[int64]bool{}
		for _, o := range m.Orders() {
			if ids[o.AsID] {
				t.Fatalf("as_id %d occurs twice", o.AsID)
			}
			ids[o.AsID] = true
			if o.ConfirmDate.After(o.Modified) || !o.Created.Before(o.Modified) {
				t.Fatalf("order %d: times out of order", o.AsID)
			}
		}
		for id, e := range truth {
			if (e.Outcome == Saved) != (e.Bill != nil) || (e.Outcome == Saved) != (e.Reason == "") {
				t.Fatalf("order %s: %+v", id, e)
			}
			if e.Bill != nil && len(e.Bill.Lines) == 0 {
				t.Fatalf("order %s: a bill without lines", id)
			}
		}
	})
}
