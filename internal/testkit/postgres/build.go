//go:build linux

package postgres

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"refundsync/internal/devserver"
)

// Build puts the programs of both of Temporal's images into a folder: the server,
// the tool for its schema, and the CLI. The first time takes minutes. Errors are in
// English: they are for developers.
func Build(ctx context.Context, root, bin string, log io.Writer) error {
	// Fail before minutes of building.
	if _, err := findPostgres(); err != nil {
		return err
	}
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	for name, pkg := range map[string]string{
		"temporal-server":   "go.temporal.io/server/cmd/server",
		"temporal-sql-tool": "go.temporal.io/server/cmd/tools/sql",
	} {
		fmt.Fprintln(log, "building "+name)
		build := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(bin, name), pkg)
		build.Dir = filepath.Join(root, "tools", "server")
		build.Env = append(os.Environ(), "GOWORK=off")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w: %s", name, err, out)
		}
	}
	cli, err := devserver.Executable(ctx, log)
	if err != nil {
		return err
	}
	return os.Symlink(cli, filepath.Join(bin, "temporal"))
}
