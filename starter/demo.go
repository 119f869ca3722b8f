package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/config"
	"refundsync/internal/devserver"
	"refundsync/internal/encryption"
	"refundsync/internal/fault"
	"refundsync/internal/simulator"
	"refundsync/internal/syncworker"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// How long the simulated systems take for a call, so that there is something to watch.
const (
	demoPageLatency = 100 * time.Millisecond
	demoCallLatency = 30 * time.Millisecond
)

type demoFlags struct {
	once   bool
	all    bool
	orders int
	seed   uint64
	data   string
}

func newDemoCommand() *cobra.Command {
	var flags demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: text.Sprintf("See the whole sync in one command"),
		Long: text.Sprintf("Starts a Temporal development server, simulated Jushuitan and Kingdee systems, and a worker. " +
			"It syncs three days of orders, compares the outcome of each with the expected one, and runs until you press Ctrl-C. The exit code is 1 if an outcome differs.\n" +
			"With --all, several flows sync side by side: after-sales orders from both of Jushuitan's gateways, refunds without goods, and outbound orders."),
		Example: "  starter demo\n  starter demo --once --orders 2000\n  starter demo --all",
		RunE:    func(cmd *cobra.Command, _ []string) error { return demo(cmd, flags) },
	}
	cmd.Flags().BoolVar(&flags.once, "once", false, text.Sprintf("exit after the runs"))
	cmd.Flags().BoolVar(&flags.all, "all", false, text.Sprintf("sync with several flows at once, from the folder of the flows and its subfolder %s", library))
	cmd.Flags().IntVar(&flags.orders, "orders", simulator.DefaultOrders, text.Sprintf("number of orders"))
	cmd.Flags().Uint64Var(&flags.seed, "seed", 1, text.Sprintf("seed of the random orders"))
	cmd.Flags().StringVar(&flags.data, "data", "", text.Sprintf("folder to keep the state in; the next demo with it continues there"))
	alsoExits(cmd, exitInterrupted)
	return cmd
}

// demo nests the parts, so that each ends before the ones it depends on.
func demo(cmd *cobra.Command, flags demoFlags) error {
	if flags.orders < 1 {
		return usageError(cmd, text.Errorf("--orders must be more than 0"))
	}
	codec, err := loadCodec()
	if err != nil {
		return err
	}
	d := &demoRun{flags: flags, codec: codec, environment: config.FromProcess(), out: cmd.OutOrStdout(), log: cmd.ErrOrStderr()}
	sync := d.sync
	if flags.all {
		sync = d.syncAll
	}
	return d.withFlows(cmd.Context(), func(ctx context.Context) error {
		return d.withServer(ctx, func(ctx context.Context) error {
			return d.withSimulators(ctx, func(ctx context.Context) error { return d.withWorker(ctx, sync) })
		})
	})
}

type demoRun struct {
	flags       demoFlags
	codec       encryption.Codec
	environment config.Environment
	out, log    io.Writer

	server     *devserver.Server
	temporal   client.Client
	simulator  *simulator.Simulator
	simulators *simulator.Server
	taskQueue  string
}

// dataFile is a file in the folder of --data, "" without one.
func (d *demoRun) dataFile(name string) string {
	if d.flags.data == "" {
		return ""
	}
	return filepath.Join(d.flags.data, name)
}

func (d *demoRun) withServer(ctx context.Context, inside func(context.Context) error) (err error) {
	var serverLog io.Writer = d.log
	if terminal := terminalBehind(d.log); terminal != nil {
		serverLog = terminal // its build shows a progress bar
	}
	say(d.log, text.Sprintf("Starting the Temporal server…"))
	d.server, err = devserver.Start(ctx, devserver.Options{
		DBFile: d.dataFile("temporal.db"),
		UI:     true,
		// Attributes added later would take the server some time.
		SearchAttributes: syncworker.SearchAttributes(),
		Log:              serverLog,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.server.Stop()) }()
	options := client.Options{HostPort: d.server.Address, Namespace: d.server.Namespace}
	d.codec.ConfigureWorker(&options)
	d.temporal, err = config.DialTemporal(ctx, options)
	if err != nil {
		return err
	}
	defer d.temporal.Close()
	say(d.log, text.Sprintf("Temporal: %s · Web UI: %s", d.server.Address, d.server.UIURL))
	return inside(ctx)
}

