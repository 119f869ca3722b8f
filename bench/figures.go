package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	"refundsync/internal/contract"
)

// bench is one run of the command.
type bench struct {
	orders   int
	profiles string
	out, log io.Writer

	programs string // folder of the programs
	figure   string // the current one
	started  int    // number of processes, for the names of profiles
	reached  []reached
}

// reached is a measured figure with its target.
type reached struct{ what, wanted, measured string }

// figure is a measurement and its table.
type figure struct {
	name, title string
	measure     func(*bench, context.Context) error
}

var figures = []figure{
	{"loop", "Pages of 50, 20 ms each; 50 ms a call of 50 bills, 4 sessions", (*bench).againstLoop},
	{"no-op", "An activity an order, zero latency, against activities that do nothing", (*bench).againstNoOp},
	{"bound", "Pages of 50, 150 ms each; 200 ms a call and 20 ms a bill, 4 sessions", (*bench).againstBound},
	{"cost", "What an order costs at Temporal, zero latency", (*bench).cost},
	{"year", "A year without orders", (*bench).year},
	{growth, "Ten times the orders", (*bench).growth},
}

// growth is measured only if it is named.
const growth = "growth"

func figureNames() (names []string) {
	for _, f := range figures {
		names = append(names, f.name)
	}
	return names
}

