package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

// schedules are the ids of those that exist.
type schedules struct {
	client.ScheduleClient
	ids map[string]bool
}

type schedule struct {
	client.ScheduleHandle
	exists bool
}

func (s schedules) GetHandle(_ context.Context, id string) client.ScheduleHandle {
	return schedule{exists: s.ids[id]}
}

func (s schedule) found() error {
	if !s.exists {
		return serviceerror.NewNotFound("workflow not found")
	}
	return nil
}

func (s schedule) Trigger(context.Context, client.ScheduleTriggerOptions) error { return s.found() }

func (s schedule) Describe(context.Context) (*client.ScheduleDescription, error) {
	return nil, s.found()
}

func TestStartSweep(t *testing.T) {
	for _, c := range []struct {
		name string
		ids  map[string]bool
		says string
	}{
		{"started", map[string]bool{scheduleID("f"): true, sweepSchedule.id("f"): true}, ""},
		{"the flow has no sweep", map[string]bool{scheduleID("f"): true}, "add checks.sweep"},
		{"the schedules were deleted", nil, "flow f has no schedule; create one: starter schedule create --flow f"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := startSweep(t.Context(), schedules{ids: c.ids}, "f")
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.says)
		})
	}
}
