//go:build unix

package flowfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Kubernetes mounts a ConfigMap as a folder of links into one that it replaces as a whole.
// The flow, its table and its version are the same there.
func TestLoadFolderThatKubernetesMounted(t *testing.T) {
	source, mounted := filepath.Join("..", "..", "flows"), t.TempDir()
	require.NoError(t, os.CopyFS(filepath.Join(mounted, "..2026_11_25_00_33_42.1"), os.DirFS(source)))
	for link, target := range map[string]string{
		"..data":                "..2026_11_25_00_33_42.1",
		"refund_to_return.yaml": filepath.Join("..data", "refund_to_return.yaml"),
		"tables":                filepath.Join("..data", "tables"),
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(mounted, link)))
	}
	want, err := LoadFolder(source)
	require.NoError(t, err)
	got, err := LoadFolder(mounted)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, want["refund_to_return"].Version, got["refund_to_return"].Version)
}
