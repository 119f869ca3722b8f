package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"refundsync/activities"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// run reads a range in windows, as SyncFlow does.
type run struct {
	*life
	name string
	// byHand is the range, or nil for a scheduled run.
	byHand    *workflows.Window
	began     time.Time
	watermark *time.Time // the initial one
	span      workflows.Window
	rest      workflows.Window
	atWork    []*window
	failed    error
	tally     tally.Tally
	over      bool
	completed bool
	// waits says that the run knows of a hold.
	waits bool
}

func (l *life) newRun(byHand *workflows.Window) *run {
	l.count++
	r := &run{life: l, name: fmt.Sprintf("run%06d", l.count), byHand: byHand, began: time.Now(), watermark: l.watermark}
	l.runs = append(l.runs, r)
	l.open++
	held := false
	l.execute("time "+r.name, 5, func(ctx context.Context, w *worker, _ *attempt) (any, error) {
		return ask(ctx, w, "time", r.name, func(time.Time) (time.Time, error) {
			held = l.onHold
			return w.source.now(), nil
		})
	}, func(value any, err error) {
		if held {
			l.note("%s ends at once: everything is held", r.name)
			r.over = true
			l.open--
			return
		}
		at, _ := value.(time.Time)
		r.begin(workflows.SlowerClock(time.Now(), at))
	})
	return r
}

func (r *run) begin(now time.Time) {
	if r.byHand != nil {
		r.span = workflows.GivenRange(*r.byHand, now)
	} else {
		source, since := r.settings.flow.Source, r.life.begun.Add(-time.Hour)
		r.span, _ = workflows.IncrementalRange(workflows.Plan{Overlap: source.Overlap, Lag: source.Lag}, r.watermark, &since, now)
	}
	r.rest = r.span
	r.note("%s reads %s", r.name, r.span)
	r.startWindows()
}

// startWindows starts windows while it may, and ends the run when none remains.
func (r *run) startWindows() {
	more := func() bool { return !r.over && r.failed == nil && !r.rest.To.Before(r.rest.From) }
	for more() && !r.waits && len(r.atWork) < r.settings.windowsAtOnce {
		w := &window{
			run: r, span: workflows.FirstWindow(r.rest, r.settings.window), grain: r.settings.flow.Options.Grain,
			reading: paging.Window{Reader: paging.New(nil)}, last: map[string]*save{}, rows: map[string]*row{},
		}
		for id, row := range r.source.rows {
			w.rows[id] = row
		}
		r.rest.From = w.span.To.Add(time.Second)
		r.atWork = append(r.atWork, w)
		w.next()
	}
	if len(r.atWork) > 0 || r.over || more() {
		return
	}
	r.over = true
	r.open--
	r.completed = r.failed == nil
	r.note("%s ends: %v %+v", r.name, r.failed, r.tally)
	if r.byHand == nil && r.completed && (r.tally.Unparked == 0 || r.without.unparked) {
		r.move(workflows.NextWatermark(r.watermark, r.span))
	}
}

// goOn continues what waited for the end of a hold.
func (r *run) goOn() {
	for _, w := range slices.Clone(r.atWork) {
		w.next()
	}
	r.startWindows()
}

// move moves the watermark.
func (r *run) move(to *time.Time) {
	if r.life.watermark != nil && to != nil && to.Before(*r.life.watermark) {
		r.violate("the watermark goes back from %s to %s", r.life.watermark, to)
	}
	r.life.watermark = to
}

// stop ends the run without what has not begun.
func (r *run) stop(err error) {
	if r.failed == nil {
		r.failed = err
	}
}

// window reads a window and has its orders saved, as SyncWindow does.
type window struct {
	*run
	span    workflows.Window
	grain   string
	died    bool // a SyncPages whose progress is unknown
	reading paging.Window
	// busy says that something is being read; saving counts the orders and batches in
	// progress.
	busy   bool
	saving int
	failed error
	// last is the latest dispatched save of each order.
	last map[string]*save
	// rows are what the source showed when the window began.
	rows map[string]*row
}

