package devserver

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/mod/modfile"
)

const (
	cliModule  = "github.com/temporalio/cli"
	cliPackage = cliModule + "/cmd/temporal"
)

// errNoTemporal is said where neither a temporal nor a way to build one exists.
var errNoTemporal = errors.New("PATH 中没有可用的 temporal，且不在 refundsync 的源码目录中，无法构建。请把 temporal 放到 PATH 中，或在源码目录中运行。 " +
	"No usable temporal on PATH, and none can be built outside a checkout of refundsync: put temporal on PATH, or run inside the checkout")

// pinned is the temporal that tools/go.mod of this checkout pins.
type pinned struct {
	folder  string // of tools/go.mod
	version string // of the CLI, such as v1.5.1
	sum     string // of tools/go.mod, short
}

// findPinned looks for tools/go.mod in the directory and all those above it.
func findPinned(directory string) (pinned, error) {
	for {
		folder := filepath.Join(directory, "tools")
		file := filepath.Join(folder, "go.mod")
		data, err := os.ReadFile(file)
		switch {
		case err == nil:
			if version := cliVersion(file, data); version != "" {
				sum := sha256.Sum256(data)
				return pinned{folder: folder, version: version, sum: hex.EncodeToString(sum[:6])}, nil
			}
		case !errors.Is(err, fs.ErrNotExist):
			return pinned{}, fmt.Errorf("无法读取 %s。 Can't read it: %w", file, err)
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			return pinned{}, errNoTemporal
		}
		directory = parent
	}
}

// cliVersion reads the version of the CLI out of a go.mod that has it as a
// tool; "" of any other.
func cliVersion(file string, data []byte) string {
	module, err := modfile.Parse(file, data, nil)
	if err != nil || !slices.ContainsFunc(module.Tool, func(t *modfile.Tool) bool { return t.Path == cliPackage }) {
		return ""
	}
	for _, require := range module.Require {
		if require.Mod.Path == cliModule {
			return require.Mod.Version
		}
	}
	return ""
}

// fileName tells builds of different versions, machines and dependencies apart.
func (p pinned) fileName() string {
	name := fmt.Sprintf("temporal-%s-%s-%s-%s", p.version, runtime.GOOS, runtime.GOARCH, p.sum)
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return name
}
