package devserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lockInterval is how often a process that waits for another's build looks.
const lockInterval = 200 * time.Millisecond

type buildFunc func(ctx context.Context, path string, log io.Writer) error

// buildOnce builds the file at the path unless it is there. Of several
// processes, such as the packages of one `go test ./...`, one builds and the
// others wait for it. A build that failed or was cut off leaves no file.
func buildOnce(ctx context.Context, path string, log io.Writer, build buildFunc) (err error) {
	if there, err := exists(path); there || err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("无法创建缓存目录。 Can't make the cache folder: %w", err)
	}
	lock := flock.New(path + ".lock")
	locked, err := lock.TryLock()
	if err == nil && !locked {
		fmt.Fprintln(log, "另一个进程正在构建 Temporal 开发服务器，等它完成。 Another process is building the Temporal dev server, waiting for it.")
		_, err = lock.TryLockContext(ctx, lockInterval)
	}
	if err != nil {
		return fmt.Errorf("无法锁定 %s。 Can't lock it: %w", lock.Path(), err)
	}
	defer func() { err = errors.Join(err, lock.Close()) }()

	if there, err := exists(path); there || err != nil {
		return err
	}
	// The linker refuses to write over what a build left that was cut off.
	unfinished := path + ".unfinished"
	if err := os.RemoveAll(unfinished); err != nil {
		return fmt.Errorf("无法删除旧文件。 Can't remove an old file: %w", err)
	}
	if err := build(ctx, unfinished, log); err != nil {
		return err
	}
	if err := os.Rename(unfinished, path); err != nil {
		return fmt.Errorf("无法放入缓存。 Can't put it into the cache: %w", err)
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
