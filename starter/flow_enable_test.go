package main

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"refundsync/internal/contract"
)

func TestSchedulesOfADisabledFlow(t *testing.T) {
	byLi := disabledBy(contract.Hold{By: "li", Note: "停用"})
	for _, c := range []struct {
		name     string
		state    client.ScheduleState
		disabled string
		want     client.ScheduleState
	}{
		{"disabled by a person", client.ScheduleState{}, byLi, client.ScheduleState{Paused: true, Note: "the flow is disabled: li: 停用"}},
		{"disabled by its file", client.ScheduleState{Note: "resumed by starter"}, disabledByFile, client.ScheduleState{Paused: true, Note: "the flow is disabled: checks.enabled: false"}},
		{"enabled", client.ScheduleState{Paused: true, Note: byLi}, "", client.ScheduleState{}},
		{"enabled, but not in its file", client.ScheduleState{Paused: true, Note: byLi}, disabledByFile, client.ScheduleState{Paused: true, Note: disabledByFile}},
		{"a person paused it before", client.ScheduleState{Paused: true, Note: "盘点"}, byLi, client.ScheduleState{Paused: true, Note: "盘点"}},
		{"a person paused it, and the flow is enabled", client.ScheduleState{Paused: true, Note: "盘点"}, "", client.ScheduleState{Paused: true, Note: "盘点"}},
		{"never disabled", client.ScheduleState{Note: "resumed by starter"}, "", client.ScheduleState{Note: "resumed by starter"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			pauseDisabled(&c.state, c.disabled)
			require.Equal(t, c.want, c.state)
		})
	}
}

func TestTextsOfADisabledFlow(t *testing.T) {
	hold := contract.Hold{Flow: "f", Disabled: true, By: "li", Note: "停用"}
	require.ErrorContains(t, heldError([]contract.Hold{hold}), "by li: 停用; to end it: starter flow enable f")
	require.Equal(t, "the flow is disabled: li: 停用", noteOf(disabledBy(hold)))
	holds := []contract.Hold{{By: "wang"}, {Flow: "f", By: "zhao"}, hold}
	require.Equal(t, "li", disabledHold(holds).By)
	require.Equal(t, "zhao", sameScope(holds, contract.Hold{Flow: "f"}).By)
	require.Nil(t, disabledHold(holds[:2]))
}
