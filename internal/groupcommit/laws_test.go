package groupcommit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/fault"
	"refundsync/internal/kingdee"
)

// scenario is a mixture of callers and failures.
type scenario struct {
	sessions int
	options  Options
	callers  []*scenarioCaller
	// takes and fails are the duration and the failure of each call, by its index;
	// further calls are as the last.
	takes []time.Duration
	fails []error
	// poison fails each call with the number, refused only the bill.
	poison, refused map[string]error
	// lands is whether a call with an open outcome saves, by its index.
	lands []bool
	// elsewhere is when another worker saves a number.
	elsewhere map[string]time.Duration
	// sleeps are suspensions of the machine, by their beginning: its wall clock jumps.
	sleeps map[time.Duration]time.Duration

	// The course of the allowance.
	allowed []allowedFrom
	pauses  []span
}

// span is from begun until before end.
type span struct{ begun, end time.Duration }

// allowedFrom is how many calls may be in flight from a moment on.
type allowedFrom struct {
	at    time.Duration
	calls int
}

type scenarioCaller struct {
	at       time.Duration
	numbers  []string
	attempt  int
	patience time.Duration // 0: endless
	looksUp  bool

	// The outcome.
	results []kingdee.BillResult
	found   map[string][]kingdee.Bill
	err     error
	end     time.Duration
}

func (c *scenarioCaller) most(o Options) int {
	return most(WithAttempt(context.Background(), c.attempt), o.Bills)
}

// scenarioBill is one bill of one caller.
type scenarioBill struct {
	Number string `json:"FBillNo"`
	Caller int
	Place  int
}

// scenarioCall is a call that was made: a save of bills, or a look-up of numbers, by a
// group before it saves or by a caller. whole is its failure as a whole, results those
// of its bills.
type scenarioCall struct {
	bills      []scenarioBill
	numbers    []string
	byGroup    bool
	begun, end time.Duration
	whole      error
	results    []kingdee.BillResult
}

func drawScenario(r *rapid.T) *scenario {
	milliseconds := func(least, most int) *rapid.Generator[time.Duration] {
		return rapid.Map(rapid.IntRange(least, most), func(n int) time.Duration { return time.Duration(n) * time.Millisecond })
	}
	number := rapid.Map(rapid.IntRange(1, 15), strconv.Itoa)
	whole := rapid.SampledFrom([]error{
		nil, nil, nil, nil, badRequest.failure(kingdee.MethodBatchSave, ""), licence.failure(kingdee.MethodBatchSave, ""),
		connectionLost.failure(kingdee.MethodBatchSave, ""), callLimit.failure(kingdee.MethodBatchSave, ""), sessionLost.failure(kingdee.MethodBatchSave, ""),
		timedOut.failure(kingdee.MethodBatchSave, ""),
	})
	poison := rapid.SampledFrom([]error{badRequest.failure(kingdee.MethodBatchSave, "poison"), serverError.failure(kingdee.MethodBatchSave, "poison")})
	refused := rapid.SampledFrom([]error{validationFailed.failure(kingdee.MethodBatchSave, "refused"), unclear.failure(kingdee.MethodBatchSave, "refused")})
	caller := rapid.Custom(func(r *rapid.T) *scenarioCaller {
		return &scenarioCaller{
			at:       milliseconds(0, 150).Draw(r, "at"),
			numbers:  rapid.SliceOfN(number, 1, 3).Draw(r, "numbers"),
			attempt:  rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(r, "attempt"),
			patience: rapid.OneOf(rapid.Just(time.Duration(0)), milliseconds(1, 100)).Draw(r, "patience"),
			looksUp:  rapid.IntRange(0, 4).Draw(r, "looksUp") == 0,
		}
	})
	return &scenario{
		sessions: rapid.IntRange(1, 3).Draw(r, "sessions"),
		options:  Options{Bills: rapid.IntRange(1, 8).Draw(r, "bills"), Wait: milliseconds(0, 30).Draw(r, "wait")},
		callers:  rapid.SliceOfN(caller, 1, 20).Draw(r, "callers"),
		takes:    rapid.SliceOfN(milliseconds(1, 60), 1, 10).Draw(r, "takes"),
		fails:    append(rapid.SliceOfN(whole, 0, 6).Draw(r, "fails"), nil),
		poison:   rapid.MapOfN(number, poison, 0, 2).Draw(r, "poison"),
		refused:  rapid.MapOfN(number, refused, 0, 3).Draw(r, "refused"),

		lands:     append(rapid.SliceOfN(rapid.Bool(), 0, 10).Draw(r, "lands"), false),
		elsewhere: rapid.MapOfN(number, milliseconds(0, 200), 0, 3).Draw(r, "elsewhere"),
		sleeps:    rapid.MapOfN(milliseconds(1, 200), milliseconds(1000, 100_000), 0, 2).Draw(r, "sleeps"),
	}
}

