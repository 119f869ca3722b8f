// Package deploy checks the files of the folder deploy by what reads them: Grafana's
// own types and Kubernetes' schemas.
package deploy

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/stretchr/testify/require"
)

// Grafana silently ignores what it doesn't know; its types don't.
func TestDashboardsAreWhatGrafanaReads(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	files, err := filepath.Glob(filepath.Join("..", "..", "deploy", "grafana", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 2)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			var read dashboard.Dashboard
			// An empty list of mistakes is not nil.
			require.Empty(t, read.UnmarshalJSONStrict(text))
			require.Empty(t, read.Validate())
			require.NotEmpty(t, read.Panels)
		})
	}
}
