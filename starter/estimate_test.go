package main

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"refundsync/workflows"
)

func TestEstimateSaysWhetherAllWasCounted(t *testing.T) {
	const by = " (by Jushuitan's allowance and Kingdee's usual pace)"
	for _, c := range []struct {
		name string
		e    workflows.Estimate
		want string
	}{
		{"all counted", workflows.Estimate{Windows: 3, Orders: 200, Counted: 3, Duration: 4 * time.Second}, "expected: windows 3 · orders 200 · takes about 4s" + by},
		{"some counted", workflows.Estimate{Windows: 53, Orders: 20000, Counted: 5, Duration: 150 * time.Second}, "expected: windows 53 · about 20000 orders (5 windows counted) · takes about 2m30s" + by},
		{"some counted, and empty", workflows.Estimate{Windows: 53, Counted: 5, Duration: time.Second}, "expected: windows 53 · orders unknown (5 windows counted, all empty)"},
		{"all counted, and empty", workflows.Estimate{Windows: 3, Counted: 3, Duration: time.Second}, "expected: windows 3 · orders 0 · takes about 1s" + by},
		{"by row versions", workflows.Estimate{Windows: 1}, "expected: unknown, Jushuitan does not count by row version"},
		{"nothing to read", workflows.Estimate{}, "expected: nothing to read, the range is empty"},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, estimateText(c.e)) })
	}
}

func TestFailureOfAnEstimateThatItsRunRepeats(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want bool
	}{
		{"none", nil, false},
		{"no watermark", temporal.NewNonRetryableApplicationError("none", workflows.WatermarkUnknown, nil), true},
		{"disabled", fmt.Errorf("estimate: %w", temporal.NewNonRetryableApplicationError("disabled", workflows.FlowDisabled, nil)), true},
		{"not counted", temporal.NewNonRetryableApplicationError("limit", "rate_limited", nil), false},
		{"no worker", errors.New("no worker"), false},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, failsTheRun(c.err)) })
	}
}
