package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// A hosted workflow does what is listed here and nothing else, may change nothing, and runs
// actions of one commit each.
func TestHostedWorkflows(t *testing.T) {
	for name, want := range map[string][]string{
		"ci.yml": {".ci/run"}, // which does all
		"desktop.yml": {
			"git config --global core.autocrlf false",
			"go build ./starter/... ./worker/...",
			"go test -short ./starter/... ./worker/... ./activities/... ./workflows/... ./internal/...",
		},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(root, ".github", "workflows", name))
			require.NoError(t, err)
			var workflow struct {
				Permissions map[string]string
				Jobs        map[string]struct {
					Permissions map[string]string
					Steps       []struct{ Uses, Run string }
				}
			}
			require.NoError(t, yaml.Unmarshal(text, &workflow))
			require.Equal(t, map[string]string{"contents": "read"}, workflow.Permissions)
			require.Len(t, workflow.Jobs, 1)
			var runs []string
			for _, job := range workflow.Jobs {
				require.Empty(t, job.Permissions)
				for _, step := range job.Steps {
					if step.Uses == "" {
						runs = append(runs, step.Run)
						continue
					}
					require.Regexp(t, regexp.MustCompile(`^actions/[a-z-]+@[0-9a-f]{40}$`), step.Uses)
				}
			}
			require.Equal(t, want, runs)
		})
	}
}
