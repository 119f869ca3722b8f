package activities

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/shopspring/decimal"
	"go.temporal.io/sdk/activity"

	"refundsync/internal/allowance"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/groupcommit"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/workflows"
)

const (
	// readFor is how long a SyncPages begins new pages: when it ends, its outcomes are
	// reported, and a change of the run's rate takes effect.
	readFor = 20 * time.Second
	// mostOutcomes is after how many outcomes it ends as well: they must fit into the result.
	mostOutcomes = 10_000
	// beatEvery is how often it sends its progress.
	beatEvery = 2 * time.Second
)

// SyncPages reads pages of a window and saves their orders, the next page while the last is
// being saved. It first looks up which bills exist, also of the orders that are left out,
// and saves the others; orders that need more than that, or fail, remain pending for a
// SaveOrder each.
//
// It ends when the window is read, after a while, when the worker stops, when it is
// cancelled, or when the pending orders hardly fit into the result, and always finishes the
// orders in flight. It fails only if nothing was done, because a page can't be read or the
// bills can't be looked up.
func (a *Activities) SyncPages(ctx context.Context, params workflows.SyncPagesParams) (workflows.SyncPagesResult, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return workflows.SyncPagesResult{}, toTemporal(err)
	}
	attempt := int(activity.GetInfo(ctx).Attempt)
	// Orders in flight are finished, even when the run is cancelled.
	saving := groupcommit.WithAttempt(context.WithoutCancel(ctx), attempt)
	s := NewPagesSync(saving, a, f, params, attempt > 1)
	var before PagesProgress
	if activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &before) == nil {
		s.After(before)
	}
	s.Beat = func() { activity.RecordHeartbeat(ctx, s.Progress()) }
	stop := s.stopLater(ctx)
	defer stop()
	result, err := s.Run(ctx)
	return result, toTemporal(err)
}

// PagesSync is a SyncPages at work, without Temporal around it.
type PagesSync struct {
	a       *Activities
	flow    *flow.Flow
	params  workflows.SyncPagesParams
	retried bool
	saving  context.Context
	Beat    func() // sends a heartbeat

	mu      sync.Mutex
	changed *sync.Cond
	reading paging.Window
	pages   []*syncedPage
	// stopping means that no further page is begun.
	stopping bool
	// inFlight counts the orders that are being saved; bytes is their size and that of the
	// pending orders, at most mostBytes.
	inFlight, bytes, mostBytes int
	// saved means that this attempt or an earlier one has begun to save; savedBefore that
	// an earlier one has.
	saved, savedBefore bool
	result             workflows.SyncPagesResult
}

// PagesProgress is what the Web UI shows of a SyncPages in flight, and what an attempt knows
// of the one before.
type PagesProgress struct {
	Pages    int  `json:"pages"`
	NextPage int  `json:"next_page"`
	Orders   int  `json:"orders"`
	InFlight int  `json:"in_flight"`
	Pending  int  `json:"pending"`
	Saved    bool `json:"saved"`
}

// shownAs identifies a version of an order.
type shownAs struct {
	id, content string
	changedAt   int64
}

func asShown(order contract.Order) shownAs {
	return shownAs{order.ID, order.Content(), order.ChangedAt.UnixNano()}
}

// syncedPage is a page in progress.
type syncedPage struct {
	// before is how far the window was read before the page.
	before paging.Reader
	orders map[shownAs]*flow.Opened
	work   paging.Work
	// begun means that each of its orders has an outcome, is pending or in flight.
	begun bool
	// err is why its bills could not be looked up, and end why the window can't be read
	// further.
	err, end error
}

// NewPagesSync makes one that has not begun. Orders are saved with the context saving, which
// must not be cancelled.
func NewPagesSync(saving context.Context, a *Activities, f *flow.Flow, params workflows.SyncPagesParams, retried bool) *PagesSync {
	s := &PagesSync{a: a, flow: f, params: params, retried: retried, saving: saving, Beat: func() {}, reading: params.Reading, mostBytes: longestPage}
	s.changed = sync.NewCond(&s.mu)
	s.result.PickVersion = f.PickVersion
	return s
}

