package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	"refundsync/internal/flow"
)

// bench is one run of the command.
type bench struct {
	orders   int
	grains   []string
	profiles string
	out, log io.Writer

	figure  string // the one that is measured
	started int    // processes, for the names of profiles
}

// figure is what is measured and compared, in one table.
type figure struct {
	name, title string
	measure     func(*bench, context.Context) error
}

var figures = []figure{
	{"ceiling", "Zero latency, against a no-op fan-out of the same shape", (*bench).ceiling},
	{"latency", "20 ms a page of 50, 50 ms a call of 50 bills, 4 sessions", (*bench).latency},
	{"realistic", "150 ms a page; 200 ms a call and 20 ms a bill, 4 sessions", (*bench).realistic},
	{"cost", "What an order costs", (*bench).cost},
	{"growth", "From 1,000 to 100,000 orders", (*bench).growth},
	{"workers", "One, two and four workers, the latencies of realistic, 10 calls a second to the source over all", (*bench).workers},
	{"file", "The server's state in an SQLite file", (*bench).file},
}

func figureNames() (names []string) {
	for _, f := range figures {
		names = append(names, f.name)
	}
	return names
}

// run measures the figures that are named, or all where none is.
func (b *bench) run(ctx context.Context, only []string) error {
	if b.profiles != "" {
		if err := os.MkdirAll(b.profiles, 0o755); err != nil {
			return err
		}
	}
	b.printf("%s, %s/%s, %d CPUs\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, f := range figures {
		if len(only) > 0 && !slices.Contains(only, f.name) {
			continue
		}
		b.figure = f.name
		b.printf("\n### %s: %s\n\n", f.name, f.title)
		if err := f.measure(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

func (b *bench) printf(format string, args ...any) { fmt.Fprintf(b.out, format, args...) }

// head prints the head line of a table, whose first column is text.
func (b *bench) head(columns ...string) {
	b.row(columns...)
	for i := range columns {
		columns[i] = "--:"
	}
	columns[0] = "---"
	b.row(columns...)
}

func (b *bench) row(cells ...string) {
	for _, cell := range cells {
		b.printf("| %s ", cell)
	}
	b.printf("|\n")
}

func number(n float64) string   { return fmt.Sprintf("%.0f", n) }
func ratio(a, b float64) string { return fmt.Sprintf("%.2f", a/b) }

// each is CPU time an order, in ms.
func (m measured) each(cpu time.Duration) string {
	return fmt.Sprintf("%.2f", cpu.Seconds()*1000/float64(m.orders))
}

// call is calls an order.
func (m measured) call(calls int) string {
	return fmt.Sprintf("%.3f", float64(calls)/float64(m.orders))
}

// sync plays one run on a stage of its own.
func (b *bench) sync(ctx context.Context, s scene) (m measured, err error) {
	err = b.on(ctx, s, func(ctx context.Context, st *stage) error {
		m, err = st.sync(ctx)
		return err
	})
	return m, err
}

func (b *bench) loop(ctx context.Context, s scene) (m measured, err error) {
	err = b.on(ctx, s, func(ctx context.Context, st *stage) error {
		m, err = st.loop(ctx)
		return err
	})
	return m, err
}

func (b *bench) ceiling(ctx context.Context) error {
	b.head("grain", "no-op orders/s", "sync orders/s", "ratio", "loop orders/s", "ms CPU an order: worker", "server", "simulators", "no-op worker", "no-op server")
	for _, grain := range b.grains {
		s := scene{orders: b.orders, grain: grain}
		if grain == flow.GrainOrder {
			s.orders /= 4
		}
		var noOp measured
		if err := b.on(ctx, s, func(ctx context.Context, st *stage) (err error) {
			noOp, err = st.noOp(ctx)
			return err
		}); err != nil {
			return err
		}
		sync, err := b.sync(ctx, s)
		if err != nil {
			return err
		}
		loop, err := b.loop(ctx, s)
		if err != nil {
			return err
		}
		b.row(grain, number(noOp.perSecond()), number(sync.perSecond()), ratio(sync.perSecond(), noOp.perSecond()), number(loop.perSecond()),
			sync.each(sync.workerCPU), sync.each(sync.serverCPU), sync.each(sync.simulatorCPU),
			noOp.each(noOp.workerCPU), noOp.each(noOp.serverCPU))
	}
	return nil
}

// bound is the orders a second that the sessions of Kingdee can save at most.
func (s scene) bound() float64 {
	s = s.defaults()
	call := s.callLatency + time.Duration(s.batchBills)*s.billLatency
	return sessions * float64(s.batchBills) / call.Seconds()
}

func (b *bench) latency(ctx context.Context) error {
	return b.againstBound(ctx, scene{
		orders: b.orders, pageLatency: 20 * time.Millisecond, callLatency: 50 * time.Millisecond, batchBills: 50, windowsAtOnce: 24,
	})
}

func (b *bench) realistic(ctx context.Context) error {
	return b.againstBound(ctx, scene{
		orders: b.orders / 4, pageLatency: 150 * time.Millisecond, callLatency: 200 * time.Millisecond, billLatency: 20 * time.Millisecond,
	})
}

func (b *bench) againstBound(ctx context.Context, s scene) error {
	b.head("grain, orders in a page", "orders/s", "of the bound", "of the loop", "BatchSave calls an order", "look-ups an order", "ms CPU an order: worker", "server", "simulators")
	loop, err := b.loop(ctx, s)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		grain    string
		pageSize int
	}{{flow.GrainOrder, 50}, {flow.GrainPage, 50}, {flow.GrainPage, 100}} {
		if !slices.Contains(b.grains, c.grain) {
			continue
		}
		s.grain, s.pageSize = c.grain, c.pageSize
		m, err := b.sync(ctx, s)
		if err != nil {
			return err
		}
		b.row(fmt.Sprintf("%s, %d", c.grain, c.pageSize), number(m.perSecond()), ratio(m.perSecond(), s.bound()), ratio(m.perSecond(), loop.perSecond()),
			m.call(m.saves), m.call(m.lookUps), m.each(m.workerCPU), m.each(m.serverCPU), m.each(m.simulatorCPU))
	}
	b.row("loop, 50", number(loop.perSecond()), ratio(loop.perSecond(), s.bound()), "1", "", "", "", "", "")
	return nil
}

func (b *bench) cost(ctx context.Context) error {
	b.head("grain, orders in a page", "events", "bytes of history", "actions", "BatchSave calls", "look-ups", "calls to the source")
	for _, grain := range b.grains {
		m, err := b.sync(ctx, scene{orders: b.orders / 10, grain: grain, countsHistories: true, callLatency: 50 * time.Millisecond})
		if err != nil {
			return err
		}
		each := func(n int) string { return fmt.Sprintf("%.2f", float64(n)/float64(m.orders)) }
		b.row(fmt.Sprintf("%s, %d", grain, m.orders/m.pages), each(m.histories.events), each(m.histories.bytes), each(m.histories.actions),
			m.call(m.saves), m.call(m.lookUps), m.call(m.pages))
	}
	return nil
}

func (b *bench) growth(ctx context.Context) error {
	b.head("grain, orders", "seconds", "orders/s", "time, against a tenth of the orders", "worker's peak MB", "memory, against 1,000", "ms CPU an order: worker", "server", "simulators")
	for _, grain := range b.grains {
		var first, last measured
		for _, orders := range []int{1000, 10_000, 100_000} {
			m, err := b.sync(ctx, scene{orders: orders, windows: orders * 24 / 1000, grain: grain})
			if err != nil {
				return err
			}
			against := ""
			if last.orders > 0 {
				against = ratio(m.duration.Seconds(), last.duration.Seconds())
			} else {
				first = m
			}
			b.row(fmt.Sprintf("%s, %d", grain, orders), number(m.duration.Seconds()), number(m.perSecond()), against,
				number(float64(m.workerPeak)/1e6), ratio(float64(m.workerPeak), float64(first.workerPeak)),
				m.each(m.workerCPU), m.each(m.serverCPU), m.each(m.simulatorCPU))
			last = m
		}
	}
	return nil
}

func (b *bench) workers(ctx context.Context) error {
	b.head("workers", "orders/s", "against one", "calls to the source a second", "BatchSave calls an order", "bills saved twice")
	var one measured
	for _, workers := range []int{1, 2, 4} {
		m, err := b.sync(ctx, scene{
			orders: b.orders / 4, workers: workers, grain: flow.GrainPage, windowsAtOnce: 16,
			pageLatency: 150 * time.Millisecond, callLatency: 200 * time.Millisecond, billLatency: 20 * time.Millisecond,
			env: map[string]string{"JUSHUITAN_CALLS_PER_SECOND": "10"},
		})
		if err != nil {
			return err
		}
		if workers == 1 {
			one = m
		}
		b.row(fmt.Sprint(workers), number(m.perSecond()), ratio(m.perSecond(), one.perSecond()),
			fmt.Sprintf("%.1f", float64(m.pages)/m.duration.Seconds()), m.call(m.saves), fmt.Sprint(m.doubles))
	}
	return nil
}

func (b *bench) file(ctx context.Context) error {
	b.head("grain", "in memory orders/s", "in a file orders/s", "ratio")
	for _, grain := range b.grains {
		s := scene{orders: b.orders / 4, grain: grain}
		memory, err := b.sync(ctx, s)
		if err != nil {
			return err
		}
		s.inFile = true
		file, err := b.sync(ctx, s)
		if err != nil {
			return err
		}
		b.row(grain, number(memory.perSecond()), number(file.perSecond()), ratio(file.perSecond(), memory.perSecond()))
	}
	return nil
}
