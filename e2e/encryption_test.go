package e2e

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/contract"
	"refundsync/internal/devserver"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/syncworker"
	"refundsync/internal/tally"
	"refundsync/internal/testkit"
	"refundsync/workflows"
)

// Two keys, as in the settings.
const (
	oldKey = "2024-03:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	newKey = "2024-06:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
)

// setKeys has the programs that start from now on encrypt with these keys.
func (w *world) setKeys(keys ...string) {
	w.env["REFUNDSYNC_ENCRYPTION_KEYS"] = strings.Join(keys, ",")
}

// discardReason is a reason given by a person, which is confidential too.
const discardReason = "买家改了主意，已线下退款"

// Temporal's database must not contain an order in clear text, whatever became of the
// order. Without keys it does contain it, which shows that the search works; this uses
// the dev server's database, because PostgreSQL compresses long values.
func TestNoClearTextOfAnOrderIsInTheDatabase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		keys []string
	}{{"encrypted", []string{newKey, oldKey}}, {"off by default", nil}} {
		t.Run(c.name, func(t *testing.T) {
			if c.keys == nil {
				testkit.SkipUnlessLong(t)
			}
			parallelIfLong(t)
			folder := t.TempDir()
			// PostgreSQL would compress long values.
			server := startDevServer(t, devserver.Options{DBFile: filepath.Join(folder, "temporal.db")})
			w := newWorldAt(t, simulator.Options{Orders: 250}, server.Address, server.Namespace)
			w.setKeys(c.keys...)
			running := w.startWorker(t)
			words := w.useEverything(t)
			running.terminate(t)
			require.NoError(t, server.Stop())

			stored := readAll(t, folder)
			require.Contains(t, stored, "RefundsyncShop", "the search reaches the database")
			logged := running.output()
			require.Contains(t, logged, "unknown_material", "the reason is told")
			for kind, texts := range words {
				require.NotEmpty(t, texts, kind)
				inLog := slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(logged, text) })
				if kind == "unknown materials" {
					require.Equal(t, c.keys == nil, inLog, "the log: "+kind)
				} else if c.keys != nil {
					require.False(t, inLog, "the log: "+kind)
				}
				found := slices.DeleteFunc(texts, func(text string) bool { return !strings.Contains(stored, text) })
				if c.keys == nil {
					require.NotEmpty(t, found, kind)
				} else {
					require.Empty(t, found, kind)
				}
			}
		})
	}
}

// useEverything has orders saved and parked, in both grains, and does with them
// everything that the command line can do. It returns words of the orders, by what they
// are.
func (w *world) useEverything(t *testing.T) map[string][]string {
	t.Helper()
	from, to := w.Range()
	noon := from.Add(24 * time.Hour)
	saved := w.syncSpan(t, from, noon.Add(-time.Second))
	rest := inputOf(noon, to.Add(-time.Second))
	rest.Grain = contract.GrainPage
	saved.Add(w.syncBy(t, rest).Tally)
	require.NotZero(t, saved.Saved)
	parked := w.waitForParkedCount(t, saved.Parked)
	messages := map[string]bool{}
	for _, failure := range ofReason(parked, "unknown_material") {
		messages[missingMaterial(failure)] = true
	}
	one := slices.Sorted(maps.Keys(parked))[0]
	for _, args := range [][]string{
		{"parked", "show", one},
		{"parked", "retry", "--all"},
		{"parked", "discard", one, "--by", "王小明", "--note", discardReason, "--yes"},
		{"schedule", "create", "--flow", "refund_to_return", "--since", "2024-03-01 00:00:00", "--paused"},
		{"schedule", "trigger", "--flow", "refund_to_return"},
		{"hold", "--by", "王小明", "--note", discardReason},
		{"status"},
		{"release"},
	} {
		w.starter(t, 0, args...)
	}
	w.waitForParked(t, func(parked map[string]tally.Failure) bool { _, waits := parked[one]; return !waits })

	words := map[string]map[string]bool{
		"names of an order's fields": {"sku_id": true, "outer_as_id": true, "properties_value": true},
		"unknown materials":          messages,
		"Kingdee's messages":         {"不存在或已禁用": true},
		"a person's reason":          {discardReason: true},
		"SKUs":                       {}, "products": {}, "numbers of the platform": {},
	}
	for _, bill := range w.State().Kingdee.Bills {
		words["numbers of the platform"][bill.Fields["FThirdBillNo"]] = true
		for _, entry := range bill.Entries {
			if sku := entry.Fields["FMaterialId"]; len(sku) >= 6 {
				words["SKUs"][sku] = true
			}
			words["products"][strings.Fields(entry.Fields["FNote"])[1]] = true
		}
	}
	lists := map[string][]string{}
	for kind, set := range words {
		delete(set, "")
		lists[kind] = slices.Sorted(maps.Keys(set))
	}
	return lists
}

