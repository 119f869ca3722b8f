package e2e

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"

	"refundsync/internal/pgserver"
	"refundsync/internal/simulator"
)

// A backup is made in the middle of a run. The run ends, the server crashes, and
// the backup takes the place of its state: the run is in its middle again, while
// Kingdee has all its bills. It ends again, and nothing is missing or there twice.
func TestChaosPostgresRestored(t *testing.T) {
	requirePostgres(t)
	eachChaosSeed(t, func(t *testing.T, seed uint64) {
		options := pgserver.Options{Root: "..", Bin: bin, Folder: postgresFolder(t)}
		server := startPostgres(t, options)
		c := newChaosWorldAt(t, seed, simulator.Options{Orders: chaosLength(t, 150, 1000), CallLatency: 20 * time.Millisecond}, server.Address)
		// Pages are read slowly, so that the run outlives the backup.
		c.env["JUSHUITAN_CALLS_PER_SECOND"] = "2"
		worker := c.startWorker(t)
		run := c.beginAll(t)
		c.waitForBills(t, c.Truth().Totals().Saved/4)
		backup, err := script(t, server, "backup.sh", nil)
		require.NoError(t, err)
		require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, c.runStatus(t, run), "the backup came too late")
		first := c.end(t, run)
		require.Equal(t, c.Truth().Totals().Orders, first.Fetched)

		c.kill(t, worker)
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

		require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, c.runStatus(t, run), "the state is not that of the backup")
		c.env["JUSHUITAN_CALLS_PER_SECOND"] = "100"
		c.startWorker(t)
		again := c.end(t, run)
		require.Equal(t, first.Fetched, again.Fetched)
		c.requireNothingLost(t)
	})
}

// script runs a script of deploy/compose in PostgreSQL's place, and gives what it
// writes; the error holds what it says.
func script(t *testing.T, server *pgserver.Server, name string, in []byte) ([]byte, error) {
	t.Helper()
	cmd, err := server.Script(t.Context(), name)
	require.NoError(t, err)
	var out, says bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &says
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, says.String())
	}
	return out.Bytes(), nil
}

// runStatus is that of a run as the server has it.
func (w *world) runStatus(t *testing.T, workflowID string) enumspb.WorkflowExecutionStatus {
	t.Helper()
	described, err := w.temporal(t).DescribeWorkflowExecution(t.Context(), workflowID, "")
	require.NoError(t, err)
	return described.GetWorkflowExecutionInfo().GetStatus()
}
