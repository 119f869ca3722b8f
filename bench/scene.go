package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"

	"refundsync/internal/childprocess"
	"refundsync/internal/devserver"
	"refundsync/internal/simulator"
	"refundsync/internal/syncworker"
	"refundsync/workflows"
)

const (
	builtInFlow = "refund_to_return"
	taskQueue   = "bench"
)

// scene is what a measurement takes place in.
type scene struct {
	orders int
	// windows is how many the orders are spread over, one an hour of whole days.
	windows, windowsAtOnce, inFlight int
	grain                            string
	// pageLatency is the source's, callLatency and billLatency Kingdee's.
	pageLatency, callLatency, billLatency time.Duration
	pageSize, batchBills                  int
	workers                               int
	// inFile has the server keep its state in an SQLite file instead of in memory.
	inFile bool
	// countsHistories has what Temporal keeps of the run counted afterwards.
	countsHistories bool
	// env changes settings of the workers.
	env map[string]string
}

const sessions = 4

// defaults are of a big day: the settings that the flow and the worker have by
// themselves, but for as many windows at once as there is work for.
func (s scene) defaults() scene {
	s.windows = max(24, (s.windows+23)/24*24)
	if s.windowsAtOnce == 0 {
		s.windowsAtOnce = 8
	}
	if s.inFlight == 0 {
		s.inFlight = 100
	}
	if s.pageSize == 0 {
		s.pageSize = 50
	}
	if s.batchBills == 0 {
		s.batchBills = 20
	}
	s.workers = max(s.workers, 1)
	return s
}

// stage is a scene with its server and simulators running.
type stage struct {
	scene
	bench      *bench
	folder     string
	server     *devserver.Server
	temporal   client.Client
	simulators *process
	at         atAddress
	env        []string
	from, to   time.Time
}

// on sets a scene up, has it played, and clears it away.
func (b *bench) on(ctx context.Context, s scene, play func(context.Context, *stage) error) (err error) {
	st := &stage{scene: s.defaults(), bench: b}
	if st.folder, err = os.MkdirTemp("", "refundsync-bench"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(st.folder)) }()
	options := devserver.Options{SearchAttributes: syncworker.SearchAttributes()}
	if s.inFile {
		options.DBFile = filepath.Join(st.folder, "temporal.db")
	}
	if st.server, err = devserver.Start(ctx, options); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.server.Stop()) }()
	if st.temporal, err = client.DialContext(ctx, client.Options{HostPort: st.server.Address, Logger: silent}); err != nil {
		return err
	}
	defer st.temporal.Close()
	if err := st.startSimulators(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.simulators.stop()) }()
	if err := st.makeSettings(); err != nil {
		return err
	}
	return play(ctx, st)
}

func (st *stage) startSimulators(ctx context.Context) error {
	days := st.windows / 24
	out, in := io.Pipe()
	simulators, err := st.bench.start(ctx, in, "simulators", nil,
		"--orders", strconv.Itoa(st.orders), "--days", strconv.Itoa(days),
		"--page-latency", st.pageLatency.String(), "--call-latency", st.callLatency.String(), "--bill-latency", st.billLatency.String())
	if err != nil {
		return err
	}
	st.simulators = simulators
	// A part that ends without a word would be waited for without end.
	go func() {
		<-simulators.Done()
		_ = in.Close() // a pipe's never fails
	}()
	if err := json.NewDecoder(out).Decode(&st.at); err != nil {
		return fmt.Errorf("the simulators said no address: %w", errors.Join(err, simulators.stop()))
	}
	st.from = simulator.DefaultFrom
	st.to = st.from.Add(time.Duration(st.windows) * time.Hour)
	return nil
}

var (
	windowLine   = regexp.MustCompile(`(?m)^  window: \S+`)
	pageSizeLine = regexp.MustCompile(`(?m)^    page_size: \S+`)
)

