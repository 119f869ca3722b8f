package activities

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

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
	// readFor is how long a SyncPages begins new pages: its outcomes are then told, and
	// a change of the run's rate takes effect.
	readFor = 20 * time.Second
	// mostSettled is after how many outcomes it does the same: they have to travel.
	mostSettled = 10_000
	// beatEvery is how often it tells how far it is.
	beatEvery = 2 * time.Second
)

// SyncPages reads pages of a window and saves their orders, the next page while the
// last is being saved. It looks up first which bills exist, of the orders to leave out
// as well, and saves the others; what wants more than that, or does not succeed, it
// leaves to a SaveOrder.
//
// It ends when the window is read, after a while, when the worker is to stop, when it is
// cancelled, or when what it has left would hardly travel, and always finishes what it
// is saving. It fails only where nothing was done, because a page can't be read or the
// bills can't be looked up.
func (a *Activities) SyncPages(ctx context.Context, params workflows.SyncPagesParams) (workflows.SyncPagesResult, error) {
	f, err := a.flow(params.Flow)
	if err != nil {
		return workflows.SyncPagesResult{}, toTemporal(err)
	}
	attempt := int(activity.GetInfo(ctx).Attempt)
	// What is being saved is finished, also when the run is cancelled.
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
	// stopping tells that no further page is begun.
	stopping bool
	// inFlight counts the orders that are being saved; bytes is the size of these, and
	// of those that are left, and has a bound.
	inFlight, bytes, mostBytes int
	// saved tells that this attempt, or one before it, has begun to save; savedBefore
	// that one before it has.
	saved, savedBefore bool
	result             workflows.SyncPagesResult
}

// PagesProgress is what the Web UI shows of a SyncPages under way, and what an
// attempt knows of the one before.
type PagesProgress struct {
	Pages    int  `json:"pages"`
	NextPage int  `json:"next_page"`
	Orders   int  `json:"orders"`
	InFlight int  `json:"in_flight"`
	Left     int  `json:"left"`
	Saved    bool `json:"saved"`
}

// shownAs tells the versions of the orders of a page apart.
type shownAs struct {
	id, content string
	changedAt   int64
}

func asShown(order contract.Order) shownAs {
	return shownAs{order.ID, order.Content(), order.ChangedAt.UnixNano()}
}

// syncedPage is a page at work.
type syncedPage struct {
	// before is where the reading stood before the page.
	before paging.Reader
	orders map[shownAs]*flow.Opened
	work   paging.Work
	// begun tells that all its orders are settled, left or being saved.
	begun bool
	// err is why its bills could not be looked up, and end why the window can't be read
	// further.
	err, end error
}

// NewPagesSync makes one that has begun nothing. By saving, which nothing must cancel,
// orders are saved.
func NewPagesSync(saving context.Context, a *Activities, f *flow.Flow, params workflows.SyncPagesParams, retried bool) *PagesSync {
	s := &PagesSync{a: a, flow: f, params: params, retried: retried, saving: saving, Beat: func() {}, reading: params.Reading, mostBytes: longestPage}
	s.changed = sync.NewCond(&s.mu)
	s.result.PickVersion = f.PickVersion
	return s
}

// stopLater has no further page begun after a while, or when the worker is to stop or
// ctx is done, and sends heartbeats until then and beyond.
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

// Stop has no further page begun.
func (s *PagesSync) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	s.changed.Broadcast()
}

// Progress is how far it is.
func (s *PagesSync) Progress() PagesProgress {
	s.mu.Lock()
	defer s.mu.Unlock()
	return PagesProgress{
		Pages: s.reading.PageCount, NextPage: s.reading.Next, Orders: s.reading.DataCount,
		InFlight: s.inFlight, Left: len(s.result.Left), Saved: s.saved,
	}
}

// After takes in what the attempt before told of itself last.
func (s *PagesSync) After(before PagesProgress) { s.savedBefore, s.saved = before.Saved, before.Saved }

// Run reads pages until there is a reason not to, and waits for their orders. Once ctx is
// done it begins no page.
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
	return s.reading.Next > 0 && s.result.Crowded == 0 && !s.stopping && len(s.result.Settled) < mostSettled
}

// read reads the next page. One whose reading ends the window's is still to be saved.
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
	page.work, page.end = s.reading.Take(shown, s.tell)
	s.pages = append(s.pages, page)
	return page, page.end
}

// knows reports whether an order was shown before as it is now.
func (s *PagesSync) knows(order contract.Order) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.reading.Orders.Order(order.ID)
	return ok && known.Outcome != tally.Outside && known.Content == order.Content() && known.ChangedAt.Equal(order.ChangedAt)
}

