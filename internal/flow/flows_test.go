package flow_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
)

const builtInPath = "../../flows/refund_to_return.yaml"

func builtIn(t testing.TB) *flow.Flow {
	t.Helper()
	f, err := flowfile.Load(builtInPath)
	require.NoError(t, err)
	return f
}

const warehousesCSV = "code,value,remark\n20001,CK001,杭州仓\n20002,CK002,广州仓\n"

// base is the text of a small flow that reads warehouses.csv.
func base(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../flowfile/testdata/base.yaml")
	require.NoError(t, err)
	return string(text)
}

// load reads a flow from text, with warehouses.csv beside it.
func load(t testing.TB, text, csv string) *flow.Flow {
	t.Helper()
	path := write(t, text)
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), "warehouses.csv"), []byte(csv), 0o600))
	f, err := flowfile.Load(path)
	require.NoError(t, err)
	return f
}

// loadText reads a flow without tables from text.
func loadText(t testing.TB, text string) (*flow.Flow, error) {
	t.Helper()
	return flowfile.Load(write(t, text))
}

func write(t testing.TB, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "flow.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
