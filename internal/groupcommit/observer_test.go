package groupcommit

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"refundsync/internal/kingdee"
)

// notes is an observer that records its calls.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) Waited(call string, wait time.Duration) { n.add("%s waited %v", call, wait) }

func (n *notes) Called(call string, size int, took time.Duration, err error) {
	n.add("%s of %d took %v: %t", call, size, took, err == nil)
}

func (n *notes) Allowed(calls int) { n.add("%d calls allowed", calls) }

func (n *notes) add(format string, values ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf(format, values...))
}

// A group that is halved has one wait and a call for each half.
func TestGroupObserverIsToldOfEachCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, observer := newFakeClient(), &notes{}
		client.fails = poison(badRequest.failure(kingdee.MethodBatchSave, ""), "2")
		g := newGroupsForNew(client, 1, Options{Bills: 2, Wait: 20 * time.Millisecond, Observer: observer})
		_, first := saving(t.Context(), g, "1", "2")
		time.Sleep(time.Millisecond)
		_, second := saving(t.Context(), g, "3")
		first()
		second()
		_, err := g.FindBills(t.Context(), formF, []string{"1", "3"})
		assert.NoError(t, err)
		assert.Equal(t, []string{
			"BatchSave waited 0s",
			"BatchSave of 2 took 100ms: false",
			"BatchSave of 1 took 100ms: true",
			"BatchSave of 1 took 100ms: false",
			"BatchSave waited 299ms",
			"BatchSave of 1 took 100ms: true",
			"ExecuteBillQuery waited 20ms",
			"ExecuteBillQuery of 2 took 100ms: true",
		}, observer.lines)
	})
}