// clock is the wall clock at an instant of the monotonic one, both since the beginning.
func (s *scenario) clock(instant time.Duration) time.Duration {
	wall := instant
	for at, length := range s.sleeps {
		if at <= instant {
			wall += length
		}
	}
	return wall
}

// scenarioClock is the clock of a scenario's machine.
type scenarioClock struct {
	machine
	*scenario
	start time.Time
}

func (c scenarioClock) Now() (monotonic, wall time.Time) {
	now := time.Now()
	return now, c.start.Round(0).Add(c.clock(now.Sub(c.start)))
}

// scenarioClient is the client of a scenario.
type scenarioClient struct {
	*scenario
	kingdee.Ledger // what the scenario does not call
	start          time.Time

	mu     sync.Mutex
	begun  int
	calls  []*scenarioCall
	ledger map[string]int // bills by number; there is no rule that it is one
}

// call makes a call, and reports whether it saves if its outcome is open.
func (c *scenarioClient) call(call *scenarioCall) (lands bool) {
	call.begun = time.Since(c.start)
	c.mu.Lock()
	place := c.begun
	c.begun++
	c.calls = append(c.calls, call)
	c.mu.Unlock()
	time.Sleep(c.takes[min(place, len(c.takes)-1)])
	call.end = time.Since(c.start)
	call.whole = c.fails[min(place, len(c.fails)-1)]
	return c.lands[min(place, len(c.lands)-1)]
}

func (c *scenarioClient) save(number string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ledger[number]++
}

// saveElsewhere saves the numbers of another worker, which looks them up first.
func (c *scenarioClient) saveElsewhere() {
	for number, at := range c.elsewhere {
		time.AfterFunc(at, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.ledger[number] = max(1, c.ledger[number])
		})
	}
}

func (c *scenarioClient) BatchSave(ctx context.Context, b kingdee.BatchSave) ([]kingdee.BillResult, error) {
	if err := kingdee.MaySend(ctx); err != nil {
		return nil, err
	}
	bills := make([]scenarioBill, len(b.Model))
	for i, bill := range b.Model {
		if err := json.Unmarshal(bill, &bills[i]); err != nil {
			return nil, err
		}
	}
	call := &scenarioCall{bills: bills}
	lands := c.call(call)
	for i, bill := range bills {
		if call.whole == nil {
			call.whole = c.poison[bill.Number]
		}
		call.results = append(call.results, kingdee.BillResult{ID: fmt.Sprint(bill.Caller, "/", i), Number: bill.Number, Err: c.refused[bill.Number]})
	}
	for i, bill := range bills {
		err := call.whole
		if err == nil {
			err = call.results[i].Err
		}
		if err == nil || kingdee.IsOpen(err) && lands {
			c.save(bill.Number)
		}
	}
	if call.whole != nil {
		return nil, call.whole
	}
	return call.results, nil
}

