package devserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// answerTimeout is how long a temporal on PATH has to say what it is.
const answerTimeout = 30 * time.Second

// neededFlags are the ones of `temporal server start-dev` that Start uses and
// that not every version has.
var neededFlags = []string{"--db-filename", "--dynamic-config-value", "--search-attribute", "--ui-port"}

// Executable is the temporal that Start runs, which is the CLI as well: one on PATH
// that can run a development server, else the pinned one, which is built if it never
// was. log is told of it as Options.Log is.
func Executable(ctx context.Context, log io.Writer) (string, error) {
	onPath, err := exec.LookPath("temporal")
	if err == nil {
		err = checkExecutable(ctx, onPath)
	}
	if err == nil {
		return onPath, nil
	}
	if !errors.Is(err, exec.ErrNotFound) {
		fmt.Fprintf(log, "PATH 中的 temporal 不可用，改用固定版本。 The temporal on PATH is of no use, taking the pinned one: %v\n", err)
	}
	directory, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("无法确定当前目录。 Can't tell the current folder: %w", err)
	}
	pinned, err := findPinned(directory)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("找不到用户缓存目录，请设置 HOME。 No cache folder for this user, set HOME: %w", err)
	}
	path := filepath.Join(cache, "refundsync", pinned.fileName())
	if err := buildOnce(ctx, path, log, pinned.build); err != nil {
		return "", err
	}
	return path, nil
}

// checkExecutable tells whether the temporal at the path runs and knows the
// command and the flags that are needed.
func checkExecutable(ctx context.Context, path string) error {
	if _, err := answer(ctx, path, "--version"); err != nil {
		return err
	}
	help, err := answer(ctx, path, "server", "start-dev", "--help")
	if err != nil {
		return err
	}
	for _, flag := range neededFlags {
		if !strings.Contains(help, flag) {
			return fmt.Errorf("%s server start-dev 没有参数 %s。 It has no such flag", path, flag)
		}
	}
	return nil
}

func answer(ctx context.Context, path string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	output, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", path, strings.Join(args, " "), err, strings.TrimSpace(string(output)))
	}
	return string(output), nil
}
