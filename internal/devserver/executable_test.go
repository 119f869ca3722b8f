//go:build unix

package devserver

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFindExecutable builds the pinned server if there is none on PATH; the other
// tests then find it.
func TestFindExecutable(t *testing.T) {
	skipIfShort(t)
	path, err := Executable(t.Context(), t.Output())
	require.NoError(t, err)
	assert.NoError(t, checkExecutable(t.Context(), path))
}

const allFlags = "--db-filename --dynamic-config-value --search-attribute --ui-port"

func TestTemporalOnPATH(t *testing.T) {
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
			fake := filepath.Join(fakeOnPath(t, "temporal", test.script), "temporal")
			t.Chdir(t.TempDir())

			var told strings.Builder
			path, err := Executable(t.Context(), &told)
			if test.usable {
				require.NoError(t, err)
				assert.Equal(t, fake, path)
				return
			}
			assert.ErrorIs(t, err, errNoTemporal, "nothing can be built outside a checkout")
			assert.Contains(t, told.String(), test.message)
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
	err := empty.build(t.Context(), filepath.Join(t.TempDir(), "temporal"), io.Discard)
	require.ErrorContains(t, err, "put temporal on PATH")
	assert.ErrorContains(t, err, "go.mod", "it quotes go list")
}

func TestPinnedBuildIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := pinned{folder: t.TempDir()}.build(ctx, filepath.Join(t.TempDir(), "temporal"), io.Discard)
	assert.ErrorIs(t, err, context.Canceled)
}

// fakeOnPath puts a shell script first on PATH.
func fakeOnPath(t *testing.T, name, script string) (folder string) {
	t.Helper()
	skipIfShort(t)
	folder = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	return folder
}

// TestBuildIsShownAndItsErrorsAreWhole runs a build of two packages that lasts until
// its progress was shown and then fails with much output.
func TestBuildIsShownAndItsErrorsAreWhole(t *testing.T) {
	source := filepath.Join(t.TempDir(), "a.go")
	require.NoError(t, os.WriteFile(source, []byte("package a"), 0o644))
	shown := filepath.Join(t.TempDir(), "shown")
	fakeOnPath(t, "go", `
if [ "$1" = list ]; then
	echo "go: downloading example.com/a v1.0.0" >&2
	printf 'a\ttrue\t0\t`+filepath.Dir(source)+`\ta.go\n'
	printf 'main\ttrue\t1\t`+filepath.Dir(source)+`\ta.go\n'
	exit
fi
echo a >&2
while [ ! -e "`+shown+`" ]; do sleep 0.05; done
echo "# main" >&2
i=0
while [ $i -lt 1000 ]; do echo "main.go:$i: wrong" >&2; i=$((i+1)); done
printf 'the last word' >&2
exit 1`)

	var told strings.Builder
	view := newBuildView(writerFunc(func(written []byte) {
		told.Write(written)
		if strings.Contains(told.String(), "compiling 1/2") {
			assert.NoError(t, os.WriteFile(shown, nil, 0o644))
		}
	}))
	view.interval = time.Millisecond
	err := pinned{folder: t.TempDir()}.listAndBuild(t.Context(), "temporal", view)
	require.ErrorContains(t, err, "exit status 1: # main\nmain.go:0: wrong\n")
	assert.ErrorContains(t, err, "main.go:999: wrong\nthe last word")
}

// TestStartIsRetriedOnOtherPorts starts a server whose port is taken at the first
// attempt and that fails for another reason at the second.
func TestStartIsRetriedOnOtherPorts(t *testing.T) {
	starts := filepath.Join(t.TempDir(), "starts")
	fakeOnPath(t, "temporal", `
case "$*" in
*--help* | --version) echo "`+allFlags+`"; exit ;;
esac
echo "$*" >>"`+starts+`"
if [ "$(wc -l <"`+starts+`")" -eq 1 ]; then echo "listen: bind: address already in use"; else echo "out of memory"; fi
exit 1`)

	_, err := Start(t.Context(), Options{})
	require.ErrorContains(t, err, "out of memory")
	assert.NotErrorIs(t, err, errPortTaken)
	lines, err := os.ReadFile(starts)
	require.NoError(t, err)
	assert.Equal(t, 2, strings.Count(string(lines), "\n"))
}
