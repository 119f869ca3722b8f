package deploy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/stretchr/testify/require"

	"refundsync/internal/testkit"
	"refundsync/internal/testkit/compose"
)

// images are those of all services of a folder's docker-compose.yml, sorted.
func images(t *testing.T, folder string, variables map[string]string) []string {
	t.Helper()
	project, err := compose.Load(t.Context(), folder, variables, "*")
	require.NoError(t, err)
	var all []string
	for _, service := range project.Services {
		all = append(all, service.Image)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// docker is stood in for: it records its calls and saves the names of the images.
func TestBundleHasAllThatComposeNeeds(t *testing.T) {
	testkit.SkipIfShort(t)
	for _, registry := range []string{"docker.io", "mirror.example.lan/hub"} {
		want := images(t, root, map[string]string{"REFUNDSYNC_VERSION": "v1.2.3", "REGISTRY": registry})
		checkout, calls := checkoutOf(t), filepath.Join(t.TempDir(), "calls")
		bin := t.TempDir()
		docker := fmt.Sprintf(`#!/bin/sh
echo "$REFUNDSYNC_VERSION $COMPOSE_PROFILES: $*" >> '%s'
case $1$2 in
  composeconfig) printf '%%s\n' %s ;;
  save--output) file=$3; shift 3; printf '%%s\n' "$@" > "$file" ;;
esac
`, calls, strings.Join(append(want, want...), " ")) // twice, as services share images
		require.NoError(t, os.WriteFile(filepath.Join(bin, "docker"), []byte(docker), 0o755))
		cmd := exec.CommandContext(t.Context(), filepath.Join(checkout, "deploy", "bundle.sh"), "v1.2.3")
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Equal(t, "dist/refundsync_v1.2.3_bundle.tar\n", string(out))

		recorded, err := os.ReadFile(calls)
		require.NoError(t, err)
		const all = "v1.2.3 codec,demo,production,tools: "
		require.Equal(t, []string{
			all + "compose pull --ignore-buildable",
			all + "compose build worker",
			all + "compose config --images",
			all + "save --output dist/refundsync_v1.2.3_bundle/images.tar " + strings.Join(want, " "),
		}, strings.Split(strings.TrimSpace(string(recorded)), "\n"))

		files := unpack(t, filepath.Join(checkout, "dist", "refundsync_v1.2.3_bundle.tar"), "refundsync_v1.2.3_bundle/")
		for _, name := range []string{".env.example", "deploy/compose/backup.sh", "flows/refund_to_return.yaml", "flows/library/saleout_to_outstock.yaml", "docs/setup.zh-CN.md", "LICENSE"} {
			original, err := os.ReadFile(filepath.Join(root, name))
			require.NoError(t, err)
			require.Equal(t, string(original), string(files[name]), name)
		}
		for name := range files {
			require.False(t, strings.HasSuffix(name, "_test.go"), name)
		}
		unzipped, err := gzip.NewReader(bytes.NewReader(files["images.tar.gz"]))
		require.NoError(t, err)
		saved, err := io.ReadAll(unzipped)
		require.NoError(t, err)
		// What Compose looks for on the server is what was saved, with no settings and
		// with those of the example.
		server := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(server, "docker-compose.yml"), files["docker-compose.yml"], 0o600))
		example, err := dotenv.Parse(bytes.NewReader(files[".env.example"]))
		require.NoError(t, err)
		for _, variables := range []map[string]string{nil, example} {
			require.Equal(t, images(t, server, variables), strings.Split(strings.TrimSpace(string(saved)), "\n"))
		}
	}
}

func TestBundleIsMadeOfACleanCheckout(t *testing.T) {
	testkit.SkipIfShort(t)
	checkout := checkoutOf(t)
	require.NoError(t, os.WriteFile(filepath.Join(checkout, "flows", "new.yaml"), nil, 0o600))
	out, err := exec.CommandContext(t.Context(), filepath.Join(checkout, "deploy", "bundle.sh"), "v1.2.3").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "uncommitted changes")
	require.NoDirExists(t, filepath.Join(checkout, "dist"))
}

// checkoutOf is a repository with what a bundle is made of, as it is here now.
func checkoutOf(t *testing.T) string {
	t.Helper()
	checkout := t.TempDir()
	for _, folder := range []string{"deploy", "docs", "flows"} {
		require.NoError(t, os.CopyFS(filepath.Join(checkout, folder), os.DirFS(filepath.Join(root, folder))))
	}
	for _, name := range []string{".env.example", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "README.zh-CN.md", "docker-compose.yml"} {
		content, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(checkout, name), content, 0o644))
	}
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "."}, {"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "a"}} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = checkout
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	return checkout
}

// unpack gives the files of an archive by their names below top.
func unpack(t *testing.T, archive, top string) map[string][]byte {
	t.Helper()
	file, err := os.Open(archive)
	require.NoError(t, err)
	defer file.Close()
	files := map[string][]byte{}
	reader := tar.NewReader(file)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		name, below := strings.CutPrefix(header.Name, top)
		require.True(t, below, header.Name)
		if header.Typeflag == tar.TypeReg {
			files[name], err = io.ReadAll(reader)
			require.NoError(t, err)
		}
	}
}
