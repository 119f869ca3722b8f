package devserver

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"refundsync/internal/text"
)

// lockInterval is how often a process polls for another's build to finish.
const lockInterval = 200 * time.Millisecond

type buildFunc func(ctx context.Context, path string, log io.Writer) error

// buildOnce builds the file at the path unless it exists. Of several processes,
// such as the packages of one `go test ./...`, one builds and the others wait for
// it. A build that fails or is interrupted leaves no file at the path.
func buildOnce(ctx context.Context, path string, log io.Writer, build buildFunc) (err error) {
	if there, err := exists(path); there || err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return text.Errorf("can't create the cache folder: %w", err)
	}
	lock := flock.New(path + ".lock")
	locked, err := lock.TryLock()
	if err == nil && !locked {
		text.Fprintf(log, "Waiting for another process that is building the Temporal dev server.\n")
		_, err = lock.TryLockContext(ctx, lockInterval)
	}
	if err != nil {
		return text.Errorf("can't lock %s: %w", lock.Path(), err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()

	if there, err := exists(path); there || err != nil {
		return err
	}
	// The linker refuses to overwrite what an interrupted build left behind.
	unfinished := path + ".unfinished"
	if err := os.RemoveAll(unfinished); err != nil {
		return text.Errorf("can't remove what an interrupted build left behind: %w", err)
	}
	if err := build(ctx, unfinished, log); err != nil {
		return err
	}
	if err := os.Rename(unfinished, path); err != nil {
		return text.Errorf("can't move the build into the cache: %w", err)
	}
	return nil
}

func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
