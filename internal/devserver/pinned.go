package devserver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/mod/modfile"

	"refundsync/internal/childprocess"
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

// build compiles the CLI to the path, and tells how it goes.
func (p pinned) build(ctx context.Context, path string, log func(string)) error {
	log(fmt.Sprintf("正在构建 Temporal 开发服务器 %s：只需一次，通常约 3 分钟。 "+
		"Building the Temporal dev server %s: only once, usually about 3 minutes.", p.version, p.version))
	began := time.Now()
	command := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-buildvcs=false",
		"-ldflags=-s -w", "-o", path, cliPackage)
	command.Dir = p.folder
	command.Env = append(os.Environ(), "GOWORK=off")
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = stopTimeout
	output := &childprocess.Tail{}
	command.Stdout, command.Stderr = output, output

	finished := make(chan error, 1)
	go func() { finished <- command.Run() }()
	if err := waitAloud(finished, began, log); err != nil {
		return fmt.Errorf("构建 Temporal 开发服务器失败，请检查网络和 GOPROXY，或把 temporal 放到 PATH 中。 "+
			"Building the Temporal dev server failed: check the network and GOPROXY, or put temporal on PATH: %w: %s", err, output)
	}
	log(fmt.Sprintf("Temporal 开发服务器已构建，用时 %[1]s。 Built the Temporal dev server in %[1]s.",
		time.Since(began).Round(time.Second)))
	return nil
}

// waitAloud waits for the build and tells twice a minute that it goes on.
func waitAloud(finished <-chan error, began time.Time, log func(string)) error {
	ticker := time.NewTicker(30 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case err := <-finished:
			return err
		case <-ticker.C:
			log(fmt.Sprintf("仍在构建，已用 %[1]s。 Still building, %[1]s so far.", time.Since(began).Round(time.Second)))
		}
	}
}
