// Package deploy checks the files of the folder deploy with what reads them:
// Grafana's own types, and the schemas of Kubernetes.
package deploy

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/stretchr/testify/require"
)

// Grafana leaves out in silence what it does not know; its types do not.
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
			// A list of mistakes: one without any is not nil.
			require.Empty(t, read.UnmarshalJSONStrict(text))
			require.Empty(t, read.Validate())
			require.NotEmpty(t, read.Panels)
		})
	}
}
