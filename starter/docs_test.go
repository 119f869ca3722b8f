package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/alert"
	"refundsync/internal/contract"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

func runDocs(t *testing.T, args ...string) error {
	t.Helper()
	t.Setenv("REFUNDSYNC_FLOWS", filepath.Join("..", "flows"))
	root := newRootCommand()
	root.SetOut(&bytes.Buffer{})
	root.SetErr(&bytes.Buffer{})
	root.SetArgs(append([]string{"docs"}, args...))
	return root.Execute()
}

func readSite(t *testing.T, folder, name string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(name)))
	require.NoError(t, err)
	return string(page)
}

func TestDocsWritesTheSite(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "site")
	require.NoError(t, runDocs(t, "--out", folder))
	assert.Contains(t, readSite(t, folder, "index.html"), "url=en/index.html")
	assert.Contains(t, readSite(t, folder, "zh-CN/flows/refund_to_return.html"), "聚水潭")
	assert.ErrorContains(t, runDocs(t), "missing: --out")
}

// A flow whose state can't be read is unknown, never off, and the pages are written all the
// same.
func TestDocsWithoutAServerSaysUnknown(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
	folder := t.TempDir()
	require.Error(t, runDocs(t, "--out", folder, "--live"))
	for _, name := range []string{"en/index.html", "en/flows/refund_to_return.html"} {
		page := readSite(t, folder, name)
		assert.Contains(t, page, `<span class="badge unknown">unknown</span>`, name)
		assert.NotContains(t, page, `>off<`, name)
		assert.Contains(t, page, "Made on ", name)
	}
}

func TestLiveOfAStatus(t *testing.T) {
	at := time.Date(2024, 3, 1, 9, 0, 0, 0, time.UTC)
	seconds := int64(90)
	s := flowStatus{
		Flow: "f", Watermark: &at, LagSeconds: &seconds, Behind: true, NextRun: &at,
		LastRun:   &runStatus{WorkflowID: "f/1", EndedAt: at, Outcome: workflows.RunFailed, Error: "order 7 of Mr Wang"},
		LastSweep: &sweepStatus{EndedAt: at, Found: 3},
		Running:   []runStatus{{}, {}},
		Schedule:  &scheduleStatus{Paused: true, Note: "by wang"},
		Holds:     []contract.Hold{{By: "wang"}},
		Parked:    map[string]int{"unknown_code": 2}, LastDay: alert.Counts{Runs: 4},
	}
	live := liveOf(s, []visibility.FlowVersion{{Version: "v1"}})
	assert.Equal(t, 90*time.Second, *live.Lag)
	assert.Equal(t, "by wang", live.PauseNote.String())
	assert.True(t, live.Scheduled && live.Paused && live.Behind)
	assert.Equal(t, 2, live.Running)
	assert.Equal(t, "failed", live.LastRun.Outcome.String())
	assert.Equal(t, 3, live.LastSweep.Found)
	assert.Equal(t, s.Holds, live.Holds)
	assert.Equal(t, s.Parked, live.Parked)
	assert.Equal(t, 4, live.LastDay.Runs)
	assert.Equal(t, "v1", live.Versions[0].Version)

	s.Cron = true
	assert.False(t, liveOf(s, nil).Paused, "a cron runs though a schedule is paused")
	assert.False(t, liveOf(flowStatus{}, nil).Scheduled)
}