// FindBills shows what was there when it began.
func (c *scenarioClient) FindBills(_ context.Context, form kingdee.BillForm, numbers []string) (map[string][]kingdee.Bill, error) {
	found := map[string][]kingdee.Bill{}
	c.mu.Lock()
	for _, number := range numbers {
		for range c.ledger[number] {
			found[number] = append(found[number], kingdee.Bill{Number: number})
		}
	}
	c.mu.Unlock()
	call := &scenarioCall{numbers: numbers, byGroup: form.Note == ""}
	if c.call(call); call.whole != nil {
		return nil, call.whole
	}
	return found, nil
}

// scenarioObserver follows the allowance of a scenario's groups.
type scenarioObserver struct {
	noObserver
	*scenario
	start  time.Time
	groups *Groups
}

func (o *scenarioObserver) Allowed(calls int) {
	o.allowed = append(o.allowed, allowedFrom{time.Since(o.start), calls})
}

// Waited sees each pause: the first group after it is sent before a call can end that
// changes it.
func (o *scenarioObserver) Waited(string, time.Duration) {
	o.groups.mu.Lock()
	defer o.groups.mu.Unlock()
	if a := o.groups.allowance; a.pause > 0 {
		end := a.resume.Sub(o.start)
		o.pauses = append(o.pauses, span{end - a.pause, end})
	}
}

// run plays the scenario on a clock of its own, and gives the calls made and the number
// of bills by number. It fails if a caller or a goroutine remains.
func (s *scenario) run(t *testing.T) (calls []*scenarioCall, ledger map[string]int) {
	synctest.Test(t, func(*testing.T) {
		client := &scenarioClient{scenario: s, start: time.Now(), ledger: map[string]int{}}
		observer := &scenarioObserver{scenario: s, start: client.start}
		s.options.Observer = observer
		s.allowed = []allowedFrom{{0, s.sessions}}
		g := newGroups(client, s.sessions, s.options)
		observer.groups = g
		g.options.Clock = scenarioClock{scenario: s, start: client.start}
		client.saveElsewhere()
		var all sync.WaitGroup
		for i, caller := range s.callers {
			all.Go(func() {
				time.Sleep(caller.at)
				ctx := WithAttempt(context.Background(), caller.attempt)
				if caller.patience > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithCancel(ctx)
					time.AfterFunc(caller.patience, cancel)
				}
				if caller.looksUp {
					caller.found, caller.err = g.FindBills(ctx, formF, caller.numbers)
				} else {
					// Without a note, the group's own look-ups are told apart.
					b := kingdee.BatchSave{Form: kingdee.BillForm{ID: "F", Number: "FBillNo"}}
					for place, number := range caller.numbers {
						bill, _ := json.Marshal(scenarioBill{Number: number, Caller: i, Place: place})
						b.Model = append(b.Model, bill)
					}
					caller.results, caller.err = g.BatchSave(ctx, b)
				}
				caller.end = time.Since(client.start)
			})
		}
		all.Wait()
		time.Sleep(time.Hour) // for the calls whose callers gave up
		synctest.Wait()
		calls, ledger = client.calls, client.ledger
	})
	return calls, ledger
}

// For any mixture of callers and failures, each of the laws holds.
func TestGroupLaws(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := drawScenario(r)
		calls, ledger := s.run(t)
		s.requireNoDoubles(r, calls, ledger)
		s.requireBounds(r, calls)
		s.requireNoNumberTwiceAtOnce(r, calls)
		for i, caller := range s.callers {
			if caller.looksUp {
				s.requireLookedUp(r, calls, caller)
				continue
			}
			s.requireOneEnd(r, caller)
			for place, number := range caller.numbers {
				s.requireOneOutcome(r, calls, scenarioBill{number, i, place})
			}
		}
	})
}

