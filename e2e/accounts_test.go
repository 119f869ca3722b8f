package e2e

import (
	"context"
	"io"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/config"
	"refundsync/internal/simulator"
	"refundsync/internal/syncworker"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// anotherCompany is the same Temporal namespace with another company's accounts.
func (w *world) anotherCompany() *world {
	return w.with("JUSHUITAN_CUSTOMER_ID", "c1709999999").with("KINGDEE_ACCT_ID", "77aabbccddeeff")
}

// accounts are the accounts in the world's settings.
func (w *world) accounts() config.Accounts { return w.env.LoadAccounts() }

// bound returns the accounts to which the task queue is bound.
func (w *world) bound(t *testing.T) config.Accounts {
	t.Helper()
	bound, runID, err := syncworker.BoundAccounts(t.Context(), w.temporal(t), "refundsync")
	require.NoError(t, err)
	require.NotNil(t, bound)
	require.NotEmpty(t, runID)
	return *bound
}

// refused runs a worker that must refuse to start, and returns its error.
func (w *world) refused(t *testing.T) error {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), testkit.Patience)
	defer stop()
	var log strings.Builder
	err := syncworker.RunProcess(ctx, maps.Clone(w.env), &log)
	require.Error(t, err)
	require.NotContains(t, log.String(), `"polling"`)
	return err
}

// The first worker binds the task queue to its accounts, whatever its and the others'
// keys. With other accounts nobody takes or submits work, and the error says which ones
// differ.
func TestOtherAccountsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 40})
	require.Contains(t, w.run(t, "starter", "check").stdout, "✓ Accounts: none recorded yet")
	w.setKeys(oldKey)
	w.startWorker(t)
	require.Equal(t, w.accounts(), w.bound(t))
	require.Contains(t, w.run(t, "starter", "check").stdout, "✓ Accounts: "+w.accounts().String())

	for name, other := range map[string]string{"JUSHUITAN_CUSTOMER_ID": "c1709999999", "KINGDEE_ACCT_ID": "77aabbccddeeff", "KINGDEE_ORG_NUMBER": "999"} {
		t.Run(name, func(t *testing.T) {
			company := w.with(name, other)
			err := company.refused(t)
			require.ErrorContains(t, err, name)
			require.ErrorContains(t, err, other)
			for _, same := range []string{"JUSHUITAN_CUSTOMER_ID:", "KINGDEE_ACCT_ID:", "KINGDEE_ORG_NUMBER:"} {
				if same != name+":" {
					require.NotContains(t, err.Error(), same)
				}
			}
			require.Contains(t, company.run(t, "starter", "check").stdout, "✗ Accounts")
		})
	}
	t.Run("other keys", func(t *testing.T) {
		company := w.anotherCompany()
		company.setKeys(newKey)
		require.ErrorContains(t, company.refused(t), "JUSHUITAN_CUSTOMER_ID")
	})
	t.Run("starter", func(t *testing.T) {
		company := w.anotherCompany()
		for _, args := range [][]string{
			append([]string{"run"}, w.rangeFlags()...),
			{"run", "--flow", builtInFlow, "--since", "2024-03-01"},
			{"schedule", "create", "--flow", builtInFlow, "--since", "2024-03-01"},
			{"schedule", "trigger", "--flow", builtInFlow},
			{"schedule", "pause", "--flow", builtInFlow},
			{"schedule", "delete", "--flow", builtInFlow},
			append([]string{"schedule", "backfill"}, w.rangeFlags()...),
			{"cron", "start", "--flow", builtInFlow, "--since", "2024-03-01"},
			{"parked", "retry", "--all"},
			{"parked", "discard", "1", "--note", "r", "--by", "b", "--yes"},
			{"pause", "w", "--by", "b"},
		} {
			e := company.starter(t, 1, args...)
			require.Contains(t, e.stderr, "KINGDEE_ACCT_ID", args)
			require.Contains(t, e.stderr, "starter accounts move", args)
		}
		require.Empty(t, listed(t, w.temporal(t), "WorkflowType = 'SyncFlow'"))
		// A program without these settings compares nothing.
		bare := &world{Simulator: w.Simulator, server: w.server, env: maps.Clone(w.env)}
		maps.DeleteFunc(bare.env, func(name, _ string) bool { _, ours := w.server.Environment().Map()[name]; return ours })
		bare.starter(t, 0, append([]string{"run"}, w.rangeFlags()...)...)
	})
	t.Run("another task queue", func(t *testing.T) {
		company := w.anotherCompany().with("REFUNDSYNC_TASK_QUEUE", "another")
		company.startWorker(t)
	})
	requireTruth(t, w, w.sync(t)) // joins the run of the bare starter
	require.Equal(t, w.accounts(), w.bound(t))
}

