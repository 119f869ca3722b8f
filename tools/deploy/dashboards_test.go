// Package deploy checks the files of the folder deploy by what reads them: Grafana's
// own types and Kubernetes' schemas.
package deploy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
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

// The variable company has an entry for what has no company: ^$, which Prometheus matches with
// an absent label. Grafana would escape it, unless the variable is written with :pipe.
func TestDashboardsChooseWhatHasNoCompany(t *testing.T) {
	escaped := regexp.MustCompile(`\$company\b|\$\{company\}`)
	// What Grafana makes of the results of the variable's query.
	results := map[string][2]string{
		`{company="north"} 1 1709251200000`:                    {"north", ""},
		`{company="^$",name="无公司 no company"} 1 1709251200000`: {"^$", "无公司 no company"},
	}
	for _, name := range []string{"business.json", "worker.json"} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "grafana", name))
			require.NoError(t, err)
			require.False(t, escaped.Match(text))
			require.Contains(t, string(text), `company=~\"${company:pipe}\"`)
			var board struct {
				Templating struct {
					List []struct{ Name, Regex, AllValue string }
				}
			}
			require.NoError(t, json.Unmarshal(text, &board))
			found := false
			for _, variable := range board.Templating.List {
				if variable.Name != "company" {
					continue
				}
				found = true
				require.Equal(t, ".*", variable.AllValue)
				of, err := regexp.Compile(strings.Trim(variable.Regex, "/"))
				require.NoError(t, err)
				for result, want := range results {
					groups := of.FindStringSubmatch(result)
					require.NotNil(t, groups, result)
					require.Equal(t, want, [2]string{groups[of.SubexpIndex("value")], groups[of.SubexpIndex("text")]})
				}
			}
			require.True(t, found)
		})
	}
}