// next continues reading, or ends the window when everything is read and saved.
func (w *window) next() {
	if w.failed == nil {
		w.failed = w.run.failed
	}
	switch {
	case w.busy:
	case w.failed == nil && w.reading.Next > 0 && w.waits:
	case w.failed == nil && w.reading.Next > 0:
		w.busy = true
		if w.grain == contract.GrainPage {
			w.syncPages()
		} else {
			w.readPage()
		}
	case w.saving == 0:
		w.end()
	}
}

// afterRead continues the window after something was read.
func (w *window) afterRead(err error) {
	w.busy = false
	if w.failed == nil {
		w.failed = err
	}
	w.next()
}

func nobody(string, tally.Outcome, tally.Failure) {}

func (w *window) readPage() {
	params := workflows.FetchPageParams{Flow: w.settings.flow.Name, Window: w.span, PageIndex: w.reading.Next, Rows: w.reading.Rest}
	w.execute(fmt.Sprintf("fetch %s %s page %d", w.name, w.span, params.PageIndex), 8, func(ctx context.Context, worker *worker, _ *attempt) (any, error) {
		page, err := worker.activities().Fetch(ctx, params)
		return shown{page}, err
	}, func(value any, err error) {
		if err == nil {
			work, end := w.take(value.(shown).Page)
			w.withoutBills(work)
			err = end
		}
		w.afterRead(err)
	})
}

func (w *window) take(page paging.Page) (paging.Work, error) {
	if w.without.moved {
		w.reading.Moved = false
		defer func() { w.reading.Moved = false }()
	}
	return w.reading.Take(page, nobody)
}

// shown is a page with a short text.
type shown struct{ paging.Page }

func (s shown) String() string {
	text := fmt.Sprintf("%d orders on %d pages:", s.DataCount, s.PageCount)
	for _, order := range s.Orders {
		text += fmt.Sprintf(" %s@%s", order.ID, order.ChangedAt.Format(time.TimeOnly))
	}
	for _, skipped := range s.Skipped {
		text += fmt.Sprintf(" %s@%s left out", skipped.ID, skipped.ChangedAt.Format(time.TimeOnly))
	}
	return text
}

// withoutBills looks up which orders have a bill, and dispatches the others.
func (w *window) withoutBills(work paging.Work) {
	var bills []workflows.OrderBill
	for _, order := range work.New {
		bills = append(bills, workflows.BillOf(order))
	}
	for _, skipped := range work.LeftOut {
		bills = append(bills, workflows.BillOfLeftOut(*skipped.Order, skipped.Reason))
	}
	if len(bills) == 0 {
		w.dispatch(work.Newer, true, false)
		return
	}
	w.saving++
	find := w.execute(fmt.Sprintf("find %s %s", w.name, bills[0].OrderID), 8, func(ctx context.Context, worker *worker, _ *attempt) (any, error) {
		return worker.activities().Find(ctx, workflows.FindBillsParams{Flow: w.settings.flow.Name, Bills: bills})
	}, func(value any, err error) {
		w.saving--
		if err != nil {
			w.failed = err
			w.next()
			return
		}
		found, newer, unsaved := value.(workflows.FindBillsResult), work.Newer, []contract.Order(nil)
		for _, order := range work.New {
			switch {
			case slices.Contains(found.Finished, order.ID):
				w.settle(paging.VersionOf(order), tally.AlreadySaved, tally.Failure{})
			case slices.Contains(found.Unfinished, order.ID):
				newer = append(newer, order)
			default:
				unsaved = append(unsaved, order)
			}
		}
		for _, skipped := range work.LeftOut {
			if slices.Contains(found.Unfinished, skipped.ID) {
				newer = append(newer, *skipped.Order)
			} else {
				w.settle(tally.Version{ID: skipped.ID, ChangedAt: skipped.ChangedAt}, tally.LeftOut, tally.Failure{Reason: skipped.Reason})
			}
		}
		w.dispatch(unsaved, false, false)
		w.dispatch(newer, true, false)
		w.next()
	})
	find.holds = func() (orders []contract.Order) {
		for _, skipped := range work.LeftOut {
			orders = append(orders, *skipped.Order)
		}
		return append(orders, work.New...)
	}
}

