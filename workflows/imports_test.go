package workflows

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A workflow is replayed for as long as it lives, so it depends on nothing whose change
// could change it: no YAML, no expressions, no clients of other systems, no settings. What
// it shares with packages that need those is in internal/contract.
func TestWorkflowsImportLittle(t *testing.T) {
	allowed := append(dependencies(t,
		"go.temporal.io/sdk/worker", "go.temporal.io/sdk/workflow", "github.com/shopspring/decimal",
		// for internal/text
		"github.com/jeandeaual/go-locale", "github.com/leonelquinteros/gotext", "golang.org/x/text/language"),
		"refundsync/internal/alert",
		"refundsync/internal/beijing",
		"refundsync/internal/contract",
		"refundsync/internal/fault",
		"refundsync/internal/literal",
		"refundsync/internal/packed",
		"refundsync/internal/paging",
		"refundsync/internal/reconcile",
		"refundsync/internal/tally",
		"refundsync/internal/text",
	)
	found := dependencies(t, "refundsync/internal/contract", "refundsync/workflows")
	require.Contains(t, found, "refundsync/internal/contract")
	for _, path := range found {
		if path != "refundsync/workflows" && !slices.Contains(allowed, path) {
			t.Errorf("workflows import %s, directly or through another package", path)
		}
	}
}

// dependencies lists packages and all that they import, without the standard library.
func dependencies(t *testing.T, packages ...string) []string {
	t.Helper()
	list := exec.Command("go", append([]string{"list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}"}, packages...)...)
	var message strings.Builder
	list.Stderr = &message
	out, err := list.Output()
	require.NoError(t, err, message.String())
	return strings.Fields(string(out))
}
