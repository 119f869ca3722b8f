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

	"refundsync/internal/text"
)

const (
	cliModule  = "github.com/temporalio/cli"
	cliPackage = cliModule + "/cmd/temporal"
)

// errNoTemporal means that there is neither a temporal nor a way to build one.
var errNoTemporal = text.Errorf("there is no usable temporal on PATH, and it can be built only inside a checkout of refundsync; put temporal on PATH, or run inside the checkout")

// pinned is the temporal that tools/go.mod of this checkout pins.
type pinned struct {
	folder  string // of tools/go.mod
	version string // of the CLI, such as v1.5.1
	sum     string // of tools/go.mod, shortened
}

// findPinned looks for tools/go.mod in the directory and its parents.
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
			return pinned{}, text.Errorf("can't read %s: %w", file, err)
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			return pinned{}, errNoTemporal
		}
		directory = parent
	}
}

// cliVersion gives the version of the CLI in a go.mod that has it as a tool; "" for
// any other go.mod.
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
