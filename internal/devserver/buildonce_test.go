package devserver

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// writerFunc is told of each write.
type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

func TestBuildOnceOfMany(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache", "temporal")
	var builds atomic.Int32
	othersWait := make(chan struct{}, 8)
	build := func(_ context.Context, path string, _ io.Writer) error {
		builds.Add(1)
		// At least one other is at the lock before the file is there.
		<-othersWait
		return os.WriteFile(path, []byte("built"), 0o755)
	}
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			return buildOnce(t.Context(), path, writerFunc(func([]byte) { othersWait <- struct{}{} }), build)
		})
	}
	require.NoError(t, group.Wait())
	assert.EqualValues(t, 1, builds.Load())
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "built", string(content))
}

func TestBuildThatFailedLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "temporal")
	broken := errors.New("broken")

	err := buildOnce(t.Context(), path, io.Discard, func(_ context.Context, path string, _ io.Writer) error {
		require.NoError(t, os.WriteFile(path, []byte("half"), 0o755))
		return broken
	})
	require.ErrorIs(t, err, broken)
	require.NoFileExists(t, path)

	err = buildOnce(t.Context(), path, io.Discard, func(_ context.Context, path string, _ io.Writer) error {
		require.NoFileExists(t, path, "what the last build left is gone")
		return os.WriteFile(path, []byte("whole"), 0o755)
	})
	require.NoError(t, err)
	assert.FileExists(t, path)
}
