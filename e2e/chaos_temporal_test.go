package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
)

func TestChaosTemporalKilled(t *testing.T) {
	eachChaosSeed(t, func(t *testing.T, seed uint64) {
		temporal := startKillable(t)
		c := newChaosWorldAt(t, seed, simulator.Options{Orders: chaosLength(60, 1000), CallLatency: 20 * time.Millisecond}, temporal.address, temporal.namespace)
		c.changeFlow(t, manyAttempts...)
		c.startWorkerProcess(t)
		run := c.beginAll(t)
		for _, bills := range c.killPoints(chaosLength(1, 5)) {
			c.strikeAt(t, bills, func() { temporal.kill(t) })
			temporal.restart(t)
		}
		first := c.end(t, run)
		require.Equal(t, c.Truth().Totals().Orders, first.Fetched)
		c.requireNothingLost(t)
	})
}