// stopLater stops beginning pages after a while, or when the worker stops or ctx is done,
// and sends heartbeats until the returned function is called.
func (s *PagesSync) stopLater(ctx context.Context) (end func()) {
	done := make(chan struct{})
	go func() {
		beat, enough := time.NewTicker(beatEvery), time.NewTimer(readFor)
		defer beat.Stop()
		defer enough.Stop()
		stopped, cancelled := activity.GetWorkerStopChannel(ctx), ctx.Done()
		for {
			select {
			case <-done:
				return
			case <-beat.C:
				s.Beat()
				continue
			case <-enough.C:
			case <-stopped:
				stopped = nil
			case <-cancelled:
				cancelled = nil
			}
			s.Stop()
		}
	}()
	return func() { close(done) }
}

// Stop stops beginning pages.
func (s *PagesSync) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	s.changed.Broadcast()
}

// Progress is the current progress.
func (s *PagesSync) Progress() PagesProgress {
	s.mu.Lock()
	defer s.mu.Unlock()
	return PagesProgress{
		Pages: s.reading.PageCount, NextPage: s.reading.Next, Orders: s.reading.DataCount,
		InFlight: s.inFlight, Pending: len(s.result.Pending), Saved: s.saved,
	}
}

// After takes in the last progress of the attempt before.
func (s *PagesSync) After(before PagesProgress) { s.savedBefore, s.saved = before.Saved, before.Saved }

// Run reads pages until there is a reason to end, and waits for their orders. Once ctx is
// done, it begins no page.
func (s *PagesSync) Run(ctx context.Context) (workflows.SyncPagesResult, error) {
	var work sync.WaitGroup
	var err error
	for err == nil && s.goesOn() {
		var page *syncedPage
		if page, err = s.read(ctx); page != nil {
			work.Go(func() { s.sync(page) })
			s.awaitBegun(page)
		}
	}
	work.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.inFlight > 0 {
		s.changed.Wait()
	}
	return s.ended(err)
}

func (s *PagesSync) goesOn() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reading.Next > 0 && s.result.Crowded == 0 && !s.stopping && len(s.result.Outcomes) < mostOutcomes
}

// read reads the next page. A page is saved even if the window can't be read further.
func (s *PagesSync) read(ctx context.Context) (*syncedPage, error) {
	next := s.reading.Reader // nobody else changes it
	params := workflows.FetchPageParams{Flow: s.params.Flow, Window: s.params.Window, PageIndex: next.Next, Rows: next.Rest}
	if next.Versions != nil {
		params.StartTS = &next.Versions.Reached
	}
	shown, rows, err := s.a.readPage(allowance.Shared(ctx), s.flow, params, s.knows)
	if err != nil {
		if ctx.Err() != nil {
			s.Stop()
			return nil, nil
		}
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading.Orders.Len() == 0 && next.Versions == nil && shown.DataCount > s.params.MostOrders {
		s.result.Crowded = shown.DataCount
		return nil, nil
	}
	page := &syncedPage{before: next, orders: map[shownAs]*flow.Opened{}}
	for _, row := range rows {
		if size := row.size(); size > longestOrder {
			row.tooLarge(size)
		}
		if row.order != nil {
			page.orders[asShown(row.order.Order)] = row.order
		}
		row.addTo(&shown)
	}
	page.work, page.end = s.reading.Take(shown, s.addOutcome)
	s.pages = append(s.pages, page)
	return page, page.end
}

// knows reports whether an order was shown before in this version.
func (s *PagesSync) knows(order contract.Order) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.reading.Orders.Order(order.ID)
	return ok && known.Outcome != tally.Outside && known.Content == order.Content() && known.ChangedAt.Equal(order.ChangedAt)
}