// run measures the named figures or, if none is named, all quick ones.
func (b *bench) run(ctx context.Context, only []string) (err error) {
	if b.profiles != "" {
		if err := os.MkdirAll(b.profiles, 0o755); err != nil {
			return err
		}
	}
	if b.programs, err = os.MkdirTemp("", "refundsync-bench"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.programs)) }()
	if err := b.buildPrograms(ctx); err != nil {
		return err
	}
	b.printf("%s, %s/%s, %d CPUs\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, f := range figures {
		if len(only) > 0 && !slices.Contains(only, f.name) || len(only) == 0 && f.name == growth {
			continue
		}
		b.figure = f.name
		b.printf("\n### %s: %s\n\n", f.name, f.title)
		if err := f.measure(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	b.printf("\n### In short\n\n")
	b.head("figure", "wanted", "measured")
	for _, r := range b.reached {
		b.row(r.what, r.wanted, r.measured)
	}
	return nil
}

func (b *bench) reach(what, wanted, measured string) {
	b.reached = append(b.reached, reached{what, wanted, measured})
}

func (b *bench) printf(format string, args ...any) { fmt.Fprintf(b.out, format, args...) }

// head prints the header of a table, whose first column is text.
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

// each gives CPU time per order, in ms.
func (m measured) each(cpu time.Duration) string {
	return fmt.Sprintf("%.2f", cpu.Seconds()*1000/float64(m.orders))
}

// call gives calls per order.
func (m measured) call(calls int) string {
	return fmt.Sprintf("%.3f", float64(calls)/float64(m.orders))
}

// sync plays one run on its own stage.
func (b *bench) sync(ctx context.Context, s scene) (measured, error) {
	return b.on(ctx, s, (*stage).sync)
}

const (
	pageLatency = 20 * time.Millisecond
	callLatency = 50 * time.Millisecond
)

func (b *bench) againstLoop(ctx context.Context) error {
	s := scene{orders: b.orders, pageLatency: pageLatency, callLatency: callLatency, batchBills: 50, grain: contract.GrainPage}
	loop, err := b.on(ctx, s, (*stage).loop)
	if err != nil {
		return err
	}
	m, err := b.sync(ctx, s)
	if err != nil {
		return err
	}
	b.head("what", "orders/s", "of the loop", "BatchSave calls an order", "look-ups an order", "ms CPU an order: worker", "server")
	b.row("a plain loop", number(loop.perSecond()), "1", loop.call(loop.saves), loop.call(loop.lookUps), loop.each(loop.workerCPU), "")
	b.row("the sync by pages", number(m.perSecond()), ratio(m.perSecond(), loop.perSecond()), m.call(m.saves), m.call(m.lookUps), m.each(m.workerCPU), m.each(m.serverCPU))
	b.reach("by pages, against a plain loop with 4 connections", "0.95", ratio(m.perSecond(), loop.perSecond()))
	b.reach("by pages, server's CPU time an order", "0.10 ms", m.each(m.serverCPU)+" ms")
	return nil
}

func (b *bench) againstNoOp(ctx context.Context) error {
	s := scene{orders: b.orders / 4, grain: contract.GrainOrder}
	noOp, err := b.on(ctx, s, (*stage).noOp)
	if err != nil {
		return err
	}
	m, err := b.sync(ctx, s)
	if err != nil {
		return err
	}
	b.head("what", "orders/s", "of the no-op", "ms CPU an order: worker", "server")
	b.row("no-op activities", number(noOp.perSecond()), "1", noOp.each(noOp.workerCPU), noOp.each(noOp.serverCPU))
	b.row("the sync by orders", number(m.perSecond()), ratio(m.perSecond(), noOp.perSecond()), m.each(m.workerCPU), m.each(m.serverCPU))
	b.reach("by orders, against no-op activities on the same server", "0.90", ratio(m.perSecond(), noOp.perSecond()))
	return nil
}

// bound is how many orders a second the sessions of Kingdee can save at most.
func (s scene) bound() float64 {
	call := s.callLatency + time.Duration(batchBills)*s.billLatency
	return sessions * batchBills / call.Seconds()
}

func (b *bench) againstBound(ctx context.Context) error {
	s := scene{pageLatency: 150 * time.Millisecond, callLatency: 200 * time.Millisecond, billLatency: 20 * time.Millisecond}
	b.head("what", "orders", "orders/s", "of the bound", "BatchSave calls an order", "look-ups an order", "ms CPU an order: worker", "server")
	for _, c := range []struct {
		what, wanted, grain string
		orders              int
		play                func(*stage, context.Context) (measured, error)
	}{
		{"the sync by orders", "0.95", contract.GrainOrder, b.orders / 4, (*stage).sync},
		{"the sync by pages", "0.95", contract.GrainPage, b.orders / 4, (*stage).sync},
		{"the sync, a short run", "0.65", "", b.orders / 20, (*stage).sync},
		{"a plain loop, as short", "", "", b.orders / 20, (*stage).loop},
	} {
		s.orders, s.grain = c.orders, c.grain
		m, err := b.on(ctx, s, c.play)
		if err != nil {
			return err
		}
		of := ratio(m.perSecond(), s.bound())
		b.row(c.what, number(float64(m.orders)), number(m.perSecond()), of, m.call(m.saves), m.call(m.lookUps), m.each(m.workerCPU), m.each(m.serverCPU))
		if c.wanted != "" {
			b.reach(fmt.Sprintf("%s, %d orders, realistic latency, against the bound", c.what, m.orders), c.wanted, of)
		}
	}
	return nil
}

func (b *bench) cost(ctx context.Context) error {
	b.head("grain", "events", "bytes of history", "actions", "calls to the source")
	for _, grain := range []string{contract.GrainOrder, contract.GrainPage} {
		m, err := b.sync(ctx, scene{orders: b.orders / 10, grain: grain, countsHistories: true})
		if err != nil {
			return err
		}
		each := func(n int) string { return fmt.Sprintf("%.2f", float64(n)/float64(m.orders)) }
		b.row(grain, each(m.histories.events), each(m.histories.bytes), each(m.histories.actions), m.call(m.pages))
	}
	return nil
}

func (b *bench) year(ctx context.Context) error {
	m, err := b.sync(ctx, scene{empty: true, days: 365})
	if err != nil {
		return err
	}
	b.head("calls to the source", "seconds")
	b.row(fmt.Sprint(m.pages), number(m.duration.Seconds()))
	b.reach("calls to the source for an empty year, at most", "60", fmt.Sprint(m.pages))
	return nil
}

func (b *bench) growth(ctx context.Context) error {
	b.head("orders by pages", "seconds", "orders/s", "worker's peak MB", "ms CPU an order: worker", "server")
	var few measured
	for _, times := range []int{5, 50} {
		m, err := b.sync(ctx, scene{orders: b.orders * times, days: times, grain: contract.GrainPage})
		if err != nil {
			return err
		}
		b.row(number(float64(m.orders)), number(m.duration.Seconds()), number(m.perSecond()), number(float64(m.workerPeak)/1e6), m.each(m.workerCPU), m.each(m.serverCPU))
		if times == 5 {
			few = m
			continue
		}
		b.reach("time of ten times the orders, at most", "10.5", ratio(m.duration.Seconds(), few.duration.Seconds()))
		b.reach("worker's memory with ten times the orders, at most", "1.1", ratio(float64(m.workerPeak), float64(few.workerPeak)))
	}
	return nil
}
