package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/contract"
	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
)

// Four workers, each of which could use up the source's call limit, stay within it
// together. They are processes, because the server distinguishes workers by process.
func TestWorkersKeepToTheAllowanceTogether(t *testing.T) {
	t.Parallel()
	testkit.SkipUnlessLong(t)
	eachGrain(t, contract.GrainPage, func(t *testing.T, grain string) {
		const (
			workers   = 4
			perSecond = 10
			ahead     = 6 // calls per worker above its share, over the run
		)
		w := newWorld(t, simulator.Options{Orders: 200})
		w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, `page_size: "100"`, `page_size: "5"`, "windows_at_once: 8", "windows_at_once: 16", "window: 167h59m58s", "window: 1h")
		w.env["JUSHUITAN_CALLS_PER_SECOND"] = fmt.Sprint(perSecond)
		for range workers {
			w.startWorkerProcess(t)
		}
		in := w.input()
		in.Grain = grain
		begun := time.Now()
		requireTruth(t, w, w.syncBy(t, in))
		most := perSecond*time.Since(begun).Seconds() + workers*ahead
		require.LessOrEqual(t, float64(w.State().Source.Calls["jushuitan.refund.list.query"]), most)
	})
}
