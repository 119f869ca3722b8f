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
	"refundsync/internal/simulator"
	"refundsync/internal/syncworker"
	"refundsync/internal/tally"
	"refundsync/workflows"
)

const (
	// The simulated systems take some time, as real ones do, so that there is
	// something to watch.
	demoPageLatency = 100 * time.Millisecond
	demoCallLatency = 30 * time.Millisecond
)

type demoFlags struct {
	once   bool
	orders int
	seed   uint64
	data   string
}

func newDemoCommand() *cobra.Command {
	var flags demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "一条命令看完整同步：真实 Temporal 服务器、两个模拟系统、worker the whole sync in one command",
		Long: `启动真实的 Temporal 开发服务器、模拟的聚水潭与金蝶、一个 worker，同步三天的售后单，并与应有结果逐单核对。
Starts a real Temporal development server, both systems simulated, and a worker; syncs three days of orders and compares the outcome, order by order, with what it should be.

退出码 exit codes: 0 每一单都符合 every order came out as it should · 1 有不符 some did not`,
		RunE: func(cmd *cobra.Command, _ []string) error { return demo(cmd, flags) },
	}
	cmd.Flags().BoolVar(&flags.once, "once", false, "运行后退出 end after the run")
	cmd.Flags().IntVar(&flags.orders, "orders", simulator.DefaultOrders, "售后单数 number of orders")
	cmd.Flags().Uint64Var(&flags.seed, "seed", 1, "随机种子 seed of the orders")
	cmd.Flags().StringVar(&flags.data, "data", "", "把状态保存在该文件夹，再次启动时继续 keep the state in this folder and go on from it when started again")
	return cmd
}

// demo runs the parts one inside the other, so that each ends before what it
// stands on.
func demo(cmd *cobra.Command, flags demoFlags) error {
	if flags.orders < 1 {
		return usageError(cmd, fmt.Errorf("--orders 应大于 0。 It must be more than 0"))
	}
	codec, err := loadCodec()
	if err != nil {
		return err
	}
	d := &demoRun{flags: flags, codec: codec, out: cmd.OutOrStdout(), log: cmd.ErrOrStderr()}
	return d.withServer(cmd.Context(), func(ctx context.Context) error {
		return d.withSimulators(ctx, func(ctx context.Context) error {
			return d.withWorker(ctx, func(ctx context.Context) error { return d.sync(ctx) })
		})
	})
}

type demoRun struct {
	flags    demoFlags
	codec    encryption.Codec
	out, log io.Writer

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
		serverLog = terminal // a bar shows how its build goes
	}
	fmt.Fprintln(d.log, "启动 Temporal 服务器 starting the Temporal server …")
	d.server, err = devserver.Start(ctx, devserver.Options{
		DBFile: d.dataFile("temporal.db"),
		UI:     true,
		// Known from the start, they need no time to get about in the server.
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
	fmt.Fprintf(d.log, "Temporal %s · Web UI %s\n", d.server.Address, d.server.UIURL)
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
		PageLatency: demoPageLatency,
		CallLatency: demoCallLatency,
		Data:        d.dataFile("kingdee.jsonl"),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.simulator.Close()) }()
	// The demo is ended by the caller's context; the simulators by Close, after
	// the worker has drained.
	d.simulators, err = d.simulator.Start(context.WithoutCancel(ctx), "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.simulators.Close()) }()
	fmt.Fprintf(d.log, "模拟的聚水潭与金蝶 both systems, simulated: %s (状态 state: %s/_sim/state)\n", d.simulators.URL(), d.simulators.URL())
	return inside(ctx)
}

