package version

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersionOf(t *testing.T) {
	for _, test := range []struct {
		name            string
		release, module string
		want            string
	}{
		{"a release", "v1.2.3", "v0.0.0-20260302101112-0123456789ab", "v1.2.3"},
		{"between releases", "", "v1.2.4-0.20260302101112-0123456789ab+dirty", "v1.2.4-0.20260302101112-0123456789ab+dirty"},
		{"without git", "", "(devel)", Unknown},
		{"no module", "", "", Unknown},
	} {
		t.Run(test.name, func(t *testing.T) { require.Equal(t, test.want, versionOf(test.release, test.module)) })
	}
}

func TestUserAgent(t *testing.T) {
	require.Equal(t, "refundsync/"+Version(), UserAgent())
	require.Regexp(t, `^refundsync/[\w.+-]+$`, UserAgent(), "a product as HTTP takes it")
}

// TestPrograms builds each program with a version and asks for it.
func TestPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("builds three programs and runs them")
	}
	for _, program := range []string{"worker", "starter", "simulator"} {
		t.Run(program, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), program)
			if runtime.GOOS == "windows" {
				path += ".exe"
			}
			build := exec.Command("go", "build", "-ldflags", "-X refundsync/internal/version.release=v1.2.3", "-o", path, "./"+program)
			build.Dir = filepath.Join("..", "..")
			out, err := build.CombinedOutput()
			require.NoError(t, err, "%s", out)
			out, err = exec.Command(path, "--version").CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Equal(t, program+" version v1.2.3 ("+runtime.Version()+" "+runtime.GOOS+"/"+runtime.GOARCH+")\n", string(out))
		})
	}
}
