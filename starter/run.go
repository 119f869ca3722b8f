package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/beijing"
	"refundsync/internal/config"
	"refundsync/internal/flowfile"
	"refundsync/internal/text"
	"refundsync/workflows"
)

type runFlags struct {
	flow, from, to, since string
	orders                orderNames
	grain                 string
	rate                  workflows.Rate
	moveWatermark, wait   bool
	output                output
}

// addFlags adds the flags of every run by hand.
func (f *runFlags) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.flow, "flow", "", text.Sprintf("name of the flow"))
	cmd.Flags().StringVar(&f.from, "from", "", text.Sprintf("begin of the range; a day begins at 00:00:00"))
	cmd.Flags().StringVar(&f.to, "to", "", text.Sprintf("end of the range, included; a day ends at 23:59:59"))
	cmd.Flags().StringVar(&f.grain, "grain", "",
		text.Sprintf("order: an activity for each order; page: one for several pages; auto: order for few orders, page for many; by default as the flow file says"))
	addRateFlags(cmd, &f.rate)
	cmd.Flags().BoolVar(&f.wait, "wait", false, text.Sprintf("wait for the end and show progress"))
	addOutputFlag(cmd, &f.output)
}

// check checks the flags that addFlags added.
func (f *runFlags) check(cmd *cobra.Command) error {
	return errors.Join(workflows.CheckGrain(f.grain), checkRate(cmd, f.rate))
}

func newRunCommand() *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: text.Sprintf("Sync a range, given orders, or everything since the last watermark"),
		Long: text.Sprintf(`Sync the orders of a range. Without a range, sync from the last watermark, less the overlap, to now, less the lag. Times are Beijing time unless they carry a zone.
Before it starts, a run says how many windows and orders there are and how long it takes. A range that is under way is joined, not started twice.
With --order or --orders, sync these orders alone, %d at most. They are looked for among those that were modified in the last 90 days, or since --from; those that Jushuitan does not show are reported. Orders that were discarded are synced too.
A run by hand never moves the watermark. If another scheduler calls this command, such as the operating system's cron, add --move-watermark: the run then counts as automatic.`, workflows.MostOrders),
		Example: `  starter run --flow refund_to_return --from 2024-03-01 --to 2024-03-03 --wait
  starter run --flow refund_to_return --since "2024-03-01 08:00" --wait -o json
  starter run --flow refund_to_return --order 700000691,700001740 --wait
  starter run --flow refund_to_return --wait
  starter run --flow refund_to_return --since last --move-watermark --wait`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.check(cmd); err != nil {
				return usageError(cmd, err)
			}
			if flags.orders.given() {
				return runOrders(cmd, flags)
			}
			if flags.from == "" && flags.to == "" {
				if err := checkSince(flags.since); err != nil {
					return usageError(cmd, err)
				}
				return runIncremental(cmd, flags)
			}
			if flags.since != "" || flags.moveWatermark {
				return usageError(cmd, text.Errorf("--since and --move-watermark don't go with a range"))
			}
			span, err := parseRange(flags.from, flags.to)
			if err != nil {
				return usageError(cmd, err)
			}
			return runRange(cmd, flags, span)
		},
	}
	flags.addFlags(cmd)
	flags.orders.addFlags(cmd)
	cmd.Flags().StringVar(&flags.since, "since", "", sinceUsage())
	cmd.Flags().BoolVar(&flags.moveWatermark, "move-watermark", false, text.Sprintf("count as an automatic run and move the watermark"))
	requireFlags(cmd, "flow")
	alsoExits(cmd, exitWithFailures, exitInterrupted)
	return cmd
}

// plannedRun is a run to start, or to join if it is under way.
type plannedRun struct {
	workflowID string
	// what describes it, for a person.
	what string
	in   workflows.SyncFlowInput
	// followed says that the outcome of the run is shown.
	followed bool
}

func rangeRun(in workflows.SyncFlowInput) plannedRun {
	return plannedRun{workflowID: rangeWorkflowID(in.Flow, *in.Range), what: in.Range.String(), in: in}
}

