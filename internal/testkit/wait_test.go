package testkit

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// recorder is a test that records its failure.
type recorder struct {
	testing.TB
	failed string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	panic(r)
}

func TestWait(t *testing.T) {
	for name, test := range map[string]struct {
		holdsAfter time.Duration
		failed     string
	}{
		"holds at once":                {0, ""},
		"holds later":                  {time.Minute, ""},
		"holds just before the end":    {Patience - time.Millisecond, ""},
		"does not hold until too late": {Patience + time.Minute, "waited 3m0s in vain: 5 bills of run-1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				r := &recorder{}
				func() {
					defer func() { _ = recover() }()
					Wait(r, "%d bills of %s", func() bool { return time.Since(began) >= test.holdsAfter }, 5, "run-1")
				}()
				require.Equal(t, test.failed, r.failed)
				require.WithinDuration(t, began.Add(min(test.holdsAfter, Patience)), time.Now(), longestInterval)
			})
		})
	}
}
