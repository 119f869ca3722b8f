package e2e

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"

	"refundsync/internal/config"
	"refundsync/internal/encryption"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/syncworker"
	"refundsync/internal/tally"
	"refundsync/internal/testkit"
	"refundsync/internal/text"
	"refundsync/workflows"
)

const builtInFlow = "refund_to_return"

// world is everything that one test needs: both outside systems, its own namespace on a
// Temporal server, and the settings to reach them.
type world struct {
	*simulator.Simulator
	server *simulator.Server
	env    config.Environment
	// flows are the flows that run.
	flows []merchant.Flow
	// company is that of the flows; "" for none.
	company string
}

// newWorld makes a merchant whose orders lie in two days.
func newWorld(t *testing.T, options simulator.Options) *world {
	t.Helper()
	address, namespace := newNamespace(t)
	return newWorldAt(t, options, address, namespace)
}

// newWorldAt is newWorld with an existing namespace.
func newWorldAt(t *testing.T, options simulator.Options, address, namespace string) *world {
	t.Helper()
	options.Days, options.Seed = 2, cmp.Or(options.Seed, 7)
	sim, err := simulator.New(options)
	require.NoError(t, err)
	server, err := sim.Start(context.Background(), "127.0.0.1:0")
	require.NoError(t, err)
	w := &world{Simulator: sim, server: server, env: server.Environment().Map(), flows: []merchant.Flow{builtInFlow}}
	t.Cleanup(func() {
		sim.ReleaseSaves()
		require.NoError(t, w.server.Close())
		require.NoError(t, sim.Close())
	})
	w.env[text.Variable] = string(text.English) // whatever the machine's language is
	w.env["TEMPORAL_ADDRESS"], w.env["TEMPORAL_NAMESPACE"] = address, namespace
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t)
	// The limit is tested elsewhere; here it would only cost time.
	w.env["JUSHUITAN_CALLS_PER_SECOND"] = "100"
	return w
}

// with returns the same world with a setting changed.
func (w *world) with(name, value string) *world {
	env := maps.Clone(w.env)
	env[name] = value
	return &world{Simulator: w.Simulator, server: w.server, env: env, flows: w.flows, company: w.company}
}

// manyWindows divide the orders of a world into 48 windows, someWindows into eight, and
// oneWindow is a single one.
var (
	manyWindows = []string{"window: 167h59m58s #", "window: 1h #"}
	someWindows = []string{"window: 167h59m58s #", "window: 6h #"}
	oneWindow   = []string{"window: 167h59m58s #", "window: 48h #"}
)

// changedFlows returns a folder with the built-in flow, with each pair's old text
// replaced by its new text.
func changedFlows(t *testing.T, pairs ...string) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join("..", "flows"))))
	path := filepath.Join(folder, builtInFlow+".yaml")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := 0; i < len(pairs); i += 2 {
		require.Equal(t, 1, strings.Count(string(text), pairs[i]), pairs[i])
	}
	changed := strings.NewReplacer(pairs...).Replace(string(text))
	require.NoError(t, os.WriteFile(path, []byte(changed), 0o600))
	return folder
}

// inSmallSteps has a run take few orders at a time, in small windows and calls, so that
// much is still to be done in its middle. The pairs override these changes for the same
// text.
func (w *world) inSmallSteps(t *testing.T, pairs ...string) *world {
	t.Helper()
	steps := slices.Concat(pairs, someWindows, []string{"in_flight: 100", "in_flight: 5", "windows_at_once: 8", "windows_at_once: 1"})
	small := w.with("REFUNDSYNC_FLOWS", changedFlows(t, steps...))
	return small.with("KINGDEE_BATCH_BILLS", "2")
}

// temporal connects to the world's namespace, with its encryption keys.
func (w *world) temporal(t *testing.T) client.Client {
	t.Helper()
	codec, _ := w.clientOptions(t)
	return codec.Client(w.dial(t))
}

