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
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/childprocess"
	"refundsync/internal/config"
	"refundsync/internal/devserver"
	"refundsync/internal/simulator"
)

const (
	builtInFlow = "refund_to_return"
	taskQueue   = "bench"
	// sessions and batchBills are the defaults of the settings.
	sessions, batchBills = 4, 20
)

// scene is the setting of a measurement. Everything else is at the flow's and the
// worker's defaults.
type scene struct {
	// orders are spread over days of 24 hours; 0 days are one.
	orders, days int
	// grain of the run; "" is the flow's.
	grain string
	// pageLatency is the source's; callLatency and billLatency are Kingdee's.
	pageLatency, callLatency, billLatency time.Duration
	// batchBills is how many bills Kingdee accepts in a call; 0 is the default.
	batchBills int
	// empty moves the run to as many days before all orders.
	empty bool
	// countsHistories measures the histories of the run afterwards.
	countsHistories bool
}

// stage is a scene with its server and simulators running.
type stage struct {
	scene
	bench      *bench
	server     *devserver.Server
	temporal   client.Client
	simulators *process
	at         atAddress
	env        []string
	from, to   time.Time
}

// on sets up a scene, plays it and tears it down.
func (b *bench) on(ctx context.Context, s scene, play func(*stage, context.Context) (measured, error)) (m measured, err error) {
	s.days = max(s.days, 1)
	st := &stage{scene: s, bench: b}
	// As `temporal server start-dev` runs it, with its state in memory.
	if st.server, err = devserver.Start(ctx, devserver.Options{Plain: true}); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, st.server.Stop()) }()
	if st.temporal, err = config.DialTemporal(ctx, client.Options{HostPort: st.server.Address}); err != nil {
		return m, err
	}
	defer st.temporal.Close()
	if err := st.startSimulators(ctx); err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, st.simulators.stop()) }()
	st.makeSettings()
	return play(st, ctx)
}

func (st *stage) startSimulators(ctx context.Context) error {
	out, in := io.Pipe()
	simulators, err := st.bench.startPart(ctx, in, "simulators", nil,
		"--orders", strconv.Itoa(st.orders), "--days", strconv.Itoa(st.days),
		"--page-latency", st.pageLatency.String(), "--call-latency", st.callLatency.String(), "--bill-latency", st.billLatency.String())
	if err != nil {
		return err
	}
	st.simulators = simulators
	// Without this, the decoder would wait forever if the part exits without output.
	go func() {
		<-simulators.Done()
		_ = in.Close() // never fails for a pipe
	}()
	if err := json.NewDecoder(out).Decode(&st.at); err != nil {
		return fmt.Errorf("the simulators said no address: %w", errors.Join(err, simulators.stop()))
	}
	st.from = simulator.DefaultFrom
	if st.empty {
		st.from = st.from.AddDate(0, 0, -st.days)
	}
	st.to = st.from.AddDate(0, 0, st.days).Add(-time.Second)
	return nil
}

// makeSettings makes the environment of the worker, the starter and the loop.
func (st *stage) makeSettings() {
	settings := maps.Clone(st.at.Env)
	settings["TEMPORAL_ADDRESS"] = st.server.Address
	settings["REFUNDSYNC_TASK_QUEUE"] = taskQueue
	settings["LOG_LEVEL"] = "error"
	// The simulators set the pace, not this limit.
	settings["JUSHUITAN_CALLS_PER_SECOND"] = "1000"
	if st.batchBills > 0 {
		settings["KINGDEE_BATCH_BILLS"] = strconv.Itoa(st.batchBills)
	}
	for name, value := range settings {
		st.env = append(st.env, name+"="+value)
	}
}

// measured is the result of a measurement.
type measured struct {
	orders   int
	duration time.Duration
	// CPU time of the worker and the server, and the worker's peak memory; 0 if the system
	// doesn't provide it.
	workerCPU, serverCPU  time.Duration
	workerPeak            uint64
	saves, lookUps, pages int
	histories             histories
}

func (m measured) perSecond() float64 { return float64(m.orders) / m.duration.Seconds() }

// sync runs the flow over all orders, as a person starts it, and requires that
// each order then has its bill.
func (st *stage) sync(ctx context.Context) (measured, error) {
	const format = "2006-01-02 15:04:05"
	args := []string{"run", "--flow", builtInFlow, "--from", st.from.Format(format), "--to", st.to.Format(format), "--wait", "-o", "json"}
	if st.grain != "" {
		args = append(args, "--grain", st.grain)
	}
	var run commonpb.WorkflowExecution
	m, err := st.measure(ctx, st.startWorker, func() (int, time.Duration, error) {
		var out, progress strings.Builder
		starter, err := st.bench.start(ctx, &out, &progress, filepath.Join(st.bench.programs, "starter"), st.env, args...)
		if err != nil {
			return 0, 0, err
		}
		if err := starter.wait(); err != nil {
			return 0, 0, fmt.Errorf("%w: %s", err, progress.String())
		}
		var result struct {
			WorkflowID string `json:"workflow_id"`
			RunID      string `json:"run_id"`
			Saved      int    `json:"saved"`
		}
		if err := json.Unmarshal([]byte(out.String()), &result); err != nil {
			return 0, 0, fmt.Errorf("the starter printed %s: %w", out.String(), err)
		}
		run.WorkflowId, run.RunId = result.WorkflowID, result.RunID
		duration, err := runDuration(ctx, st.temporal, result.WorkflowID)
		return result.Saved, duration, err
	})
	if err != nil {
		return m, err
	}
	if st.countsHistories {
		if err := m.histories.add(ctx, st.temporal, run.WorkflowId, run.RunId); err != nil {
			return m, err
		}
	}
	return m, st.count(&m)
}