// syncPages has pages read and saved by one activity.
func (w *window) syncPages() {
	sent, err := json.Marshal(workflows.SyncPagesParams{
		Flow: w.settings.flow.Name, Window: w.span, Reading: w.reading, MostOrders: 1000, InFlight: w.settings.inFlight, Run: w.name,
		DiscardsAsOf: time.Now(),
	})
	if err != nil {
		panic(err)
	}
	var heartbeat activities.PagesProgress // the progress of the latest heartbeat
	discarded := map[string]time.Time{}    // when the discarded version was modified
	for id, p := range w.parked {
		if p.discarded {
			discarded[id] = p.Version.Order.ChangedAt
		}
	}
	var pages *activity
	pages = w.execute(fmt.Sprintf("pages %s %s from %d", w.name, w.span, w.reading.Next), 8, func(ctx context.Context, worker *worker, try *attempt) (any, error) {
		var params workflows.SyncPagesParams
		if err := json.Unmarshal(sent, &params); err != nil {
			return nil, err
		}
		s := activities.NewPagesSync(ctx, worker.activities(), w.settings.flow, params, try.number > 1)
		s.After(try.progress)
		s.Beat = func() {
			progress := s.Progress()
			worker.post("beat "+taskOf(ctx), func() { heartbeat = progress })
		}
		worker.post("stop "+taskOf(ctx), func() {
			worker.on(worker, worker.between(time.Second, 20*time.Second), func() {
				worker.woke = true
				s.Stop()
			})
		})
		result, err := s.Run(ctx)
		return &synced{result}, err
	}, func(value any, err error) {
		if err == errHeartbeat {
			w.grain, w.died = contract.GrainOrder, true
			w.afterRead(nil)
			return
		}
		if err == nil {
			result := value.(*synced).SyncPagesResult
			for _, order := range result.Outcomes {
				// A later attempt counts what an earlier one has saved.
				changed, ok := discarded[order.ID]
				w.checkDiscarded(ok && pages.attempts == 1 && !order.ChangedAt.After(changed), order.ID, order.Outcome)
			}
			w.takeSynced(result)
		}
		w.afterRead(err)
	})
	pages.heartbeat = &heartbeat
	pages.holds = func() (orders []contract.Order) {
		for _, id := range w.source.ids {
			if r := w.source.rows[id]; r != nil && w.span.Holds(r.modified) {
				orders = append(orders, r.order)
			}
		}
		return orders
	}
}

// synced is the result of a SyncPages, with a short text.
type synced struct{ workflows.SyncPagesResult }

func (s *synced) String() string {
	text := fmt.Sprintf("next %d, settled", s.Reader.Next)
	for _, order := range s.Outcomes {
		text += fmt.Sprintf(" %s@%s %s", order.ID, order.ChangedAt.Format(time.TimeOnly), order.Outcome)
	}
	for _, pending := range s.Pending {
		text += fmt.Sprintf(" left %s@%s %v", pending.Order.ID, pending.Order.ChangedAt.Format(time.TimeOnly), pending.Attempted)
	}
	return text
}

func (w *window) takeSynced(result workflows.SyncPagesResult) {
	messages := map[string]tally.Failure{}
	for _, failure := range result.Failed {
		messages[failure.ID] = failure
	}
	for _, order := range result.Outcomes {
		w.reading.Orders.Show(order.Version)
		failure, ok := messages[order.ID]
		if !ok {
			failure.Reason = order.Reason
		}
		w.settle(order.Version, order.Outcome, failure)
	}
	var tried, others []contract.Order
	for _, pending := range result.Pending {
		w.reading.Orders.Show(paging.VersionOf(pending.Order))
		if pending.Attempted {
			tried = append(tried, pending.Order)
		} else {
			others = append(others, pending.Order)
		}
	}
	w.reading.Reader = result.Reader
	w.reading.Orders.Tally.Pages = w.reading.Pages
	w.dispatch(others, true, false)
	if len(tried) > 0 {
		w.saving++
		w.after(result.Wait, func() {
			w.saving--
			w.dispatch(tried, false, true)
			w.next()
		})
	}
}