func (s *scenario) requireBounds(r *rapid.T, calls []*scenarioCall) {
	for _, allowed := range s.allowed {
		require.True(r, 1 <= allowed.calls && allowed.calls <= s.sessions, "%d calls allowed", allowed.calls)
	}
	for _, call := range calls {
		require.LessOrEqual(r, underWay(calls, call.begun), s.sessions)
		for _, bill := range call.bills {
			require.LessOrEqual(r, len(call.bills), s.callers[bill.Caller].most(s.options))
		}
	}
}

func (s *scenario) requireNoNumberTwiceAtOnce(r *rapid.T, calls []*scenarioCall) {
	spans := map[string][]span{}
	for _, call := range calls {
		for _, bill := range call.bills {
			for _, other := range spans[bill.Number] {
				require.True(r, call.begun >= other.end || call.end <= other.begun, "number %s in two calls at once", bill.Number)
			}
			spans[bill.Number] = append(spans[bill.Number], span{call.begun, call.end})
		}
	}
}

// requireNoDoubles: no number gets a second bill, though the tenant allows it, unless
// another worker saves it as well; and none is sent that another worker saved more than
// lookUpTTL ago, or before a suspension.
func (s *scenario) requireNoDoubles(r *rapid.T, calls []*scenarioCall, ledger map[string]int) {
	for number, bills := range ledger {
		if _, elsewhere := s.elsewhere[number]; !elsewhere {
			require.Equal(r, 1, bills, "bills %s", number)
		}
	}
	for _, call := range calls {
		for _, bill := range call.bills {
			at, elsewhere := s.elsewhere[bill.Number]
			if !elsewhere || at >= call.begun {
				continue
			}
			require.Less(r, s.clock(call.begun)-s.clock(at), lookUpTTL, "sent by an old look-up: %v", bill)
			for slept, length := range s.sleeps {
				require.False(r, at < slept && slept <= call.begun && length >= longestNap, "sent by a look-up from before a sleep: %v", bill)
			}
		}
	}
}

// requireLookedUp: a look-up shows only the caller's numbers, and all of those that were
// saved before.
func (s *scenario) requireLookedUp(r *rapid.T, calls []*scenarioCall, caller *scenarioCaller) {
	s.requireOneEnd(r, caller)
	if caller.err != nil {
		return
	}
	for number := range caller.found {
		require.Contains(r, caller.numbers, number)
	}
	for _, call := range calls {
		for i, result := range call.results {
			if number := call.bills[i].Number; call.end < caller.at && call.whole == nil && result.Err == nil && slices.Contains(caller.numbers, number) {
				require.NotEmpty(r, caller.found[number])
			}
		}
	}
}

// requireOneEnd: a caller gets all its results, or its ctx's error as soon as
// that is done. A look-up can also fail.
func (s *scenario) requireOneEnd(r *rapid.T, caller *scenarioCaller) {
	if errors.Is(caller.err, context.Canceled) {
		require.Equal(r, caller.at+caller.patience, caller.end)
		return
	}
	if caller.patience > 0 {
		require.LessOrEqual(r, caller.end, caller.at+caller.patience)
	}
	if !caller.looksUp {
		require.NoError(r, caller.err)
		require.Len(r, caller.results, len(caller.numbers))
	}
}

// requireOneOutcome: a bill is resent only after a call that failed without effect, its
// caller gets the outcome of the last call, and it waits for other callers no longer than
// it may. A bill that was not sent, or not resent, has the outcome of another caller's
// call for the same number or of a look-up, or its caller gave up.
func (s *scenario) requireOneOutcome(r *rapid.T, calls []*scenarioCall, bill scenarioBill) {
	caller := s.callers[bill.Caller]
	var last *scenarioCall
	var place int
	for _, call := range calls {
		i := slices.Index(call.bills, bill)
		if i < 0 {
			continue
		}
		if last != nil {
			require.True(r, kingdee.MayBeOneBill(last.whole) && len(last.bills) > 1, "sent again after %v", last.whole)
		} else {
			s.requireNoLongWait(r, calls, bill, begunWithLook(calls, call))
		}
		last, place = call, i
		for _, earlier := range calls {
			if earlier.end > caller.at && earlier.end <= call.begun {
				require.False(r, slices.ContainsFunc(earlier.done(), func(number string) bool { return number == bill.Number }),
					"sent although it was done or open while it waited")
			}
		}
	}
	if caller.err != nil {
		return
	}
	got := caller.results[bill.Place]
	switch {
	case last == nil, kingdee.MayBeOneBill(last.whole) && len(last.bills) > 1:
		s.requireNotSent(r, calls, bill, got.Err)
	case last.whole != nil:
		require.Equal(r, last.whole, got.Err)
	default:
		require.Equal(r, last.results[place], got)
	}
}