func (d *demoRun) withWorker(ctx context.Context, inside func(context.Context) error) error {
	environment := config.FromProcess()
	// The demo's own server is the only one that it may reach.
	maps.DeleteFunc(environment, func(name, _ string) bool { return strings.HasPrefix(name, "TEMPORAL_") })
	maps.Copy(environment, d.simulators.Environment().Map())
	maps.Copy(environment, config.Environment{
		"TEMPORAL_ADDRESS":   d.server.Address,
		"TEMPORAL_NAMESPACE": d.server.Namespace,
		// The simulated source has no limit of calls a second; the real one's would be
		// most of what is waited for.
		"JUSHUITAN_CALLS_PER_SECOND": "50",
	})
	settings, err := environment.LoadWorker()
	if err != nil {
		return err
	}
	d.taskQueue = settings.TaskQueue
	workerCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	// Without a worker the run would be waited for in vain.
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

// sync runs the built-in flow over all orders and checks what became of them.
func (d *demoRun) sync(ctx context.Context) error {
	from, end := d.simulator.Range()
	span := workflows.Window{From: from, To: end.Add(-time.Second)}
	run, _, err := rangeRun(workflows.SyncRefundsInput{Flow: builtInFlow, Range: &span}).start(ctx, d.temporal, d.log, d.taskQueue)
	if err != nil {
		return err
	}
	runURL := fmt.Sprintf("%s/namespaces/%s/workflows/%s", d.server.UIURL, d.server.Namespace, url.PathEscape(run.GetID()))
	fmt.Fprintln(d.log, runURL)
	result, err := follow(ctx, d.temporal, run, newProgressView(d.log))
	if err != nil {
		if ctx.Err() != nil {
			return d.interrupted()
		}
		return errors.New(runFailure(err))
	}
	printTable(d.out, runResult{WorkflowID: run.GetID(), RunID: run.GetRunID(), SyncRefundsResult: result})

	differences := demoDifferences(d.simulator.Truth(), d.simulator.State(), result)
	d.printVerdict(differences)
	later, err := d.liveOn(ctx, from)
	if err != nil {
		return err
	}
	differences = append(differences, later...)
	d.printWhereToLook(runURL)
	if !d.flags.once {
		fmt.Fprintln(d.log, "按 Ctrl-C 结束 press Ctrl-C to end")
		<-ctx.Done()
	}
	if len(differences) > 0 {
		return &exitError{code: exitFailed}
	}
	return nil
}

// livesOneIn is how many orders there are for one that lives on after it was booked.
const livesOneIn = 15

// liveOn has some orders live on, as they do at a merchant's, and a second run see it.
func (d *demoRun) liveOn(ctx context.Context, from time.Time) ([]string, error) {
	lived := d.simulator.ChangeOrders(livesOneIn)
	fmt.Fprintf(d.out, "\n入账之后有些单又变了，再运行一次。 Some orders live on after they were booked; run again: 作废 cancelled %d · 反确认 un-confirmed %d · 又收到货 more received %d · 商品改名 renamed %d\n",
		lived.Cancelled, lived.Unconfirmed, lived.Received, lived.Renamed)
	span := workflows.Window{From: from, To: d.simulator.Truth().Latest()}
	run, _, err := rangeRun(workflows.SyncRefundsInput{Flow: builtInFlow, Range: &span}).start(ctx, d.temporal, d.log, d.taskQueue)
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
	fmt.Fprintf(d.out, "%s\n", counts(result.Tally))
	for _, reason := range []string{tally.OrderWithdrawn, tally.OrderChanged} {
		fmt.Fprintf(d.out, "  其中 of which: %s %d\n", reason, result.FailedReasons[reason])
	}
	differences := livesDifferences(d.simulator.Truth(), d.simulator.State(), lived, result)
	d.printVerdict(differences)
	return differences, nil
}

func (d *demoRun) interrupted() error {
	if d.flags.data != "" {
		fmt.Fprintf(d.log, "已中断；再次以 --data %s 启动会继续。 Interrupted; started again with --data %s it goes on\n", d.flags.data, d.flags.data)
	}
	return &exitError{code: exitFailed, err: errors.New("在运行结束前中断 interrupted before the run ended")}
}

func (d *demoRun) printVerdict(differences []string) {
	if len(differences) == 0 {
		fmt.Fprintln(d.out, "✓ 核对：每一单的结果与每一张单据都与应有的一致，不漏不重。 Checked: every order's outcome and every bill is what it should be; missing 0, twice 0")
		return
	}
	fmt.Fprintf(d.out, "✗ 核对：有 %d 处不符。 Checked: %d differences\n", len(differences), len(differences))
	for _, difference := range differences {
		fmt.Fprintln(d.out, "  "+difference)
	}
}

func (d *demoRun) printWhereToLook(runURL string) {
	fmt.Fprintf(d.out, `
Web UI: %s
  这次运行 this run: %s
  · User Metadata 页的 Current Details 显示结果与失败原因 its tab User Metadata shows the outcome and why orders failed
  · 时间轴上是各窗口，Relationships 页可打开 its timeline shows the windows; open one from its tab Relationships
  · 窗口里每个 SaveOrder 活动的摘要写明售后单与单据 each SaveOrder in a window says which order and bill it is about
  · 失败的 SaveOrder 写明金蝶的原文与处理办法 one that failed gives Kingdee's own words and what to do
  · 挂起的单各是一个 ParkedOrder 工作流，等待重试 every parked order is a ParkedOrder workflow that waits; list them with
    TEMPORAL_ADDRESS=%s go run ./starter parked list
`, d.server.UIURL, runURL, d.server.Address)
}
