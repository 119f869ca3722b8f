package groupcommit

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheClockThatWentFurtherCounts(t *testing.T) {
	earlier := momentNow()
	for name, test := range map[string]struct{ monotonic, wall, want time.Duration }{
		"both go":                         {time.Second, time.Second, time.Second},
		"a virtual machine slept":         {time.Second, time.Hour, time.Hour},
		"the wall clock was set back":     {time.Second, -time.Hour, time.Second},
		"the wall clock was set forward":  {time.Second, time.Hour, time.Hour},
		"the process alone was suspended": {time.Hour, time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			now := moment{earlier.monotonic.Add(test.monotonic), earlier.wall.Add(test.wall)}
			assert.Equal(t, test.want, now.since(earlier))
		})
	}
	assert.Greater(t, earlier.since(moment{}), 100*lookUpTTL, "no look-up at all")
}

// Memory is bounded, and forgetting allows nothing.
func TestKnownNumbersForget(t *testing.T) {
	now := momentNow()
	at := func(after time.Duration) moment { return moment{now.monotonic.Add(after), now.wall.Add(after)} }
	numbers := func(from int) (numbers []string) { return numbered(from, from+mostKnown/10-1) }
	t.Run("what is old", func(t *testing.T) {
		k := newKnownNumbers()
		for minute := range 20 {
			k.lookedUp(at(time.Duration(minute)*time.Minute), at(time.Duration(minute)*time.Minute), "F", numbers(minute*mostKnown), nil)
			k.saveEnded(at(time.Duration(minute)*time.Minute), numberOf{"F", fmt.Sprint(minute)}, false)
			require.LessOrEqual(t, len(k.absent), mostKnown/5)
			require.LessOrEqual(t, len(k.saved), 3)
		}
	})
	t.Run("all, where it is too much at once", func(t *testing.T) {
		k := newKnownNumbers()
		k.saveEnded(at(0), numberOf{"F", "saved"}, false)
		for i := range 15 {
			k.lookedUp(at(time.Second), at(0), "F", numbers(i*mostKnown), nil)
			require.LessOrEqual(t, len(k.absent), mostKnown+mostKnown/10)
		}
		require.False(t, k.isSaved(at(time.Second), numberOf{"F", "saved"}))
		// A look-up that began before the save, and ends now.
		k.lookedUp(at(2*time.Second), at(-time.Second), "F", []string{"saved"}, nil)
		require.Zero(t, k.allowedBy(numberOf{"F", "saved"}))
		k.lookedUp(at(2*time.Second), at(2*time.Second), "F", []string{"absent"}, nil)
		require.Equal(t, at(2*time.Second), k.allowedBy(numberOf{"F", "absent"}))
	})
}