// count adds the simulators' counts, and requires that each order was saved and has one
// bill.
func (st *stage) count(m *measured) error {
	state, err := st.state()
	if err != nil {
		return err
	}
	m.saves, m.lookUps = state.Kingdee.Calls["BatchSave"], state.Kingdee.Calls["ExecuteBillQuery"]
	for _, calls := range state.Source.Calls {
		m.pages += calls
	}
	if st.empty {
		state.Source.Customary = 0
	}
	return savedOnce(m.orders, state)
}

// savedOnce requires that each order was saved and has one bill.
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

// noOp runs the no-op workflow for as many orders.
func (st *stage) noOp(ctx context.Context) (measured, error) {
	start := func(ctx context.Context) (*process, error) {
		return st.bench.startPart(ctx, st.bench.log, "no-op-worker", st.env)
	}
	return st.measure(ctx, start, func() (int, time.Duration, error) {
		run, err := st.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: taskQueue}, NoOpRun, st.orders)
		if err == nil {
			err = run.Get(ctx, nil)
		}
		if err != nil {
			return 0, 0, err
		}
		duration, err := runDuration(ctx, st.temporal, run.GetID())
		return st.orders, duration, err
	})
}

// loop runs the plain loop.
func (st *stage) loop(ctx context.Context) (m measured, err error) {
	settings, err := json.Marshal(loop{From: st.from, To: st.to})
	if err != nil {
		return m, err
	}
	var out strings.Builder
	p, err := st.bench.startPart(ctx, &out, "loop", append(slices.Clone(st.env), loopSettings+"="+string(settings)))
	if err != nil {
		return m, err
	}
	if err := p.wait(); err != nil {
		return m, err
	}
	m.orders, m.workerCPU = st.orders, p.cpuTime()
	if m.duration, err = time.ParseDuration(strings.TrimSpace(out.String())); err != nil {
		return m, err
	}
	return m, st.count(&m)
}

// startWorker starts the worker; to profile it, as a part of this program.
func (st *stage) startWorker(ctx context.Context) (*process, error) {
	if st.bench.profiles != "" {
		return st.bench.startPart(ctx, st.bench.log, "worker", st.env)
	}
	return st.bench.start(ctx, st.bench.log, st.bench.log, filepath.Join(st.bench.programs, "worker"), st.env)
}

// measure starts a worker, does the work, which gives the number of orders and how long
// it took, and stops the worker.
func (st *stage) measure(ctx context.Context, start func(context.Context) (*process, error), work func() (int, time.Duration, error)) (m measured, err error) {
	worker, err := start(ctx)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, worker.stop()) }()
	if err := st.awaitPolls(ctx, worker); err != nil {
		return m, err
	}
	server, before := cpuTime(st.server.PID()), cpuTime(worker.PID())
	if m.orders, m.duration, err = work(); err != nil {
		return m, err
	}
	m.serverCPU, m.workerCPU = cpuTime(st.server.PID())-server, cpuTime(worker.PID())-before
	m.workerPeak = peakMemory(worker.PID())
	return m, nil
}

// awaitPolls waits until the worker polls for tasks: its start isn't measured.
func (st *stage) awaitPolls(ctx context.Context, worker *process) error {
	for {
		polls, err := isPolled(ctx, st.temporal)
		if err != nil || polls {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-worker.Done():
			return errors.New("the worker exited before it polled for tasks")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// state reads the state of the simulators.
func (st *stage) state() (state simulator.State, err error) {
	response, err := http.Get(st.at.URL + "/_sim/state?bills=false")
	if err != nil {
		return state, err
	}
	defer response.Body.Close()
	return state, json.NewDecoder(response.Body).Decode(&state)
}

// buildPrograms builds the worker and the starter of this checkout.
func (b *bench) buildPrograms(ctx context.Context) error {
	build := exec.CommandContext(ctx, "go", "build", "-o", b.programs+string(filepath.Separator), "./worker", "./starter")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the programs, which has to be done in the project's folder: %w: %s", err, out)
	}
	return nil
}

// process is a program of a measurement.
type process struct {
	*childprocess.Process
	cmd *exec.Cmd
}

// stopTimeout is far more than a program needs to exit.
const stopTimeout = 2 * time.Minute

// startPart starts a part of this program with its output to out.
func (b *bench) startPart(ctx context.Context, out io.Writer, part string, env []string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if b.profiles != "" {
		b.started++
		env = append(slices.Clone(env), profileFile+"="+filepath.Join(b.profiles, fmt.Sprintf("%s-%02d-%s.pprof", b.figure, b.started, part)))
	}
	return b.start(ctx, out, b.log, self, env, append([]string{part}, args...)...)
}

// start starts a program that ends with ctx at the latest.
func (b *bench) start(ctx context.Context, stdout, stderr io.Writer, program string, env []string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	child, err := childprocess.Start(cmd, syscall.SIGKILL)
	if err != nil {
		return nil, err
	}
	return &process{child, cmd}, nil
}

// cpuTime gives the CPU time of a process that has exited.
func (p *process) cpuTime() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// wait waits for a part to exit and requires exit code 0.
func (p *process) wait() error {
	if code := p.ExitCode(); code != 0 {
		return fmt.Errorf("%s exited with code %d", strings.Join(p.cmd.Args[1:], " "), code)
	}
	return nil
}

// stop terminates a part and waits for it to exit.
func (p *process) stop() error { return errors.Join(p.Stop(syscall.SIGTERM, stopTimeout), p.wait()) }