// dial is temporal without the ability to read encrypted memos.
func (w *world) dial(t *testing.T) client.Client {
	t.Helper()
	_, options := w.clientOptions(t)
	c, err := client.DialContext(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func (w *world) clientOptions(t *testing.T) (encryption.Codec, client.Options) {
	t.Helper()
	keys, err := w.env.LoadEncryption()
	require.NoError(t, err)
	codec, err := encryption.NewCodec(keys)
	require.NoError(t, err)
	options, err := w.env.TemporalOptions()
	require.NoError(t, err)
	options.Logger = log.NewStructuredLogger(slog.New(slog.DiscardHandler))
	codec.ConfigureWorker(&options)
	return codec, options
}

// runningWorker is a worker inside the test.
type runningWorker struct {
	stop context.CancelFunc
	done chan struct{}
	err  error // valid once done is closed

	mu  sync.Mutex
	log strings.Builder
}

// startWorker starts a worker with the world's settings, and waits until it polls.
func (w *world) startWorker(t *testing.T) *runningWorker {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &runningWorker{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = syncworker.RunProcess(ctx, maps.Clone(w.env), r)
	}()
	t.Cleanup(func() {
		w.ReleaseSaves() // it would wait for held saves
		stop()
		<-r.done
	})
	r.waitFor(t, `"polling"`)
	return r
}

// Write collects the log.
func (r *runningWorker) Write(text []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(text)
}

func (r *runningWorker) output() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

// waitFor waits until the worker has logged a text.
func (r *runningWorker) waitFor(t *testing.T, text string) {
	t.Helper()
	testkit.Wait(t, "the worker logs "+text, func() bool {
		select {
		case <-r.done:
			require.Contains(t, r.output(), text, "%v", r.err)
		default:
		}
		return strings.Contains(r.output(), text)
	})
}

// terminate tells the worker to stop, and waits until it has finished its work in hand.
func (r *runningWorker) terminate(t *testing.T) {
	t.Helper()
	r.stop()
	r.waitForEnd(t)
}

func (r *runningWorker) waitForEnd(t *testing.T) {
	t.Helper()
	select {
	case <-r.done:
	case <-time.After(testkit.Patience):
		require.Fail(t, "the worker does not end", r.output())
	}
	require.NoError(t, r.err)
}

// beginHeld starts the run over the world's days, and returns when Kingdee has the given
// number of bills and holds further saves back: the run can't end before ReleaseSaves.
func (w *world) beginHeld(t *testing.T, bills int) client.WorkflowRun {
	t.Helper()
	w.HoldSaves(bills)
	run := w.begin(t, w.input())
	w.waitUntilHeld(t)
	return run
}

// holdNext lets saves proceed until Kingdee has the given number of bills.
func (w *world) holdNext(t *testing.T, bills int) {
	t.Helper()
	w.ReleaseSaves()
	w.HoldSaves(bills)
	testkit.Wait(t, "bills are saved", func() bool { return w.bills() >= bills })
	w.waitUntilHeld(t)
}

// handOver ends a worker that was told to stop while saves are held. It finishes its work
// in hand; meanwhile the run dispatches nothing, so that it can't end, and then continues
// with the other workers until saves are held again.
func (w *world) handOver(t *testing.T, workflowID string, waitForEnd func()) {
	t.Helper()
	c := w.temporal(t)
	steer(t, c, workflowID, workflows.PauseUpdate, workflows.Pause{By: "a test"})
	w.ReleaseSaves()
	waitForEnd()
	w.HoldSaves(0)
	steer(t, c, workflowID, workflows.ResumeUpdate)
	w.waitUntilHeld(t)
}

// steer sends a run an update and waits until it is accepted.
func steer(t *testing.T, c client.Client, workflowID, update string, args ...any) {
	t.Helper()
	handle, err := c.UpdateWorkflow(t.Context(), client.UpdateWorkflowOptions{
		WorkflowID: workflowID, UpdateName: update, Args: args, WaitForStage: client.WorkflowUpdateStageCompleted,
	})
	require.NoError(t, err)
	require.NoError(t, handle.Get(t.Context(), nil))
}

func (w *world) waitUntilHeld(t *testing.T) {
	t.Helper()
	testkit.Wait(t, "a save is held", func() bool { return w.HeldSaves() > 0 })
	require.Less(t, w.bills(), w.TruthOf(w.flows...).Totals().Saved, "the run is under way")
}

// bills counts the bills in Kingdee.
func (w *world) bills() int { return len(w.State().Kingdee.Bills) }

// result is the result of a run.
type result struct {
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	workflows.SyncFlowResult
	Error string `json:"error"`
}

// input is the run over the world's days.
func (w *world) input() workflows.SyncFlowInput {
	from, to := w.Range()
	return inputOf(from, to.Add(-time.Second))
}

// inputOf is a run over a range with both ends included.
func inputOf(from, to time.Time) workflows.SyncFlowInput {
	return workflows.SyncFlowInput{Flow: builtInFlow, Range: &workflows.Window{From: from, To: to}}
}

// taskQueue is that of the world's company.
func (w *world) taskQueue(t *testing.T) string {
	t.Helper()
	settings, err := w.env.LoadWorker()
	require.NoError(t, err)
	return settings.TaskQueueOf(w.company)
}

// begin starts a run, or joins the one in progress.
func (w *world) begin(t *testing.T, in workflows.SyncFlowInput) client.WorkflowRun {
	t.Helper()
	id := in.Flow + "/incremental"
	if in.Range != nil {
		const format = "20060102T150405" // as in the starter, so that it joins the run
		id = in.Flow + "/" + in.Range.From.Format(format) + "-" + in.Range.To.Format(format)
	}
	run, err := w.temporal(t).ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		ID: id, TaskQueue: w.taskQueue(t), WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary: "a test", StaticDetails: "a test",
	}, workflows.SyncFlowName, in)
	require.NoError(t, err)
	return run
}

