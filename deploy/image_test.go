package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// The image, the archives and the look for vulnerabilities are of one toolchain.
func TestOneToolchain(t *testing.T) {
	named := func(file, pattern string) string {
		text, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		found := regexp.MustCompile(pattern).FindSubmatch(text)
		require.NotNil(t, found, file)
		return string(found[1])
	}
	require.Contains(t, named("docs/security.md", `(imagetools inspect .*)`), named("Dockerfile", `(?m)^FROM \$REGISTRY/library/(golang:[0-9.]+-\w+)`))
	toolchain := named("go.mod", `(?m)^toolchain go(\S+)$`)
	require.Equal(t, toolchain, named("Dockerfile", `(?m)^FROM \$REGISTRY/library/golang:([0-9.]+)-`))
	for _, module := range []string{"release", "vulnerabilities"} {
		require.Equal(t, toolchain, named(filepath.Join("tools", module, "go.mod"), `(?m)^toolchain go(\S+)$`))
	}
}