// sync looks up which bills of a page exist, and begins to save the others.
func (s *PagesSync) sync(page *syncedPage) {
	var left []contract.Order
	var unsaved []*flow.Opened
	err := noPanic(func() (err error) {
		left, unsaved, err = s.lookUp(page)
		return err
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changed.Broadcast()
	if err != nil {
		page.err, s.stopping = err, true
		return
	}
	for _, order := range left {
		if !s.room(sizeOf(order)) {
			return
		}
		s.leave(order)
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

// room waits until an order of that size may be under way, so that all that is would
// travel if it were left; false if it would never.
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

// lookUp settles what needs no saving. left want a SaveOrder of their own.
func (s *PagesSync) lookUp(page *syncedPage) (left []contract.Order, unsaved []*flow.Opened, err error) {
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
	left = page.work.Newer
	for _, order := range page.work.New {
		switch {
		case slices.Contains(found.Finished, order.ID):
			s.settle(paging.VersionOf(order), s.outcomeOfFound(), tally.Failure{})
		case slices.Contains(found.Unfinished, order.ID):
			left = append(left, order)
		default:
			unsaved = append(unsaved, page.orders[asShown(order)])
		}
	}
	for _, skipped := range page.work.LeftOut {
		if slices.Contains(found.Unfinished, skipped.ID) {
			left = append(left, *skipped.Order)
		} else {
			s.settle(tally.Version{ID: skipped.ID, ChangedAt: skipped.ChangedAt}, tally.LeftOut, tally.Failure{Reason: skipped.Reason})
		}
	}
	return left, unsaved, nil
}

// outcomeOfFound is that of an order whose bill is there as it is to be: where an
// earlier attempt has saved, it is most likely its.
func (s *PagesSync) outcomeOfFound() tally.Outcome {
	if s.savedBefore {
		return tally.Saved
	}
	return tally.AlreadySaved
}

// save saves an order, or leaves it.
func (s *PagesSync) save(order *flow.Opened, size int) {
	var result workflows.SaveOrderResult
	err := noPanic(func() (err error) {
		result, err = s.a.saveOpened(s.saving, s.flow, s.params.Run, order, false, s.retried)
		return err
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changed.Broadcast()
	s.inFlight--
	if err == nil {
		s.bytes -= size
		s.settle(paging.VersionOf(order.Order), result.Outcome, tally.Failure{Reason: result.Reason})
		if !result.Differences.IsZero() {
			s.result.Differences = append(s.result.Differences, result.Differences)
		}
		return
	}
	s.leaveTried(order.Order)
	wait := s.flow.Retry.First
	if f := fault.As(err); f != nil && f.Class == fault.Final {
		wait = 0
	} else if f != nil && f.Delay > 0 {
		wait = f.Delay
	}
	s.result.Wait = max(s.result.Wait, wait)
}

// noPanic takes a panic for a failure, as Temporal does with one of an activity: in a
// goroutine it would end the worker.
func noPanic(do func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return do()
}

// leave leaves an order, in place of an earlier version of it, which nobody needs to try
// any more.
func (s *PagesSync) leave(order contract.Order) {
	if left := s.leftBefore(order.ID); left != nil {
		left.Order = order
		return
	}
	s.result.Left = append(s.result.Left, workflows.LeftOrder{Order: order})
}

// leaveTried leaves an order whose outcome is open, or a later version of it that is left
// already.
func (s *PagesSync) leaveTried(order contract.Order) {
	left := s.leftBefore(order.ID)
	if left == nil {
		s.result.Left = append(s.result.Left, workflows.LeftOrder{Order: order})
		left = &s.result.Left[len(s.result.Left)-1]
	}
	left.Tried = true
}

// leftBefore is what is left of an order; nil for nothing.
func (s *PagesSync) leftBefore(id string) *workflows.LeftOrder {
	i := slices.IndexFunc(s.result.Left, func(left workflows.LeftOrder) bool { return left.Order.ID == id })
	if i < 0 {
		return nil
	}
	return &s.result.Left[i]
}

// settle decides what became of an order in that version. A later one may have been shown
// since, on a page that will be read again.
func (s *PagesSync) settle(version tally.Version, outcome tally.Outcome, failure tally.Failure) {
	if now, changed := s.reading.Orders.Record(version.ID, outcome, failure); changed {
		s.tell(version.ID, now, failure)
		s.result.Settled[len(s.result.Settled)-1].Version = version
	}
}

// tell has the result say what became of an order as it was shown last.
func (s *PagesSync) tell(id string, now tally.Outcome, failure tally.Failure) {
	order, _ := s.reading.Orders.Order(id)
	s.result.Settled = append(s.result.Settled, order)
	if now.HasFailed() && len(s.result.Failed) < tally.FailuresListed {
		s.result.Failed = append(s.result.Failed, failure)
	}
}

// awaitBegun waits until no order of a page waits for its turn.
func (s *PagesSync) awaitBegun(page *syncedPage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !page.begun && !s.stopping {
		s.changed.Wait()
	}
}

// ended gives what was done. The next SyncPages goes on with the first page that was
// not done to its end: what of it, and of those behind it, is settled, it knows.
func (s *PagesSync) ended(err error) (workflows.SyncPagesResult, error) {
	s.result.Reader = s.reading.Reader
	for _, page := range s.pages {
		if !page.begun || page.end != nil {
			s.result.Reader, err = page.before, cmp.Or(page.err, page.end, err)
			break
		}
	}
	done := s.result.Reader != s.params.Reading.Reader || len(s.result.Settled)+len(s.result.Left) > 0
	if done || s.result.Crowded > 0 {
		return s.result, nil
	}
	return s.result, err
}