// If the first workers of several companies start at once, one of them gets the task
// queue.
func TestOneOfTheFirstWorkersBinds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 1})
	const companies = 4
	type end struct {
		accounts config.Accounts
		err      error
	}
	ctx, stop := context.WithTimeout(t.Context(), testkit.Patience)
	defer stop()
	ended := make(chan end, companies)
	for i := range companies {
		company := w.with("KINGDEE_ORG_NUMBER", strconv.Itoa(i))
		go func() {
			ended <- end{company.accounts(), syncworker.RunProcess(ctx, company.env, io.Discard)}
		}()
	}
	refused := map[config.Accounts]bool{}
	for range companies - 1 {
		e := <-ended
		require.ErrorContains(t, e.err, "KINGDEE_ORG_NUMBER")
		refused[e.accounts] = true
	}
	require.Len(t, refused, companies-1)
	require.NotContains(t, refused, w.bound(t))
	stop()
	require.NoError(t, (<-ended).err)
}

// A command that names both moves a task queue to other accounts, provided no worker is
// running and nothing waits, or what waits is to move too.
func TestAccountsAreMovedOnPurpose(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 150})
	former := w.anotherCompany()
	namespace := w.env["TEMPORAL_NAMESPACE"]
	c := w.temporal(t)
	// What a worker does at start, without one that polls.
	require.NoError(t, syncworker.MoveAccounts(t.Context(), c, namespace, "refundsync", former.accounts()))
	run := w.begin(t, w.input())
	testkit.Wait(t, "the run is listed", func() bool { return len(listed(t, c, "WorkflowType = 'SyncFlow'")) == 1 })

	e := w.starter(t, 2, "accounts", "move")
	confirmed := []string{"accounts", "move", "--from", former.accounts().String(), "--to", w.accounts().String()}
	require.Contains(t, e.stderr, "--from "+confirmed[3]+" --to "+confirmed[5])
	w.starter(t, 2, "accounts", "move", "--from", w.accounts().String(), "--to", former.accounts().String())
	e = w.starter(t, 1, confirmed...)
	require.Contains(t, e.stderr, "open runs: 1")
	require.Equal(t, former.accounts(), w.bound(t))

	w.starter(t, 0, append(confirmed, "--take-waiting")...)
	require.Equal(t, w.accounts(), w.bound(t))
	require.ErrorContains(t, former.refused(t), "JUSHUITAN_CUSTOMER_ID")
	worker := w.startWorker(t)
	ran := w.sync(t)
	require.Equal(t, run.GetRunID(), ran.RunID)
	requireTruth(t, w, ran)

	// The way back, with a worker and parked orders.
	require.NotZero(t, ran.Parked)
	w.waitForParkedCount(t, ran.Parked)
	back := []string{"accounts", "move", "--from", w.accounts().String(), "--to", former.accounts().String()}
	e = former.starter(t, 1, back...)
	require.Contains(t, e.stderr, "workers that poll it")
	require.Contains(t, e.stderr, "new accounts: "+strconv.Itoa(ran.Parked))
	e = former.starter(t, 1, append(back, "--take-waiting")...)
	require.Contains(t, e.stderr, "workers that poll it")
	require.NotContains(t, e.stderr, "parked orders")
	require.Equal(t, w.accounts(), w.bound(t))
	worker.terminate(t)
}

// If somebody has ended the workflow that keeps the accounts, they apply as long as the
// server remembers it, and the next worker stores them again.
func TestAccountsOutliveTheirWorkflow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 1})
	worker := w.startWorker(t)
	c := w.temporal(t)
	require.NoError(t, c.CancelWorkflow(t.Context(), workflows.AccountsID("refundsync"), ""))
	require.Error(t, c.GetWorkflow(t.Context(), workflows.AccountsID("refundsync"), "").Get(t.Context(), nil))
	worker.terminate(t)
	require.ErrorContains(t, w.anotherCompany().refused(t), "JUSHUITAN_CUSTOMER_ID")
	w.startWorker(t)
	require.Equal(t, w.accounts(), w.bound(t))
}
