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

	"refundsync/internal/text"
)

// answerTimeout bounds each call that checks a temporal on PATH.
const answerTimeout = 30 * time.Second

// neededFlags are the flags of `temporal server start-dev` that Start uses and that
// not every version has.
var neededFlags = []string{"--db-filename", "--dynamic-config-value", "--search-attribute", "--ui-port"}

// Executable gives the path of the temporal that Start runs, which is the CLI as well:
// the one on PATH if it can run a development server, else the pinned one, built if
// need be. log is as Options.Log.
func Executable(ctx context.Context, log io.Writer) (string, error) {
	onPath, err := exec.LookPath("temporal")
	if err == nil {
		err = checkExecutable(ctx, onPath)
	}
	if err == nil {
		return onPath, nil
	}
	if !errors.Is(err, exec.ErrNotFound) {
		text.Fprintf(log, "Using the pinned temporal, because the one on PATH doesn't work: %v\n", err)
	}
	directory, err := os.Getwd()
	if err != nil {
		return "", text.Errorf("can't find the current folder: %w", err)
	}
	pinned, err := findPinned(directory)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", text.Errorf("can't find the user's cache folder; set HOME: %w", err)
	}
	path := filepath.Join(cache, "refundsync", pinned.fileName())
	if err := buildOnce(ctx, path, log, pinned.build); err != nil {
		return "", err
	}
	return path, nil
}

// checkExecutable checks that the temporal at the path runs and has the command and
// the flags that are needed.
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
			return text.Errorf("%s server start-dev has no flag %s", path, flag)
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
