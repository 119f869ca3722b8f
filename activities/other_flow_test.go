package activities

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/flow"
	"refundsync/workflows"
)

// keptVersions counts the FlowVersion workflows of one id.
type keptVersions struct {
	client.Client
	id    string
	asked int
}

func (k *keptVersions) CountWorkflow(_ context.Context, request *workflowservice.CountWorkflowExecutionsRequest) (*workflowservice.CountWorkflowExecutionsResponse, error) {
	k.asked++
	_, prefix, _ := strings.Cut(request.Query, "STARTS_WITH '")
	count := int64(0)
	if strings.HasPrefix(k.id, strings.TrimSuffix(prefix, "'")) {
		count = 1
	}
	return &workflowservice.CountWorkflowExecutionsResponse{Count: count}, nil
}

func TestOtherFlow(t *testing.T) {
	f := func(name, version, form string) *flow.Flow {
		return &flow.Flow{Name: name, Version: version, Call: flow.Call{FormId: form}}
	}
	ours, twin, other := f("ours", "aaaaaa111111", "SAL_RETURNSTOCK"), f("twin", "bbbbbb111111", "SAL_RETURNSTOCK"), f("other", "cccccc111111", "SAL_OUTSTOCK")
	temporal := &keptVersions{id: workflows.FlowVersionID("twin", "dddddd222222")}
	c := &comparison{a: &Activities{Flows: flow.Flows{"ours": ours, "twin": twin, "other": other}, Temporal: temporal}, flow: ours, kept: map[string]bool{}}
	for _, test := range []struct{ name, version, want string }{
		{"the current version of another flow of the form", "bbbbbb", "twin"},
		{"a version of it that is kept", "dddddd", "twin"},
		{"ours", "aaaaaa", ""},
		{"of another form", "cccccc", ""},
		{"of nobody", "eeeeee", ""},
		{"of nobody once more", "eeeeee", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := c.otherFlow(t.Context(), test.version)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
	require.Equal(t, 3, temporal.asked, "each version is asked for once")
}
