package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"go.temporal.io/sdk/client"

	"refundsync/internal/flowfile"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// library is the folder, within that of the built-in flow, of the other flows that are shipped.
const library = "library"

// gatherFlows copies the flows that run side by side, with their tables, into a folder, where a
// worker finds no others.
func gatherFlows(from, to string) error {
	for _, name := range merchant.SideBySide {
		path := filepath.Join(from, library, string(name)+".yaml")
		if name == builtInFlow {
			path = filepath.Join(from, builtInFlow+".yaml")
		}
		f, err := flowfile.Load(path)
		if err != nil {
			return err
		}
		for _, file := range f.Files {
			copied := filepath.Join(to, filepath.FromSlash(file.Name))
			if there, err := os.ReadFile(copied); err == nil && string(there) != file.Text {
				return text.Errorf("%s: another flow has a different %s", path, file.Name)
			}
			if err := errors.Join(os.MkdirAll(filepath.Dir(copied), 0o700), os.WriteFile(copied, []byte(file.Text), 0o600)); err != nil {
				return err
			}
		}
	}
	return nil
}

// withFlows gathers the flows of --all.
func (d *demoRun) withFlows(ctx context.Context, inside func(context.Context) error) (err error) {
	if !d.flags.all {
		return inside(ctx)
	}
	settings, err := d.environment.LoadWorker()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "refundsync-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if err := gatherFlows(settings.Flows, filepath.Join(folder, "flows")); err != nil {
		return err
	}
	d.environment["REFUNDSYNC_FLOWS"] = filepath.Join(folder, "flows")
	return inside(ctx)
}

// syncAll runs all flows over the same days at once and checks the outcomes of each.
func (d *demoRun) syncAll(ctx context.Context) error {
	from, end := d.simulator.Range()
	span := workflows.Window{From: from, To: end.Add(-time.Second)}
	runs := make([]client.WorkflowRun, len(merchant.SideBySide))
	for i, flow := range merchant.SideBySide {
		var err error
		if runs[i], _, err = rangeRun(workflows.SyncFlowInput{Flow: string(flow), Range: &span}).start(ctx, d.temporal, d.log, d.taskQueue); err != nil {
			return err
		}
	}
	results, failures := make([]workflows.SyncFlowResult, len(runs)), make([]error, len(runs))
	var following sync.WaitGroup
	for i, run := range runs {
		following.Go(func() {
			var err error
			if results[i], err = follow(ctx, d.temporal, run, newLineView(d.log, string(merchant.SideBySide[i])+" · ")); err != nil {
				failures[i] = fmt.Errorf("%s: %s", merchant.SideBySide[i], runFailure(err))
			}
		})
	}
	following.Wait()
	if ctx.Err() != nil {
		return d.interrupted()
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}

	state := d.simulator.State()
	t := newTable(d.out)
	t.AppendHeader(table.Row{text.New("flow"), text.New("read"), text.New("booked"), text.New("left out"), text.New("parked"), text.New("missing"), text.New("twice")})
	t.alignRight(2, 3, 4, 5, 6, 7)
	t.keepWhole(1)
	var differences []string
	for i, flow := range merchant.SideBySide {
		truth, r := d.simulator.TruthOf(flow), results[i]
		missing, twice := 0, 0
		for _, difference := range simulator.Compare(truth, state) {
			switch difference.Kind {
			case simulator.Missing:
				missing++
			case simulator.Double:
				twice++
			}
		}
		t.AppendRow(table.Row{flow, r.Fetched, r.Saved + r.Updated + r.AlreadySaved, r.SkippedTotal(), r.Parked, missing, twice})
		for _, difference := range outcomeDifferences(truth, r) {
			differences = append(differences, fmt.Sprintf("%s: %s", flow, difference))
		}
	}
	t.Render()
	for _, difference := range simulator.Compare(d.simulator.TruthOf(merchant.SideBySide...), state) {
		differences = append(differences, difference.String())
	}
	d.printVerdict(differences)
	return d.finish(ctx, runs[0], differences)
}