// readAll returns the bytes of every file in a folder, such as a database and its
// journal.
func readAll(t *testing.T, folder string) string {
	t.Helper()
	var all bytes.Buffer
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		require.NoError(t, err)
		all.Write(content)
	}
	require.Greater(t, all.Len(), 1<<19)
	return all.String()
}

// Encryption is turned on during a run, and the key rotated after it: what was begun
// continues, and what is old stays readable.
func TestEncryptionTurnedOnAndKeysRotated(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 100}).inSmallSteps(t)
	plain := w.startWorker(t)
	run := w.beginHeld(t, 20)
	plain.stop()
	plain.waitFor(t, `"draining"`)
	w.ReleaseSaves()
	plain.waitForEnd(t)
	require.Less(t, w.bills(), w.Truth().Totals().Saved, "the run is under way")

	w.setKeys(oldKey, "none") // the run is in clear text so far
	encrypted := w.startWorker(t)
	first := w.sync(t) // joins the run
	require.Equal(t, run.GetRunID(), first.RunID)
	requireTruth(t, w, first)
	w.waitForParkedCount(t, first.Parked)
	encrypted.terminate(t)

	t.Run("a worker without the key does not begin", func(t *testing.T) {
		err := syncworker.RunProcess(t.Context(), w.with("REFUNDSYNC_ENCRYPTION_KEYS", newKey).env, io.Discard)
		require.ErrorContains(t, err, `add key "2024-03" to REFUNDSYNC_ENCRYPTION_KEYS`)
	})
	t.Run("the starter says what is missing", func(t *testing.T) {
		for _, args := range [][]string{{"parked", "list"}, {"status"}, {"watch", first.WorkflowID}} {
			e := w.with("REFUNDSYNC_ENCRYPTION_KEYS", "").starter(t, 1, args...)
			require.Contains(t, e.stderr, `add key "2024-03" to REFUNDSYNC_ENCRYPTION_KEYS`, args)
		}
	})

	w.setKeys(newKey, oldKey, "none")
	rotated := w.startWorker(t)
	again := w.sync(t)
	require.Equal(t, first.Parked, again.Parked)
	require.Equal(t, first.Saved+first.AlreadySaved, again.AlreadySaved)
	parked := w.parked(t)
	require.Len(t, parked, first.Parked)
	id := slices.Sorted(maps.Keys(parked))[0]
	require.Contains(t, w.starter(t, 0, "parked", "show", id).stdout, id)

	t.Run("codec server", func(t *testing.T) {
		const token, newToken = "6f1c0b5e9a7d4d2e8c3b1a0f5e6d7c8b", "0b8c7d6e5f0a1b3c8e2d4d7a9e5b0c1f"
		described, err := w.rawTemporal(t).DescribeWorkflow(t.Context(), first.WorkflowID, first.RunID)
		require.NoError(t, err)
		memo := described.RawResponse.GetWorkflowExecutionInfo().GetMemo().GetFields()[workflows.ResultMemo]
		require.Equal(t, "2024-03", string(memo.GetMetadata()["encryption-key-id"]))
		w := w.with("REFUNDSYNC_CODEC_UI_ORIGIN", "http://localhost:8233")
		server := w.with("REFUNDSYNC_CODEC_TOKEN", token).startCodecServer(t)
		decoded, err := server.decode(token, memo)
		require.NoError(t, err)
		require.Contains(t, string(decoded[0].GetData()), `"fetched":`)
		_, err = server.decode("another", memo)
		require.ErrorContains(t, err, "Unauthorized")
		server.Terminate(t)

		// It is restarted with another token, and once without the old key.
		server = w.with("REFUNDSYNC_CODEC_TOKEN", newToken).startCodecServer(t)
		_, err = server.decode(newToken, memo)
		require.NoError(t, err)
		_, err = server.decode(token, memo)
		require.ErrorContains(t, err, "Unauthorized")
		server.Terminate(t)
		server = w.with("REFUNDSYNC_CODEC_TOKEN", newToken).with("REFUNDSYNC_ENCRYPTION_KEYS", newKey).startCodecServer(t)
		_, err = server.decode(newToken, memo)
		require.ErrorContains(t, err, `add key "2024-03" to REFUNDSYNC_ENCRYPTION_KEYS`)
	})

	t.Run("replay", func(t *testing.T) {
		c := w.temporal(t)
		_, options := w.clientOptions(t)
		replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
			DataConverter: options.DataConverter, FailureConverter: options.FailureConverter,
		})
		require.NoError(t, err)
		workflows.Register(replayer)
		keys := map[string]bool{}
		for _, run := range listed(t, c, "WorkflowType = 'SyncFlow' OR WorkflowType = 'SyncWindow'") {
			execution := workflow.Execution{ID: run.GetExecution().GetWorkflowId(), RunID: run.GetExecution().GetRunId()}
			history := &historypb.History{Events: events(t, c, execution.ID, execution.RunID)}
			for _, event := range history.GetEvents() {
				for _, payload := range event.GetActivityTaskScheduledEventAttributes().GetInput().GetPayloads() {
					keys[string(payload.GetMetadata()["encryption-key-id"])] = true
				}
			}
			// The ids of the windows derive from the id of their run.
			require.NoError(t, replayer.ReplayWorkflowHistoryWithOptions(nil, history, worker.ReplayWorkflowHistoryOptions{
				OriginalExecution: execution,
			}), execution.ID)
		}
		require.Equal(t, map[string]bool{"": true, "2024-03": true, "2024-06": true}, keys, "clear text, and both keys")
		require.Contains(t, currentDetails(t, c, again.WorkflowID), "| saved |")
	})

	t.Run("stopped", func(t *testing.T) {
		rotated.terminate(t)
		w.setKeys("none", newKey, oldKey)
		w.startWorker(t)
		last := w.sync(t)
		require.Equal(t, first.Parked, last.Parked)
		require.Equal(t, again.AlreadySaved, last.AlreadySaved)
		require.Len(t, w.parked(t), first.Parked)
		described, err := w.rawTemporal(t).DescribeWorkflow(t.Context(), last.WorkflowID, last.RunID)
		require.NoError(t, err)
		memo := described.RawResponse.GetWorkflowExecutionInfo().GetMemo().GetFields()[workflows.ResultMemo]
		require.Contains(t, string(memo.GetData()), `"fetched":`)
		require.Contains(t, w.starter(t, 0, "check").stdout, "no longer encrypting in Temporal")
	})
}