// settle records the outcome of an order.
func (w *window) settle(version tally.Version, outcome tally.Outcome, failure tally.Failure) {
	w.checkOutcome(version, outcome)
	w.reading.Orders.Record(version.ID, outcome, failure)
}

// dispatch has orders saved. exists says that they may have a bill, tried that saving
// them was attempted before.
func (w *window) dispatch(orders []contract.Order, exists, tried bool) {
	for _, order := range orders {
		if w.failed == nil {
			w.failed = w.run.failed
		}
		if w.failed != nil && !tried {
			continue
		}
		w.saving++
		w.reading.Orders.Fetch(order.ID)
		next := &save{window: w, order: order, exists: exists, tried: tried || w.died}
		before := w.last[order.ID]
		w.last[order.ID] = next
		if before != nil && !before.done {
			before.then = next // an older version is never saved after a newer one
			continue
		}
		next.begin()
	}
}

// save is a dispatched order.
type save struct {
	*window
	order         contract.Order
	exists, tried bool
	done          bool
	then          *save
}

func (s *save) begin() {
	discarded := s.isDiscarded(s.order)
	s.executeSave("save", workflows.SaveOrderParams{
		Run: s.name, DiscardsAsOf: time.Now(), Order: s.order, Exists: s.exists, Attempted: s.tried,
	}, func(result workflows.SaveOrderResult, err error) {
		if err == nil {
			s.checkDiscarded(discarded, s.order.ID, result.Outcome)
			s.end(result.Outcome, tally.Failure{Reason: result.Reason})
			return
		}
		failure := tally.Failure{BillNumber: s.order.BillNumber, Reason: reasonOf(err), Message: text.Of(err)}
		if tally.StopsRun(failure.Reason) {
			s.run.stop(err)
			s.end(tally.Failed, failure)
			return
		}
		s.park(s.order, failure, s.end)
	})
}

func (s *save) end(outcome tally.Outcome, failure tally.Failure) {
	s.done = true
	s.saving--
	s.settle(paging.VersionOf(s.order), outcome, failure)
	if s.then != nil {
		s.then.begin()
	}
	s.window.next()
}

// executeSave has a worker save an order.
func (l *life) executeSave(name string, params workflows.SaveOrderParams, then func(workflows.SaveOrderResult, error)) {
	params.Flow, params.PickVersion = l.settings.flow.Name, l.settings.flow.PickVersion
	h := l.hold(params.Order)
	l.execute(name+" "+params.Order.ID, 8, func(ctx context.Context, w *worker, try *attempt) (any, error) {
		retried := try.number > 1 || params.Attempted
		if w.without.looking {
			params.Exists, retried = false, false
		}
		return w.activities().Save(ctx, params, retried)
	}, func(value any, err error) {
		h.release()
		result, _ := value.(workflows.SaveOrderResult)
		then(result, err)
	}).holds = func() []contract.Order { return []contract.Order{params.Order} }
}

func reasonOf(err error) string {
	if f := fault.As(err); f != nil {
		return f.Reason
	}
	return "timeout"
}

// end checks the laws of a window, and reports to its run.
func (w *window) end() {
	w.checkCounts()
	if w.failed == nil {
		w.checkRead()
	}
	w.tally.Add(w.reading.Orders.Tally)
	w.atWork = slices.DeleteFunc(w.atWork, func(other *window) bool { return other == w })
	if w.failed != nil && !w.without.unfinished {
		w.run.stop(w.failed)
	}
	w.startWindows()
}