// makeSettings makes the flow, with windows of an hour and the size of a page, and the environment of the
// workers.
func (st *stage) makeSettings() error {
	flows := filepath.Join(st.folder, "flows")
	if err := os.CopyFS(flows, os.DirFS("flows")); err != nil {
		return fmt.Errorf("run it in the project's folder: %w", err)
	}
	file := filepath.Join(flows, builtInFlow+".yaml")
	built, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	built = windowLine.ReplaceAll(built, []byte("  window: 1h"))
	built = pageSizeLine.ReplaceAll(built, fmt.Appendf(nil, "    page_size: \"%d\"", st.pageSize))
	if err := os.WriteFile(file, built, 0o600); err != nil {
		return err
	}
	settings := maps.Clone(st.at.Env)
	settings["TEMPORAL_ADDRESS"] = st.server.Address
	settings["REFUNDSYNC_FLOWS"], settings["REFUNDSYNC_TASK_QUEUE"] = flows, taskQueue
	// The allowance of the source is none of what is measured.
	settings["JUSHUITAN_CALLS_PER_SECOND"] = "1000"
	settings["KINGDEE_BATCH_BILLS"], settings["KINGDEE_SESSIONS"] = strconv.Itoa(st.batchBills), strconv.Itoa(sessions)
	for name, value := range st.scene.env {
		settings[name] = value
	}
	for name, value := range settings {
		st.env = append(st.env, name+"="+value)
	}
	return nil
}

// measured is what a run took.
type measured struct {
	orders   int
	duration time.Duration
	// The CPU time of all processes of a kind, and the most memory that one
	// worker held at a time; 0 where the system does not tell.
	workerCPU, serverCPU, simulatorCPU time.Duration
	workerPeak                         uint64
	saves, lookUps, pages, doubles     int
	histories                          histories
}

func (m measured) perSecond() float64 { return float64(m.orders) / m.duration.Seconds() }

// sync has the workers run the flow over all orders, and requires that each has
// its bill then.
func (st *stage) sync(ctx context.Context) (measured, error) {
	in := workflows.SyncRefundsInput{
		Flow:  builtInFlow,
		Range: &workflows.Window{From: st.from, To: st.to.Add(-time.Second)},
		Grain: st.grain,
		Rate:  workflows.Rate{InFlight: st.inFlight, WindowsAtOnce: st.windowsAtOnce},
	}
	var run client.WorkflowRun
	m, err := st.measure(ctx, "worker", func() (saved int, err error) {
		var result workflows.SyncRefundsResult
		run, err = st.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: taskQueue}, workflows.SyncRefundsName, in)
		if err == nil {
			err = run.Get(ctx, &result)
		}
		return result.Saved, err
	})
	if err != nil {
		return m, err
	}
	if st.countsHistories {
		if err := m.histories.add(ctx, st.temporal, run.GetID(), run.GetRunID()); err != nil {
			return m, err
		}
	}
	state, err := st.state()
	if err != nil {
		return m, err
	}
	m.saves, m.lookUps = state.Kingdee.Calls["BatchSave"], state.Kingdee.Calls["ExecuteBillQuery"]
	for _, calls := range state.Source.Calls {
		m.pages += calls
	}
	return m, savedOnce(m.orders, state)
}

// savedOnce requires that each order was saved, and has one bill.
func savedOnce(saved int, state simulator.State) error {
	orders, bills, doubles := state.Source.Customary, 0, len(state.Kingdee.Doubles)
	for _, count := range state.Kingdee.ByStatus {
		bills += count
	}
	if saved != orders || bills != orders || doubles > 0 {
		return fmt.Errorf("%d of %d orders were saved; there are %d bills, and %d numbers have several", saved, orders, bills, doubles)
	}
	return nil
}

// noOp has the no-op worker do nothing for as many orders.
func (st *stage) noOp(ctx context.Context) (measured, error) {
	in := noOpRun{
		Windows: st.windows, WindowsAtOnce: st.windowsAtOnce, OrdersInPage: min(st.pageSize, max(1, st.orders/st.windows)),
		PagesInWindow: max(1, st.orders/st.windows/st.pageSize), InFlight: st.inFlight, Grain: st.grain,
	}
	return st.measure(ctx, "no-op-worker", func() (int, error) {
		run, err := st.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: taskQueue}, NoOpRun, in)
		if err == nil {
			err = run.Get(ctx, nil)
		}
		return in.Windows * in.PagesInWindow * in.OrdersInPage, err
	})
}

