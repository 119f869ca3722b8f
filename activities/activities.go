// Package activities is where the outside systems and the flows meet: it reads the source,
// maps orders and saves bills. Package workflows defines the parameters and results.
package activities

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"refundsync/internal/booking"
	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
	"refundsync/internal/tenant"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// Source is what is needed of Jushuitan; [*jushuitan.Client] has it.
type Source interface {
	List(ctx context.Context, source *catalog.Interface, params map[string]string) (jushuitan.Page, error)
}

// Activities are the activities of one worker. A failure of an outside system or of an
// order is returned as a *temporal.ApplicationError whose type is the fault's Reason; a
// cancelled activity returns its context's error, and ParkOrder, ReportRun and CountDay return
// the Temporal client's errors.
type Activities struct {
	Flows  flow.Flows
	Source Source
	Ledger kingdee.Ledger
	Robots Robots
	// Temporal lists and decrypts what has ended.
	Temporal client.Client
	// Parked is nil where no orders are parked.
	Parked Parked
	// Versions is nil where no flow's text is kept.
	Versions *FlowVersions
	// Holds is nil where nothing is ever held.
	Holds Holds

	// SecondLook is how long a reconciliation waits before it looks once more at what differs.
	SecondLook time.Duration

	// CallsPerSecond and Sessions are as in [workflows.Plan].
	CallsPerSecond float64
	Sessions       int

	noDate sync.Once // logs that the source does not tell its time
	// Proofs is nil where no proof is needed.
	Proofs *booking.Proofs
	// Tokens is nil where nothing is read from the open platform.
	Tokens *TokenSource
	// Turns is nil where orders are saved one by one.
	Turns *booking.Turns
	// Tables refreshes the tables that come from Kingdee; nil where nothing does.
	Tables *tenant.Tables
}

// Register registers the activities that work on flows, Kingdee and robots, under their
// stable names.
func (a *Activities) Register(r worker.ActivityRegistry) {
	r.RegisterActivityWithOptions(a.LoadFlow, activity.RegisterOptions{Name: workflows.LoadFlowName})
	r.RegisterActivityWithOptions(a.FindBills, activity.RegisterOptions{Name: workflows.FindBillsName})
	r.RegisterActivityWithOptions(a.SaveOrder, activity.RegisterOptions{Name: workflows.SaveOrderName})
	r.RegisterActivityWithOptions(a.SyncPages, activity.RegisterOptions{Name: workflows.SyncPagesName})
	r.RegisterActivityWithOptions(a.ParkOrder, activity.RegisterOptions{Name: workflows.ParkOrderName})
	r.RegisterActivityWithOptions(a.ReportRun, activity.RegisterOptions{Name: workflows.ReportRunName})
	r.RegisterActivityWithOptions(a.CountDay, activity.RegisterOptions{Name: workflows.CountDayName})
	r.RegisterActivityWithOptions(a.ListBills, activity.RegisterOptions{Name: workflows.ListBillsName})
	r.RegisterActivityWithOptions(a.ComparePages, activity.RegisterOptions{Name: workflows.ComparePagesName})
	r.RegisterActivityWithOptions(a.CompareBills, activity.RegisterOptions{Name: workflows.CompareBillsName})
	r.RegisterActivityWithOptions(a.SendAlert, activity.RegisterOptions{Name: workflows.SendAlertName})
	r.RegisterActivityWithOptions(a.FindHolds, activity.RegisterOptions{Name: workflows.FindHoldsName})
	r.RegisterActivityWithOptions(a.TellRuns, activity.RegisterOptions{Name: workflows.TellRunsName})
	r.RegisterActivityWithOptions(a.WakeParked, activity.RegisterOptions{Name: workflows.WakeParkedName})
	r.RegisterActivityWithOptions(a.TellWatches, activity.RegisterOptions{Name: workflows.TellWatchesName})
}

// RegisterSource registers the activities that call sources with the worker of a task queue of
// theirs, under their stable names.
func (a *Activities) RegisterSource(r worker.ActivityRegistry) {
	r.RegisterActivityWithOptions(a.FetchPage, activity.RegisterOptions{Name: workflows.FetchPageName})
	r.RegisterActivityWithOptions(a.CountOrders, activity.RegisterOptions{Name: workflows.CountName})
	r.RegisterActivityWithOptions(a.ReadOrder, activity.RegisterOptions{Name: workflows.ReadOrderName})
	r.RegisterActivityWithOptions(a.RenewToken, activity.RegisterOptions{Name: workflows.RenewTokenName})
}

func (a *Activities) flow(name string) (*flow.Flow, error) {
	f, ok := a.Flows[name]
	if !ok {
		return nil, &fault.Error{
			Class:  fault.Final,
			Reason: "unknown_flow",
			Err:    text.Errorf("the worker has no flow %q, only %v", name, slices.Sorted(maps.Keys(a.Flows))),
			Advice: text.New("Check the spelling of --flow and the worker's folder REFUNDSYNC_FLOWS"),
		}
	}
	return f, nil
}

// keepAlive sends heartbeats until the returned function is called, so that the activity of
// a worker that died is retried long before it times out. The first is sent late: most
// activities are done before, and need none.
func keepAlive(ctx context.Context) (stop func()) {
	timeout := activity.GetInfo(ctx).HeartbeatTimeout
	if timeout == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		ticker := time.NewTicker(timeout / 3)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return cancel
}