// runOrders starts a run over given orders.
func runOrders(cmd *cobra.Command, flags runFlags) error {
	if flags.to != "" || flags.since != "" || flags.moveWatermark || flags.grain != "" {
		return usageError(cmd, text.Errorf("--to, --since, --move-watermark and --grain don't go with --order and --orders"))
	}
	ids, err := flags.orders.read(cmd)
	if err != nil {
		return err
	}
	if len(ids) > workflows.MostOrders {
		return usageError(cmd, text.Errorf("these are %d orders, and a run can be given %d at most: split the list, or run the range in which they were modified", len(ids), workflows.MostOrders))
	}
	in := workflows.SyncFlowInput{Flow: flags.flow, OrderIDs: ids, AlsoDiscarded: true, Rate: flags.rate}
	var span workflows.Window
	if flags.from != "" {
		if span.From, err = parseTime("--from", flags.from); err != nil {
			return usageError(cmd, err)
		}
		span.To = time.Now().In(beijing.Zone).Truncate(time.Second)
		in.Range = &span
	}
	planned := plannedRun{workflowID: ordersWorkflowID(flags.flow, ids), what: workflows.SummaryOfOrders(ids), in: in}
	return startAndFollow(cmd, flags, span, func(client.Client) (plannedRun, error) { return planned, nil })
}

func runRange(cmd *cobra.Command, flags runFlags, span workflows.Window) error {
	in := workflows.SyncFlowInput{Flow: flags.flow, Range: &span, Grain: flags.grain, Rate: flags.rate}
	return startAndFollow(cmd, flags, span, func(client.Client) (plannedRun, error) { return rangeRun(in), nil })
}

// runIncremental starts a run from the last watermark. Two runs of a flow by hand, or by
// another scheduler, never run at the same time: the second joins the first.
func runIncremental(cmd *cobra.Command, flags runFlags) error {
	in := workflows.SyncFlowInput{Flow: flags.flow, ByHand: !flags.moveWatermark, Grain: flags.grain, Rate: flags.rate}
	id := handWorkflowID(flags.flow)
	if flags.moveWatermark {
		id = autoWorkflowID(flags.flow)
	}
	return startAndFollow(cmd, flags, workflows.Window{}, func(c client.Client) (plannedRun, error) {
		err := startAt(cmd.Context(), c, &in, flags.since)
		return plannedRun{workflowID: id, what: describeStart(in), in: in}, err
	})
}

// startAndFollow starts a run of a flow, and with --wait follows it.
func startAndFollow(cmd *cobra.Command, flags runFlags, span workflows.Window, plan func(client.Client) (plannedRun, error)) error {
	return changeTemporal(cmd.Context(), func(c client.Client, settings config.Worker) error {
		atWorkers, err := requireFlow(cmd, c, settings, flags.flow)
		if err != nil {
			return err
		}
		planned, err := plan(c)
		if err != nil {
			return err
		}
		planned.followed = flags.wait
		run, started, err := planned.start(cmd.Context(), c, cmd.ErrOrStderr(), settings.TaskQueue)
		if err != nil {
			return err
		}
		if !flags.wait {
			if len(atWorkers.workers) == 0 && atWorkers.all {
				say(cmd.ErrOrStderr(), noWorker().Error())
			}
			if started.joined && len(atWorkers.workers) > 0 {
				if joined, err := query[workflows.SyncFlowProgress](cmd.Context(), c, run.GetID(), progressTimeout); err == nil {
					sayWaits(cmd.ErrOrStderr(), joined.Control, run.GetID())
				}
			}
			if started.joined && flags.output == outputTable {
				say(cmd.OutOrStdout(), text.Sprintf("joined; follow it with: starter watch %s", run.GetID()))
				return nil
			}
			return flags.output.printStarted(cmd.OutOrStdout(), startedResult(run.GetID(), run.GetRunID(), span, started.estimate))
		}
		return followAndPrint(cmd, c, run, span, flags.output)
	})
}

// requireFlow gives the flows that the workers have, and refuses one that none has.
func requireFlow(cmd *cobra.Command, c client.Client, settings config.Worker, name string) (workerFlows, error) {
	atWorkers, err := readWorkerFlows(cmd.Context(), c, settings.TaskQueue)
	if err != nil {
		say(cmd.ErrOrStderr(), err.Error())
	}
	if err := checkFlow(atWorkers, settings.Flows, name); err != nil {
		return atWorkers, usageError(cmd, err)
	}
	return atWorkers, nil
}

// checkFlow refuses a flow that no worker has. Without a worker, the flow files count, if
// this machine has them.
func checkFlow(atWorkers workerFlows, folder, name string) error {
	if len(atWorkers.workers) > 0 {
		return atWorkers.lacks(name)
	}
	flows, err := flowfile.LoadFolder(folder)
	if err != nil || flows[name] != nil {
		return nil
	}
	return text.Errorf("there is no flow %q; the flows are: %s", name, strings.Join(slices.Sorted(maps.Keys(flows)), ", "))
}

// start is how a planned run was started.
type start struct {
	// joined reports that it was under way already.
	joined bool
	// estimate is nil if there is none, as for a run that was joined.
	estimate *workflows.Estimate
}