// end waits for the end of a run, which may be an error.
func end(t *testing.T, run client.WorkflowRun) result {
	t.Helper()
	r := result{WorkflowID: run.GetID(), RunID: run.GetRunID()}
	err := run.Get(t.Context(), &r.SyncFlowResult)
	if err == nil {
		return r
	}
	if done, ok := workflows.ResultOf(err); ok {
		r.SyncFlowResult = done
	}
	r.Error = err.Error()
	return r
}

// sync runs the flow over the world's days, or joins the run in progress; it must
// complete.
func (w *world) sync(t *testing.T) result {
	t.Helper()
	return w.syncBy(t, w.input())
}

func (w *world) syncBy(t *testing.T, in workflows.SyncFlowInput) result {
	t.Helper()
	r := end(t, w.begin(t, in))
	require.Empty(t, r.Error)
	return r
}

// syncSpan is sync for another range, both ends included.
func (w *world) syncSpan(t *testing.T, from, to time.Time) result {
	t.Helper()
	return w.syncBy(t, inputOf(from, to))
}

// requireTruth compares the result of the first run over its range, and what Kingdee
// holds after it, with the generator, order by order.
func requireTruth(t *testing.T, w *world, r result) {
	t.Helper()
	requireTruthOf(t, w, merchant.RefundToReturn, r)
}

// requireTruthOf is requireTruth for a world with another flow.
func requireTruthOf(t *testing.T, w *world, flow merchant.Flow, r result) {
	t.Helper()
	truth := w.TruthOf(flow)
	require.Empty(t, simulator.Compare(truth, w.State()))
	require.Empty(t, w.State().Kingdee.Violations, "no session serves two requests at a time")
	totals := truth.Totals()
	require.Equal(t, totals.Orders, r.Fetched)
	require.Equal(t, totals.Saved, r.Saved+r.Updated+r.AlreadySaved)
	require.Equal(t, totals.Skipped, r.Skipped)
	require.Equal(t, r.Fetched, r.Saved+r.Updated+r.AlreadySaved+r.SkippedTotal()+r.Parked+r.Failed)
	require.Zero(t, r.Failed)
	notBooked := map[string]string{}
	for reason, money := range r.NotBooked {
		notBooked[reason] = money.Amount.StringFixed(2)
	}
	require.Equal(t, totals.NotBooked, notBooked)
	failed := map[string]bool{}
	for _, failure := range r.Failures {
		require.False(t, failed[failure.ID], "%s failed twice", failure.ID)
		failed[failure.ID] = true
		require.Equal(t, truth[failure.ID].Number, failure.BillNumber)
		require.Equal(t, merchant.Failed, truth[failure.ID].Outcome, failure.ID)
		require.Equal(t, truth[failure.ID].Reason, failure.Reason)
		require.Contains(t, failure.Message.String(), failure.ID)
	}
	for id, expectation := range truth {
		require.Equal(t, expectation.Outcome == merchant.Failed, failed[id], id)
	}
}

func requireBills(t *testing.T, w *world) {
	t.Helper()
	require.Empty(t, simulator.Compare(w.Truth(), w.State()))
	require.Empty(t, w.State().Kingdee.Violations, "no session serves two requests at a time")
}

// savable returns the as_ids of the orders that must be saved, sorted.
func (w *world) savable() []string {
	var ids []string
	truth := w.Truth()
	for _, id := range slices.Sorted(maps.Keys(truth)) {
		if truth[id].Outcome == merchant.Saved {
			ids = append(ids, id)
		}
	}
	return ids
}

