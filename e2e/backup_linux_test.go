package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
	"refundsync/internal/testkit/postgres"
)

// A backup is made in the middle of a run. The run ends, the server crashes, and the
// backup is restored: the run is in its middle again, while Kingdee has all its bills. It
// ends again, and nothing is missing or duplicated.
func TestChaosPostgresRestored(t *testing.T) {
	requirePostgres(t)
	eachChaosSeed(t, func(t *testing.T, seed uint64) {
		options := postgres.Options{Root: "..", Bin: postgresPrograms(t), Folder: postgresFolder(t)}
		server := startPostgres(t, options)
		c := newChaosWorldAt(t, seed, simulator.Options{Orders: chaosLength(150, 1000), CallLatency: 20 * time.Millisecond}, server.Address, "default")
		worker := c.startWorkerProcess(t)
		c.HoldSaves(c.Truth().Totals().Saved / 4) // so that the run outlasts the backup
		run := c.beginAll(t)
		c.waitUntilHeld(t)
		backup, err := script(t, server, "backup.sh", nil)
		require.NoError(t, err)
		require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, c.runStatus(t, run.GetID()), "the backup came too late")
		c.ReleaseSaves()
		first := c.end(t, run)
		require.Equal(t, c.Truth().Totals().Orders, first.Fetched)

		worker.Kill(t)
		c.kills++
		_, err = script(t, server, "restore.sh", backup)
		require.ErrorContains(t, err, "PostgreSQL still runs")
		require.NoError(t, server.Crash())
		c.kills++
		damaged := bytes.Clone(backup)
		copy(damaged[len(damaged)/2:], make([]byte, 1<<10))
		_, err = script(t, server, "restore.sh", damaged)
		require.ErrorContains(t, err, "The backup is damaged")
		_, err = script(t, server, "restore.sh", backup)
		require.NoError(t, err)
		startPostgres(t, options)

		require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, c.runStatus(t, run.GetID()), "the state is not that of the backup")
		c.startWorkerProcess(t)
		again := c.end(t, c.temporal(t).GetWorkflow(t.Context(), run.GetID(), run.GetRunID()))
		require.Equal(t, first.Fetched, again.Fetched)
		c.requireNothingLost(t)
	})
}

// A backup is made before a run, and PostgreSQL archives its log. The server crashes
// after the run, and is restored to a moment in its middle.
func TestChaosPostgresRestoredToAMoment(t *testing.T) {
	requirePostgres(t)
	eachChaosSeed(t, func(t *testing.T, seed uint64) {
		options := postgres.Options{Root: "..", Bin: postgresPrograms(t), Folder: postgresFolder(t)}
		server := startPostgres(t, options)
		archive := filepath.Join(options.Folder, "archive")
		require.NoError(t, os.Mkdir(archive, 0o700))
		// PostgreSQL's own user must be able to write here.
		require.NoError(t, os.Chmod(archive, 0o777))
		archiving, err := server.Script(t.Context(), "archive.sh")
		require.NoError(t, err)
		psql(t, server, "ALTER SYSTEM SET archive_mode = on")
		psql(t, server, fmt.Sprintf("ALTER SYSTEM SET archive_command = 'ARCHIVE=%s sh %s %%p %%f'", archive, archiving.Args[1]))
		require.NoError(t, server.Crash())
		server = startPostgres(t, options)
		backup, err := script(t, server, "backup.sh", nil)
		require.NoError(t, err)

		c := newChaosWorldAt(t, seed, simulator.Options{Orders: chaosLength(150, 1000), CallLatency: 20 * time.Millisecond}, server.Address, "default")
		worker := c.startWorkerProcess(t)
		c.HoldSaves(c.Truth().Totals().Saved / 4)
		run := c.beginAll(t)
		c.waitUntilHeld(t)
		psql(t, server, "CREATE TABLE before ()")
		moment := psql(t, server, "SELECT clock_timestamp()")
		psql(t, server, "CREATE TABLE afterwards ()")
		require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, c.runStatus(t, run.GetID()), "the moment came too late")
		c.ReleaseSaves()
		first := c.end(t, run)
		require.Equal(t, c.Truth().Totals().Orders, first.Fetched)
		worker.Kill(t)
		c.kills++
		last := psql(t, server, "SELECT pg_walfile_name(pg_switch_wal())")
		testkit.Wait(t, last+" is archived", func() bool {
			_, err := os.Stat(filepath.Join(archive, last+".gz"))
			return err == nil
		})
		require.NoError(t, server.Crash())
		c.kills++

		_, err = script(t, server, "restore.sh", backup, "RESTORE_TO="+moment, "ARCHIVE="+archive)
		require.NoError(t, err)
		server = startPostgres(t, options)
		require.Equal(t, "t|f", psql(t, server, "SELECT to_regclass('before') IS NOT NULL, to_regclass('afterwards') IS NOT NULL"), "the state is not that of the moment")
		require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, c.runStatus(t, run.GetID()))
		c.startWorkerProcess(t)
		again := c.end(t, c.temporal(t).GetWorkflow(t.Context(), run.GetID(), run.GetRunID()))
		require.Equal(t, first.Fetched, again.Fetched)
		c.requireNothingLost(t)
	})
}

// psql returns the result of a query by the superuser.
func psql(t *testing.T, server *postgres.Server, query string) string {
	t.Helper()
	out, err := server.Psql(t.Context(), "postgres", query).CombinedOutput()
	require.NoError(t, err, "%s: %s", query, out)
	return strings.TrimSpace(string(out))
}

// script runs a script of deploy/compose against this PostgreSQL and returns its output;
// the error contains its messages. env is added to its environment.
func script(t *testing.T, server *postgres.Server, name string, in []byte, env ...string) ([]byte, error) {
	t.Helper()
	cmd, err := server.Script(t.Context(), name)
	require.NoError(t, err)
	cmd.Env = append(cmd.Env, env...)
	var out, says bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &says
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, says.String())
	}
	return out.Bytes(), nil
}

// runStatus returns a run's status on the server.
func (w *world) runStatus(t *testing.T, workflowID string) enumspb.WorkflowExecutionStatus {
	t.Helper()
	described, err := w.temporal(t).DescribeWorkflow(t.Context(), workflowID, "")
	require.NoError(t, err)
	return described.RawResponse.GetWorkflowExecutionInfo().GetStatus()
}