func (d *demoRun) withSimulators(ctx context.Context, inside func(context.Context) error) (err error) {
	if d.flags.data != "" {
		if err := os.MkdirAll(d.flags.data, 0o700); err != nil {
			return fmt.Errorf("--data: %w", err)
		}
	}
	d.simulator, err = simulator.New(simulator.Options{
		Seed:        d.flags.seed,
		Orders:      d.flags.orders,
		SplitShops:  d.flags.all,
		PageLatency: demoPageLatency,
		CallLatency: demoCallLatency,
		Data:        d.dataFile("kingdee.jsonl"),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.simulator.Close()) }()
	// The context ends the demo; Close ends the simulators, after the worker has drained.
	d.simulators, err = d.simulator.Start(context.WithoutCancel(ctx), "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.simulators.Close()) }()
	say(d.log, text.Sprintf("Simulated Jushuitan and Kingdee: %s (state: %s/_sim/state)", d.simulators.URL(), d.simulators.URL()))
	return inside(ctx)
}

func (d *demoRun) withWorker(ctx context.Context, inside func(context.Context) error) error {
	environment := d.environment
	// The worker must reach no other server than the demo's own.
	maps.DeleteFunc(environment, func(name, _ string) bool { return strings.HasPrefix(name, "TEMPORAL_") })
	maps.Copy(environment, d.simulators.Environment().Map())
	maps.Copy(environment, config.Environment{
		"TEMPORAL_ADDRESS":   d.server.Address,
		"TEMPORAL_NAMESPACE": d.server.Namespace,
		// The simulated source has no limit of calls a second, and the real one's would take
		// most of the time.
		"JUSHUITAN_CALLS_PER_SECOND": "50",
	})
	settings, err := environment.LoadWorker()
	if err != nil {
		return err
	}
	d.taskQueue = settings.TaskQueue
	workerCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	// Without a worker, waiting for the run would never end.
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	go func() {
		defer giveUp()
		ended <- syncworker.RunProcess(workerCtx, environment, io.Discard)
	}()
	err = inside(ctx)
	stop()
	return errors.Join(err, <-ended)
}

// sync runs the built-in flow over all orders and checks the outcomes.
func (d *demoRun) sync(ctx context.Context) error {
	from, end := d.simulator.Range()
	span := workflows.Window{From: from, To: end.Add(-time.Second)}
	run, _, err := rangeRun(workflows.SyncFlowInput{Flow: builtInFlow, Range: &span}).start(ctx, d.temporal, d.log, d.taskQueue)
	if err != nil {
		return err
	}
	fmt.Fprintln(d.log, text.Sprintf("In the Web UI: %s", d.urlOf(run)))
	result, err := follow(ctx, d.temporal, run, newProgressView(d.log))
	if err != nil {
		if ctx.Err() != nil {
			return d.interrupted()
		}
		return errors.New(runFailure(err))
	}
	printTable(d.out, newRunResult(run.GetID(), run.GetRunID(), result, nil))

	differences := demoDifferences(d.simulator.Truth(), d.simulator.State(), result)
	d.printVerdict(differences)
	later, err := d.liveOn(ctx, from)
	if err != nil {
		return err
	}
	return d.finish(ctx, run, append(differences, later...))
}

// urlOf is where the Web UI shows a run.
func (d *demoRun) urlOf(run client.WorkflowRun) string {
	return fmt.Sprintf("%s/namespaces/%s/workflows/%s", d.server.UIURL, d.server.Namespace, url.PathEscape(run.GetID()))
}

// finish stays until Ctrl-C, and fails if anything differs.
func (d *demoRun) finish(ctx context.Context, run client.WorkflowRun, differences []string) error {
	if d.flags.once {
		say(d.out, "\n"+text.Sprintf("Run the demo without --once to look around in the Temporal Web UI."))
	} else {
		d.printWhereToLook(d.urlOf(run))
		say(d.log, text.Sprintf("Press Ctrl-C to end."))
		<-ctx.Done()
	}
	if len(differences) > 0 {
		return &exitError{code: exitFailed}
	}
	return nil
}

// livesOneIn: one in so many orders changes after it was booked.
const livesOneIn = 15

// liveOn changes some orders after they were booked, as happens at a merchant's, and runs
// again.
func (d *demoRun) liveOn(ctx context.Context, from time.Time) ([]string, error) {
	lived := d.simulator.ChangeOrders(livesOneIn)
	say(d.out, "\n"+text.Sprintf("Some orders change after they were booked: cancelled %d · un-confirmed %d · more received %d · goods renamed %d. A second run:",
		lived.Cancelled, lived.Unconfirmed, lived.Received, lived.Renamed))
	span := workflows.Window{From: from, To: d.simulator.Truth().Latest()}
	run, _, err := rangeRun(workflows.SyncFlowInput{Flow: builtInFlow, Range: &span}).start(ctx, d.temporal, d.log, d.taskQueue)
	if err != nil {
		return nil, err
	}
	result, err := follow(ctx, d.temporal, run, newProgressView(d.log))
	if err != nil {
		if ctx.Err() != nil {
			return nil, d.interrupted()
		}
		return nil, errors.New(runFailure(err))
	}
	say(d.out, counts(result.Tally))
	for _, reason := range []string{tally.OrderWithdrawn, tally.OrderChanged} {
		say(d.out, "  "+text.Sprintf("of which %s: %d", fault.ReasonText(reason), result.FailedReasons[reason]))
	}
	differences := livesDifferences(d.simulator.Truth(), d.simulator.State(), lived, result)
	d.printVerdict(differences)
	return differences, nil
}

func (d *demoRun) interrupted() error {
	if d.flags.data != "" {
		say(d.log, text.Sprintf("Interrupted. Start the demo again with --data %s to continue.", d.flags.data))
	}
	return text.Errorf("interrupted before the run ended")
}

func (d *demoRun) printVerdict(differences []string) {
	if len(differences) == 0 {
		say(d.out, text.Sprintf("✓ Checked: every order has the expected outcome and every bill the expected content; missing 0, twice 0."))
		return
	}
	say(d.out, text.Sprintf("✗ Checked: differences: %d", len(differences)))
	for _, difference := range differences {
		say(d.out, "  "+difference)
	}
}

// printWhereToLook leaves addresses and commands unbroken, so that they can be copied.
func (d *demoRun) printWhereToLook(runURL string) {
	fmt.Fprintf(d.out, "\n%s\n", text.Sprintf("The first run in the Web UI: %s", runURL))
	say(d.out, text.Sprintf("  The tab User Metadata shows the outcome, and why orders failed.\n"+
		"  The timeline shows the windows; open one from the tab Relationships.\n"+
		"  Each SaveOrder activity of a window names its order and bill; one that failed quotes Kingdee and says what to do.\n"+
		"  Each parked order is a ParkedOrder workflow."))
	fmt.Fprintln(d.out, text.Sprintf("To list the parked orders: %s", "TEMPORAL_ADDRESS="+d.server.Address+" starter parked list"))
}