// loop has a plain Go loop do the work.
func (st *stage) loop(ctx context.Context) (m measured, err error) {
	settings, err := json.Marshal(loop{From: st.from, To: st.to, Window: time.Hour, WindowsAtOnce: st.windowsAtOnce, InFlight: st.inFlight})
	if err != nil {
		return m, err
	}
	var out strings.Builder
	simulators := cpuTime(st.simulators.PID())
	p, err := st.bench.start(ctx, &out, "loop", append(st.env, loopSettings+"="+string(settings)))
	if err != nil {
		return m, err
	}
	if err := p.wait(); err != nil {
		return m, err
	}
	m.workerCPU, m.simulatorCPU = p.cpuTime(), cpuTime(st.simulators.PID())-simulators
	state, err := st.state()
	if err != nil {
		return m, err
	}
	m.orders = state.Source.Customary
	if err := savedOnce(m.orders, state); err != nil {
		return m, err
	}
	m.duration, err = time.ParseDuration(strings.TrimSpace(out.String()))
	return m, err
}

// measure starts the workers, times what they do and stops them.
func (st *stage) measure(ctx context.Context, part string, work func() (int, error)) (m measured, err error) {
	var workers []*process
	defer func() {
		for _, w := range workers {
			err = errors.Join(err, w.stop())
		}
	}()
	for range st.workers {
		w, err := st.bench.start(ctx, st.bench.log, part, st.env)
		if err != nil {
			return m, err
		}
		workers = append(workers, w)
	}
	if err := st.awaitPolls(ctx, workers); err != nil {
		return m, err
	}
	server, simulators := cpuTime(st.server.PID()), cpuTime(st.simulators.PID())
	starts := make([]time.Duration, len(workers))
	for i, w := range workers {
		starts[i] = cpuTime(w.PID())
	}
	begun := time.Now()
	if m.orders, err = work(); err != nil {
		return m, err
	}
	m.duration = time.Since(begun)
	m.serverCPU, m.simulatorCPU = cpuTime(st.server.PID())-server, cpuTime(st.simulators.PID())-simulators
	for i, w := range workers {
		m.workerCPU += cpuTime(w.PID()) - starts[i]
		m.workerPeak = max(m.workerPeak, peakMemory(w.PID()))
	}
	return m, nil
}

// awaitPolls waits until workers ask for tasks: their start is none of what is
// measured.
func (st *stage) awaitPolls(ctx context.Context, workers []*process) error {
	for {
		pollers, err := pollersOf(ctx, st.temporal)
		if err != nil || pollers >= len(workers) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-workers[0].Done():
			return errors.New("a worker ended before it began")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// state has the simulators tell what is behind the scenes.
func (st *stage) state() (state simulator.State, err error) {
	response, err := http.Get(st.at.URL + "/_sim/state?bills=false")
	if err != nil {
		return state, err
	}
	defer response.Body.Close()
	return state, json.NewDecoder(response.Body).Decode(&state)
}

// process is a part of a measurement.
type process struct {
	*childprocess.Process
	cmd *exec.Cmd
}

// stopTimeout is far over what a part needs to end.
const stopTimeout = 2 * time.Minute

// start starts a part, which ends no later than ctx. What it prints goes to out.
func (b *bench) start(ctx context.Context, out io.Writer, part string, env []string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{part}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	if b.profiles != "" {
		b.started++
		cmd.Env = append(cmd.Env, profileFile+"="+filepath.Join(b.profiles, fmt.Sprintf("%s-%02d-%s.pprof", b.figure, b.started, part)))
	}
	cmd.Stdout, cmd.Stderr = out, b.log
	child, err := childprocess.Start(cmd, syscall.SIGKILL)
	if err != nil {
		return nil, err
	}
	return &process{child, cmd}, nil
}

// cpuTime is what a process has used that has ended.
func (p *process) cpuTime() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// wait waits for the end of a part, which must be a good one.
func (p *process) wait() error {
	if code := p.ExitCode(); code != 0 {
		return fmt.Errorf("%s ended with code %d", strings.Join(p.cmd.Args[1:], " "), code)
	}
	return nil
}

// stop ends a part as Ctrl-C does, and waits for its end.
func (p *process) stop() error { return errors.Join(p.Stop(syscall.SIGTERM, stopTimeout), p.wait()) }