// listed returns the executions that a filter finds.
func listed(t *testing.T, c client.Client, filter string) []*workflowpb.WorkflowExecutionInfo {
	t.Helper()
	var all []*workflowpb.WorkflowExecutionInfo
	request := &workflowservice.ListWorkflowExecutionsRequest{Query: filter}
	for {
		var reply *workflowservice.ListWorkflowExecutionsResponse
		testkit.Wait(t, "the server lists them", func() bool {
			var err error
			if reply, err = c.ListWorkflow(t.Context(), request); errors.Is(err, context.DeadlineExceeded) {
				return false // a busy machine may exceed a call's timeout
			}
			require.NoError(t, err)
			return true
		})
		all = append(all, reply.GetExecutions()...)
		if request.NextPageToken = reply.GetNextPageToken(); len(request.NextPageToken) == 0 {
			return all
		}
	}
}

// parked returns the failures of the parked orders, by as_id. The list lags by up to
// seconds.
func (w *world) parked(t *testing.T) map[string]tally.Failure {
	t.Helper()
	return parkedIn(t, w.temporal(t), w.flows[0])
}

func parkedIn(t *testing.T, c client.Client, of merchant.Flow) map[string]tally.Failure {
	t.Helper()
	parked := map[string]tally.Failure{}
	for _, execution := range listed(t, c, "WorkflowType = '"+workflows.ParkedOrderName+"' AND ExecutionStatus = 'Running' AND RefundsyncFlow = '"+string(of)+"'") {
		var failure tally.Failure
		require.NoError(t, converter.GetDefaultDataConverter().FromPayload(execution.GetMemo().GetFields()[workflows.FailureMemo], &failure))
		require.NotContains(t, parked, failure.ID, "parked twice")
		parked[failure.ID] = failure
	}
	return parked
}

// waitForParked waits until the parked orders are as expected, and returns them.
func (w *world) waitForParked(t *testing.T, right func(map[string]tally.Failure) bool) map[string]tally.Failure {
	t.Helper()
	c := w.temporal(t)
	var parked map[string]tally.Failure
	testkit.Wait(t, "the right orders wait", func() bool {
		parked = parkedIn(t, c, w.flows[0])
		return right(parked)
	})
	return parked
}

// waitForParkedCount waits until the given number of orders is parked.
func (w *world) waitForParkedCount(t *testing.T, count int) map[string]tally.Failure {
	t.Helper()
	return w.waitForParked(t, func(parked map[string]tally.Failure) bool { return len(parked) == count })
}

// ofReason returns the failures with a reason.
func ofReason(parked map[string]tally.Failure, reason string) map[string]tally.Failure {
	found := map[string]tally.Failure{}
	for id, failure := range parked {
		if failure.Reason == reason {
			found[id] = failure
		}
	}
	return found
}

// retryParked retries a parked order, as `starter parked retry` does. One that has ended
// by itself, which the list shows late, needs no retry.
func retryParked(t *testing.T, c client.Client, of merchant.Flow, id string) {
	t.Helper()
	err := c.SignalWorkflow(t.Context(), workflows.ParkedOrderID(string(of), id), "", workflows.RetrySignal, nil)
	var ended *serviceerror.NotFound
	if !errors.As(err, &ended) {
		require.NoError(t, err)
	}
}

// missingMaterial is the material that an order waits for.
func missingMaterial(failure tally.Failure) string {
	return between(failure.Message.String(), "的值“", "”")
}

func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

// runProgress queries a run's progress.
func runProgress(t *testing.T, c client.Client, workflowID string) workflows.SyncFlowProgress {
	t.Helper()
	var progress workflows.SyncFlowProgress
	ask(t, c, workflowID, &progress)
	return progress
}

// ask queries a workflow for its progress.
func ask(t *testing.T, c client.Client, workflowID string, progress any) {
	t.Helper()
	value, err := c.QueryWorkflow(t.Context(), workflowID, "", workflows.ProgressQuery)
	require.NoError(t, err)
	require.NoError(t, value.Get(progress))
}

// events returns the history of an execution; runID "" is the latest run.
func events(t *testing.T, c client.Client, workflowID, runID string) []*historypb.HistoryEvent {
	t.Helper()
	var all []*historypb.HistoryEvent
	history := c.GetWorkflowHistory(t.Context(), workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		event, err := history.Next()
		require.NoError(t, err)
		all = append(all, event)
	}
	return all
}

func hasEvent(t *testing.T, c client.Client, workflowID string, kind enumspb.EventType) bool {
	t.Helper()
	return slices.ContainsFunc(events(t, c, workflowID, ""), func(e *historypb.HistoryEvent) bool { return e.GetEventType() == kind })
}
