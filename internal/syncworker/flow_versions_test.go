package syncworker

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"google.golang.org/protobuf/types/known/timestamppb"

	"refundsync/internal/flow"
)

func TestAnIdentityNamesTheFlows(t *testing.T) {
	for _, count := range []int{1, 2, 10} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			flows, want := flow.Flows{}, FlowVersions{}
			for i := range count {
				name := fmt.Sprintf("flow_%d", i)
				flows[name] = &flow.Flow{Name: name, Version: fmt.Sprintf("%012x", i)}
				want[name] = flows[name].Version
			}
			got, ok := flowVersions(identity(flows))
			require.True(t, ok)
			require.Equal(t, want, got)
		})
	}
}

// The server refuses a longer identity, and with it every poll.
func TestAnIdentityHasRoom(t *testing.T) {
	flows := flow.Flows{}
	for i := range 100 {
		flows[fmt.Sprintf("a_flow_with_a_rather_long_name_%d", i)] = &flow.Flow{Version: "3f9a1c0b77de"}
	}
	long := identity(flows)
	require.LessOrEqual(t, len(long), longestIdentity)
	_, ok := flowVersions(long)
	require.False(t, ok, "it does not name all")
}

func TestFlowsOfPollers(t *testing.T) {
	now := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	poller := func(identity string, ago time.Duration) *taskqueuepb.PollerInfo {
		return &taskqueuepb.PollerInfo{Identity: identity, LastAccessTime: timestamppb.New(now.Add(-ago))}
	}
	for _, c := range []struct {
		name    string
		pollers []*taskqueuepb.PollerInfo
		workers []FlowVersions
		all     bool
	}{
		{"no worker", nil, nil, true},
		{"one", []*taskqueuepb.PollerInfo{poller("1@h flows a@1,b@2", time.Minute)}, []FlowVersions{{"a": "1", "b": "2"}}, true},
		{"two that poll in turn", []*taskqueuepb.PollerInfo{poller("1@h flows a@1", time.Minute), poller("2@h flows a@2", 0)}, []FlowVersions{{"a": "1"}, {"a": "2"}}, true},
		{"one that has ended", []*taskqueuepb.PollerInfo{poller("1@h flows a@1", 2*time.Minute), poller("2@h flows a@2", 0)}, []FlowVersions{{"a": "2"}}, true},
		{"another program", []*taskqueuepb.PollerInfo{poller("1@h", 0), poller("2@h flows a@2", 0)}, []FlowVersions{{"a": "2"}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			workers, all := flowsOfPollers(c.pollers)
			require.Equal(t, c.workers, workers)
			require.Equal(t, c.all, all)
		})
	}
}