// A worker without the key of its input fails only its own tasks: a worker that has it
// continues.
func TestWorkerThatLacksAKeyFailsNoRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 50})
	lacking := w.with("REFUNDSYNC_ENCRYPTION_KEYS", newKey).startWorker(t)
	w.setKeys(oldKey)
	id := w.begin(t, w.input()).GetID()
	c := w.temporal(t)
	testkit.Wait(t, "a task fails", func() bool { return hasEvent(t, c, id, enumspb.EVENT_TYPE_WORKFLOW_TASK_FAILED) })
	lacking.waitFor(t, `add key \"2024-03\" to REFUNDSYNC_ENCRYPTION_KEYS`)
	lacking.terminate(t)

	w.startWorker(t)
	requireTruth(t, w, w.sync(t))
}

// The key is rotated during a run, in the two steps that need no stop: the new one is
// added, then used. An order that was parked under the old key is retried under the new
// one. Then the old key is removed too early, which is reported, and repaired by
// restoring it.
func TestKeyIsChangedWithoutAStop(t *testing.T) {
	t.Parallel()
	// Orders are parked page by page.
	w := newWorld(t, simulator.Options{Orders: 100, Kinds: []merchant.Kind{merchant.Rejected, merchant.RefundOnly, merchant.UnknownMaterial}}).
		inSmallSteps(t, `page_size: "100"`, `page_size: "10"`)
	w.setKeys(oldKey)
	worker := w.startWorker(t)
	run := w.beginHeld(t, 5)
	const unknown = "unknown_material"
	bills := 5
	for len(ofReason(w.parked(t), unknown)) == 0 { // there are some among the first
		bills += 5
		w.holdNext(t, bills)
	}
	underOldKey := ofReason(w.parked(t), unknown)
	for _, keys := range [][]string{{oldKey, newKey}, {newKey, oldKey}} {
		w.setKeys(keys...)
		next := w.startWorker(t)
		worker.stop()
		worker.waitFor(t, `"draining"`)
		w.handOver(t, run.GetID(), func() { worker.waitForEnd(t) })
		require.NotContains(t, worker.output(), "unknown_encryption_key")
		worker = next
	}
	w.ReleaseSaves()
	requireTruth(t, w, w.sync(t)) // joins the run
	worker.terminate(t)

	// The old key is removed although orders wait that need it.
	early := w.with("REFUNDSYNC_ENCRYPTION_KEYS", newKey)
	const missing = `add key "2024-03" to REFUNDSYNC_ENCRYPTION_KEYS`
	require.ErrorContains(t, syncworker.RunProcess(t.Context(), early.env, io.Discard), missing)
	id := slices.Sorted(maps.Keys(underOldKey))[0]
	for _, args := range [][]string{{"parked", "list"}, {"parked", "show", id}} {
		require.Contains(t, early.starter(t, 1, args...).stderr, missing, args)
	}

	w.startWorker(t)
	for _, failure := range ofReason(w.parked(t), unknown) {
		require.NoError(t, w.AddMaterial(missingMaterial(failure)))
	}
	w.starter(t, 0, "parked", "retry", "--reason", unknown)
	w.waitForParked(t, func(waiting map[string]tally.Failure) bool { return len(ofReason(waiting, unknown)) == 0 })
	requireBills(t, w)
}

// codecServer is a `starter codec-server`.
type codecServer struct {
	*testkit.Process
	address, namespace string
}

// rawTemporal connects to the world's namespace without decrypting.
func (w *world) rawTemporal(t *testing.T) client.Client {
	t.Helper()
	return w.with("REFUNDSYNC_ENCRYPTION_KEYS", "").dial(t)
}

func (w *world) startCodecServer(t *testing.T) codecServer {
	t.Helper()
	p := w.start(t, "Web UI", "starter", "codec-server", "--listen", "127.0.0.1:0")
	return codecServer{p, between(p.Output(), "codec server: ", " ·"), w.env["TEMPORAL_NAMESPACE"]}
}

// decode decrypts a payload as the temporal command does.
func (s codecServer) decode(token string, payload *commonpb.Payload) ([]*commonpb.Payload, error) {
	return converter.NewRemotePayloadCodec(converter.RemotePayloadCodecOptions{
		Endpoint: "http://" + s.address + "/" + s.namespace,
		ModifyRequest: func(request *http.Request) error {
			request.Header.Set("Authorization", "Bearer "+token)
			return nil
		},
	}).Decode([]*commonpb.Payload{payload})
}
