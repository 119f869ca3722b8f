//go:build unix

package devserver

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFindExecutable builds the pinned server where none is on PATH; the other
// tests then find it.
func TestFindExecutable(t *testing.T) {
	skipIfShort(t)
	path, err := findExecutable(t.Context(), func(line string) { t.Log(line) })
	require.NoError(t, err)
	assert.NoError(t, checkExecutable(t.Context(), path))
}

func TestTemporalOnPATH(t *testing.T) {
	skipIfShort(t)
	const allFlags = "--db-filename --dynamic-config-value --search-attribute --ui-port"
	tests := []struct {
		name, script string
		usable       bool
		message      string
	}{
		{"good", `echo "` + allFlags + `"`, true, ""},
		{"does not run", `echo "cannot execute" >&2; exit 1`, false, "cannot execute"},
		{"without start-dev", `[ "$1" = --version ] || { echo "unknown command"; exit 1; }`, false, "unknown command"},
		{"too old for a flag", `echo "--db-filename --ui-port"`, false, "--dynamic-config-value"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			fake := filepath.Join(folder, "temporal")
			require.NoError(t, os.WriteFile(fake, []byte("#!/bin/sh\n"+test.script+"\n"), 0o755))
			t.Setenv("PATH", folder)
			t.Chdir(t.TempDir())

			var told []string
			path, err := findExecutable(t.Context(), func(line string) { told = append(told, line) })
			if test.usable {
				require.NoError(t, err)
				assert.Equal(t, fake, path)
				return
			}
			assert.ErrorIs(t, err, errNoTemporal, "outside a checkout there is nothing to build")
			assert.Contains(t, strings.Join(told, "\n"), test.message)
		})
	}
}

func TestFindPinned(t *testing.T) {
	const head = "module m\n\ngo 1.26.0\n\n"
	tests := []struct {
		name, file, version string
	}{
		{"pinned", head + "tool " + cliPackage + "\n\nrequire " + cliModule + " v1.5.1\n", "v1.5.1"},
		{"another project's tools", head + "tool example.com/lint\n\nrequire example.com/lint v1.0.0\n", ""},
		{"no go.mod syntax", "nonsense\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			below := filepath.Join(root, "starter", "cmd")
			require.NoError(t, os.MkdirAll(below, 0o755))
			tools := filepath.Join(root, "tools")
			require.NoError(t, os.MkdirAll(tools, 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(tools, "go.mod"), []byte(test.file), 0o644))

			found, err := findPinned(below)
			if test.version == "" {
				assert.ErrorIs(t, err, errNoTemporal)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tools, found.folder)
			assert.Contains(t, found.fileName(), "temporal-"+test.version+"-")
		})
	}
}

func TestPinnedBuildFailure(t *testing.T) {
	skipIfShort(t)
	empty := pinned{folder: t.TempDir(), version: "v0.0.0"}
	err := empty.build(t.Context(), filepath.Join(t.TempDir(), "temporal"), func(string) {})
	require.ErrorContains(t, err, "put temporal on PATH")
	assert.ErrorContains(t, err, "go.mod", "the words of go build are in it")
}

func TestPinnedBuildIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := pinned{folder: t.TempDir()}.build(ctx, filepath.Join(t.TempDir(), "temporal"), func(string) {})
	assert.ErrorIs(t, err, context.Canceled)
}

// TestStartIsTriedOnOtherPorts has a server whose port is taken by a stranger
// the first time.
func TestStartIsTriedOnOtherPorts(t *testing.T) {
	skipIfShort(t)
	real, err := findExecutable(t.Context(), func(line string) { t.Log(line) })
	require.NoError(t, err)
	folder := t.TempDir()
	script := `#!/bin/sh
case "$*" in
*--help* | --version) exec "` + real + `" "$@" ;;
esac
echo "$*" >>"` + folder + `/starts"
[ "$(wc -l <"` + folder + `/starts")" -gt 1 ] || { echo "listen: bind: address already in use"; exit 1; }
exec "` + real + `" "$@"
`
	require.NoError(t, os.WriteFile(filepath.Join(folder, "temporal"), []byte(script), 0o755))
	t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))

	server := start(t, Options{})
	require.NoError(t, server.Stop())
	starts, err := os.ReadFile(filepath.Join(folder, "starts"))
	require.NoError(t, err)
	assert.Equal(t, 2, strings.Count(string(starts), "\n"))
}