// sync looks up which bills of a page exist, and begins to save the others.
func (s *PagesSync) sync(page *syncedPage) {
	var pending []contract.Order
	var unsaved []*flow.Opened
	err := noPanic(func() (err error) {
		pending, unsaved, err = s.lookUp(page)
		return err
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changed.Broadcast()
	if err != nil {
		page.err, s.stopping = err, true
		return
	}
	for _, order := range pending {
		if !s.room(sizeOf(order)) {
			return
		}
		s.addPending(order)
	}
	for _, order := range unsaved {
		size := sizeOf(order.Order)
		for s.inFlight >= s.params.InFlight && !s.stopping {
			s.changed.Wait()
		}
		if s.inFlight >= s.params.InFlight || !s.room(size) {
			return
		}
		if s.inFlight++; !s.saved {
			s.saved = true
			go s.Beat()
		}
		go s.save(order, size)
	}
	page.begun = true
}

// room waits until there is room for an order of that size, so that all orders in flight
// would fit into the result as pending ones; false if there never is.
func (s *PagesSync) room(size int) bool {
	for s.bytes+size > s.mostBytes && s.inFlight > 0 {
		s.changed.Wait()
	}
	if s.bytes+size > s.mostBytes {
		s.stopping = true
		return false
	}
	s.bytes += size
	return true
}

// lookUp records the outcomes of orders that need no saving. pending need a SaveOrder each.
func (s *PagesSync) lookUp(page *syncedPage) (pending []contract.Order, unsaved []*flow.Opened, err error) {
	var bills []workflows.OrderBill
	for _, order := range page.work.New {
		if order.BillNumber != "" {
			bills = append(bills, workflows.BillOf(order))
		}
	}
	for _, skipped := range page.work.LeftOut {
		bills = append(bills, workflows.BillOfLeftOut(*skipped.Order, skipped.Reason))
	}
	found, err := s.a.Find(s.saving, workflows.FindBillsParams{Flow: s.params.Flow, Bills: bills})
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	pending = page.work.Newer
	for _, order := range page.work.New {
		switch {
		case slices.Contains(found.Finished, order.ID):
			outcome, amount := s.outcomeOfFound(page.orders[asShown(order)])
			s.record(paging.VersionOf(order), outcome, amount, tally.Failure{})
		case slices.Contains(found.Unfinished, order.ID):
			pending = append(pending, order)
		default:
			unsaved = append(unsaved, page.orders[asShown(order)])
		}
	}
	for _, skipped := range page.work.LeftOut {
		if slices.Contains(found.Unfinished, skipped.ID) {
			pending = append(pending, *skipped.Order)
		} else {
			s.record(tally.Version{ID: skipped.ID, ChangedAt: skipped.ChangedAt}, tally.LeftOut, decimal.Zero, tally.Failure{Reason: skipped.Reason})
		}
	}
	return pending, unsaved, nil
}

// outcomeOfFound is the outcome of an order whose bill is finished: if an earlier attempt
// has saved orders, the bill is most likely its own, and amount is what it adds up to.
func (s *PagesSync) outcomeOfFound(order *flow.Opened) (outcome tally.Outcome, amount decimal.Decimal) {
	if s.savedBefore {
		if bill, err := order.Bill(); err == nil {
			return tally.Saved, bill.Amount()
		}
	}
	return tally.AlreadySaved, decimal.Zero
}

// save saves an order; if that fails, the order is pending.
func (s *PagesSync) save(order *flow.Opened, size int) {
	var result workflows.SaveOrderResult
	err := noPanic(func() (err error) {
		if discarded, err := s.a.isDiscarded(s.saving, s.flow.Name, order.Order, s.params.DiscardsAsOf); discarded || err != nil {
			result = leftOutAsDiscarded(order.Order)
			return err
		}
		result, err = s.a.saveOpened(s.saving, s.flow, s.params.Run, order, false, s.retried)
		return err
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changed.Broadcast()
	s.inFlight--
	if err == nil {
		s.bytes -= size
		s.record(paging.VersionOf(order.Order), result.Outcome, result.Amount, tally.Failure{Reason: result.Reason})
		if !result.Differences.IsZero() {
			s.result.Differences = append(s.result.Differences, result.Differences)
		}
		if result.Unlinked {
			s.result.Unlinked++
		}
		return
	}
	s.addAttempted(order.Order)
	wait := s.flow.Retry.First
	if f := fault.As(err); f != nil && f.Class == fault.Final {
		wait = 0
	} else if f != nil && f.Delay > 0 {
		wait = f.Delay
	}
	s.result.Wait = max(s.result.Wait, wait)
}

// noPanic turns a panic into an error, as Temporal does for an activity: in a goroutine it
// would end the worker.
func noPanic(do func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return do()
}

// addPending adds a pending order, in place of an earlier version of it, which need not be
// saved any more.
func (s *PagesSync) addPending(order contract.Order) {
	if pending := s.pending(order.ID); pending != nil {
		pending.Order = order
		return
	}
	s.result.Pending = append(s.result.Pending, workflows.PendingOrder{Order: order})
}

// addAttempted adds a pending order whose outcome is open, or marks a later version of it
// that is pending already.
func (s *PagesSync) addAttempted(order contract.Order) {
	pending := s.pending(order.ID)
	if pending == nil {
		s.result.Pending = append(s.result.Pending, workflows.PendingOrder{Order: order})
		pending = &s.result.Pending[len(s.result.Pending)-1]
	}
	pending.Attempted = true
}

// pending is the pending order of that id, nil for none.
func (s *PagesSync) pending(id string) *workflows.PendingOrder {
	i := slices.IndexFunc(s.result.Pending, func(pending workflows.PendingOrder) bool { return pending.Order.ID == id })
	if i < 0 {
		return nil
	}
	return &s.result.Pending[i]
}

// record records the outcome of an order in that version, and the amount of its bill. A
// later version may have been shown since, on a page that will be read once more.
func (s *PagesSync) record(version tally.Version, outcome tally.Outcome, amount decimal.Decimal, failure tally.Failure) {
	s.reading.Orders.AddSaved(version.ID, outcome, amount)
	if now, changed := s.reading.Orders.Record(version.ID, outcome, failure); changed {
		s.addOutcome(version.ID, now, failure)
		s.result.Outcomes[len(s.result.Outcomes)-1].Version = version
	}
}

// addOutcome adds the outcome of the latest version of an order to the result.
func (s *PagesSync) addOutcome(id string, now tally.Outcome, failure tally.Failure) {
	order, _ := s.reading.Orders.Order(id)
	s.result.Outcomes = append(s.result.Outcomes, order)
	if now.HasFailed() && len(s.result.Failed) < tally.FailuresListed {
		s.result.Failed = append(s.result.Failed, failure)
	}
}

// awaitBegun waits until no order of a page waits to be dispatched.
func (s *PagesSync) awaitBegun(page *syncedPage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !page.begun && !s.stopping {
		s.changed.Wait()
	}
}

// ended returns what was done. The next SyncPages continues with the first page that was
// not finished; it knows the outcomes of that page and later ones.
func (s *PagesSync) ended(err error) (workflows.SyncPagesResult, error) {
	s.result.Reader = s.reading.Reader
	s.result.SavedAmount = s.reading.Orders.Tally.SavedAmount.Sub(s.params.Reading.Orders.Tally.SavedAmount)
	for _, page := range s.pages {
		if !page.begun || page.end != nil {
			s.result.Reader, err = page.before, cmp.Or(page.err, page.end, err)
			break
		}
	}
	done := s.result.Reader != s.params.Reading.Reader || len(s.result.Outcomes)+len(s.result.Pending) > 0
	if done || s.result.Crowded > 0 {
		return s.result, nil
	}
	return s.result, err
}
