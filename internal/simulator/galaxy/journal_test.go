package galaxy

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// reopened closes a tenant and opens its file again.
func reopened(t *testing.T, f *fixture, path string) *fixture {
	t.Helper()
	require.NoError(t, f.tenant.Close())
	return start(t, func(o *Options) { o.Data = path })
}

func TestBillsOutliveARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bills.jsonl")
	f := start(t, func(o *Options) { o.Data = path })
	require.True(t, f.save(model("R1"), model("R2"), model("R3")).IsSuccess)
	require.True(t, f.form("Submit", `{"Numbers":["R1","R2"]}`).IsSuccess)
	require.True(t, f.form("Audit", `{"Numbers":["R2"]}`).IsSuccess)
	require.True(t, f.form("Delete", `{"Numbers":["R3"]}`).IsSuccess)
	require.NoError(t, f.tenant.AddMaterial("M9"))
	before := f.tenant.State(true)

	f = reopened(t, f, path)
	after := f.tenant.State(true)
	require.Equal(t, before.Bills, after.Bills)
	require.Equal(t, map[string]int{"B": 1, "C": 1}, after.ByStatus)
	require.True(t, f.tenant.KnowsMaterial("M9"))
	require.Equal(t, msgInvalid, f.save(model("R1")).MsgCode, "the number is still used")
	status := f.save(model("R4", `"M1"`, `"M9"`))
	require.True(t, status.IsSuccess)

	bills := reopened(t, f, path).tenant.State(true).Bills
	require.Len(t, bills, 3)
	require.Equal(t, int64(100004), bills[2].ID, "the id of the deleted bill is not used again")
	require.Equal(t, int64(500004), bills[2].Entries[0].ID)
}

func TestLineCutOffByACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bills.jsonl")
	f := start(t, func(o *Options) { o.Data = path })
	require.True(t, f.save(model("R1"), model("R2")).IsSuccess)
	require.NoError(t, f.tenant.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, whole[:len(whole)-20], 0o600))

	f = start(t, func(o *Options) { o.Data = path })
	require.Len(t, f.tenant.State(true).Bills, 1)
	require.True(t, f.save(model("R2")).IsSuccess)
	require.Len(t, reopened(t, f, path).tenant.State(true).Bills, 2)
}

func TestInvalidDataFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.txt")
	require.NoError(t, os.WriteFile(path, []byte("no journal\n"), 0o600))
	_, err := New(Options{Credentials: credentials, Data: path})
	require.ErrorContains(t, err, path)
	_, err = New(Options{Credentials: credentials, Data: t.TempDir()})
	require.Error(t, err)
}

func TestAddingAMaterialMakesABillSavable(t *testing.T) {
	f := start(t, nil)
	require.False(t, f.save(model("R1", `"M1"`, `"M9"`)).IsSuccess)
	require.False(t, f.tenant.KnowsMaterial("M9"))
	require.NoError(t, f.tenant.AddMaterial("M9"))
	require.NoError(t, f.tenant.AddMaterial("M9"))
	require.True(t, f.save(model("R1", `"M1"`, `"M9"`)).IsSuccess)
}