// start starts the run, or joins it. Before one starts, it writes an estimate to log.
func (p plannedRun) start(ctx context.Context, c client.Client, log io.Writer, taskQueue string) (client.WorkflowRun, start, error) {
	var started start
	var err error
	if started.joined, err = isRunning(ctx, c, p.workflowID); err != nil {
		return nil, started, err
	}
	if !started.joined {
		if err := refuseHeld(ctx, c, taskQueue, p.in.Flow); err != nil {
			return nil, started, err
		}
		if started.estimate = sayEstimate(ctx, c, log, taskQueue, p.in, p.followed); started.estimate != nil {
			p.in.Orders = &started.estimate.Orders
		}
	}
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       p.workflowID,
		TaskQueue:                taskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:            p.in.Flow + " " + p.what,
		StaticDetails:            runDetails(),
	}, workflows.SyncFlowName, p.in)
	if err != nil {
		return nil, started, text.Errorf("the run can't be started: %w", err)
	}
	say(log, text.Sprintf("run: %s (%s)", run.GetID(), run.GetRunID()))
	if started.joined {
		say(log, p.joinedText())
	}
	return run, started, nil
}

// joinedText says that the run was under way, and which flags it does not follow.
func (p plannedRun) joinedText() string {
	if p.in.Grain == "" && p.in.Rate == (workflows.Rate{}) {
		return text.Sprintf("it was under way already; joined")
	}
	return text.Sprintf("it was under way already; joined. --grain, --in-flight and --windows-at-once have no effect on it; to change its rate: starter rate %s", p.workflowID)
}

// runDetails explain a run in the Web UI.
func runDetails() string {
	return text.Sprintf("Each window is a child workflow. With the grain order, each bill is a SaveOrder activity of its window. With the grain page, a SyncPages activity reads and saves several pages, and each order that fails there gets a SaveOrder. auto is order for few orders and page for many.")
}

// The workflow ids of the runs without a given range. They begin with the flow's name, so
// that they sort by it.
func handWorkflowID(flowName string) string { return flowName + "/hand" }
func autoWorkflowID(flowName string) string { return flowName + "/auto" }
func cronWorkflowID(flowName string) string { return flowName + "/cron" }

// rangeWorkflowID names a run by its range, so that a range can't run twice at the same
// time, and runs sort by flow and time.
func rangeWorkflowID(flowName string, span workflows.Window) string {
	const format = "20060102T150405"
	return flowName + "/" + span.From.In(beijing.Zone).Format(format) + "-" + span.To.In(beijing.Zone).Format(format)
}

// ordersWorkflowID names a run by its orders, so that the same ones can't run twice at the
// same time.
func ordersWorkflowID(flowName string, ids []string) string {
	if len(ids) == 1 {
		return flowName + "/order-" + url.PathEscape(ids[0])
	}
	hash := sha256.Sum256([]byte(strings.Join(slices.Sorted(slices.Values(ids)), "\n")))
	return fmt.Sprintf("%s/%d-orders-%x", flowName, len(ids), hash[:4])
}

// timeFormats are the ways to write a time at the command line; those without a zone are
// Beijing time.
var timeFormats = []string{time.DateTime, "2006-01-02 15:04", time.DateOnly, "2006-01-02T15:04:05", time.RFC3339, "2006-01-02 15:04:05Z07:00"}

func parseTime(flag, value string) (time.Time, error) {
	for _, format := range timeFormats {
		if t, err := time.ParseInLocation(format, value, beijing.Zone); err == nil {
			return t.In(beijing.Zone).Truncate(time.Second), nil
		}
	}
	return time.Time{}, text.Errorf("%s %q is not a time, such as 2024-03-01, \"2024-03-01 08:00:00\" (Beijing time) or 2024-03-01T08:00:00+08:00", flag, value)
}

// parseRange reads a range. Both ends are included; a day alone is the whole day.
func parseRange(from, to string) (workflows.Window, error) {
	switch {
	case from == "":
		return workflows.Window{}, missingFlags("--from")
	case to == "":
		return workflows.Window{}, missingFlags("--to")
	}
	start, fromErr := parseTime("--from", from)
	end, toErr := parseTime("--to", to)
	if err := errors.Join(fromErr, toErr); err != nil {
		return workflows.Window{}, err
	}
	if _, err := time.Parse(time.DateOnly, to); err == nil {
		end = end.AddDate(0, 0, 1).Add(-time.Second)
	}
	if end.Before(start) {
		return workflows.Window{}, text.Errorf("--to %s is before --from %s", to, from)
	}
	return workflows.Window{From: start, To: end}, nil
}