// requireNotSent: a bill was not sent for a reason.
func (s *scenario) requireNotSent(r *rapid.T, calls []*scenarioCall, bill scenarioBill, err error) {
	require.Error(r, err)
	of := func(numbers func(*scenarioCall) []string) func(*scenarioCall) bool {
		return func(call *scenarioCall) bool { return slices.Contains(numbers(call), bill.Number) }
	}
	switch reason := fault.As(err).Reason; {
	case reason == kingdee.ReasonNumberUsed:
		_, elsewhere := s.elsewhere[bill.Number]
		require.True(r, elsewhere || slices.ContainsFunc(calls, of((*scenarioCall).done)), "nobody saved %v", bill)
	case reason == lookUpTooOld:
		require.NotEmpty(r, s.sleeps)
	case kingdee.IsOpen(err) && slices.ContainsFunc(calls, of((*scenarioCall).done)):
	default:
		require.True(r, slices.ContainsFunc(calls, func(call *scenarioCall) bool {
			return call.whole == err && of(func(c *scenarioCall) []string { return c.numbers })(call)
		}), "no look-up failed with %v", err)
	}
}

// begunWithLook is when a save began, including the look-up that its group made before
// it.
func begunWithLook(calls []*scenarioCall, save *scenarioCall) time.Duration {
	for _, look := range calls {
		if look.byGroup && look.end == save.begun {
			return look.begun
		}
	}
	return save.begun
}

// done are the numbers of a call that were saved, or whose outcome is open.
func (c *scenarioCall) done() (numbers []string) {
	for i, bill := range c.bills {
		err := c.whole
		if err == nil {
			err = c.results[i].Err
		}
		if err == nil || kingdee.IsOpen(err) {
			numbers = append(numbers, bill.Number)
		}
	}
	return numbers
}

// underWay is how many calls are in flight at an instant.
func underWay(calls []*scenarioCall, instant time.Duration) (n int) {
	for _, call := range calls {
		if call.begun <= instant && instant < call.end {
			n++
		}
	}
	return n
}

// allowedAt is how many calls may be in flight at the end of an instant.
func (s *scenario) allowedAt(instant time.Duration) (calls int) {
	for _, allowed := range s.allowed {
		if allowed.at <= instant {
			calls = allowed.calls
		}
	}
	return calls
}

// requireNoLongWait: from the end of its wait until it is sent, as many calls are in
// flight as allowed, or there is a pause. A bill that other callers have too may have to
// wait for them.
func (s *scenario) requireNoLongWait(r *rapid.T, calls []*scenarioCall, bill scenarioBill, sent time.Duration) {
	for i, caller := range s.callers {
		for place, number := range caller.numbers {
			if number == bill.Number && !caller.looksUp && (i != bill.Caller || place != bill.Place) {
				return
			}
		}
	}
	due := s.callers[bill.Caller].at + s.options.Wait
	for instant := due; instant < sent; instant += time.Millisecond {
		in := slices.IndexFunc(s.pauses, func(pause span) bool { return pause.begun <= instant && instant < pause.end })
		if in >= 0 {
			instant = s.pauses[in].end - time.Millisecond
			continue
		}
		require.GreaterOrEqual(r, underWay(calls, instant), s.allowedAt(instant), "bill %v waits at %v although another call may go", bill, instant)
	}
}
