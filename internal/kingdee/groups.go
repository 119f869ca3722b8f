package kingdee

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/fault"
)

// Groups lets callers share calls (group commit). It has the methods of a
// [Client] that work on bills: what waits in them at one moment, and can go in
// one call, does, and each caller gets its own outcome. It may be used by many
// goroutines at once; it starts none that outlasts its calls.
//
// A group goes as soon as there is a place for its call and it is full or its
// first member has waited for [GroupOptions.Wait]. There are as many places as
// sessions, fewer for a while after Kingdee refused a call as one too many or did
// not answer in time. While all are taken, groups fill up by themselves. When one is
// free, the group whose first member came first goes first, but a group that is not
// full lets full ones of up to patience times [GroupOptions.Wait] later go before it:
// it fills up meanwhile, and is a call less.
//
// A call that fails as a whole with fault.Final saved nothing. The cause may be
// one of its bills, so its halves go again, each as a call of its own, until
// the bad bill stands alone. With every other class each member gets the error
// and nothing is sent again: with fault.Retry that could make a second bill. So
// could a save that was to submit and audit in one, and was refused: that can have
// been after the save, so each member is told to look.
//
// Of two callers that save, submit or audit the same bill, the second waits for
// the first's end, and is not sent at all if the bill is then done or its
// outcome open.
//
// Whatever is sent goes by a look-up that holds at the moment when its request is
// written; see [knownNumbers] for new bills. What has waited too long is looked up
// again, in its call's own place, and goes if the bill is still as it was. So a tenant
// without the rule that a number is unique gets no second bill from runs that overlap
// in one worker, and one that slept sends nothing of what it had in hand.
//
// A caller whose ctx is done returns at once, with an error as the Client's; its
// bill is not sent if it has not been. The call that it shared goes on for the
// others, with the values of its first member's ctx, bounded by Config.Timeout.
type Groups struct {
	client  Ledger
	options GroupOptions

	mu        sync.Mutex
	underWay  int // groups that were sent and have not ended
	allowance allowance
	queues    []*queue
	// claims holds every bill that waits to be changed or is being changed, and
	// the members that wait for that to end.
	claims map[claim][]*member
	known  *knownNumbers
	wake   Timer
	awake  awake
}

// GroupOptions bound what callers share and how long they wait for each other.
type GroupOptions struct {
	// Calls is how many may be under way at a time: as many as the client has sessions.
	// Default: 4.
	Calls int
	// Bills is how many bills a call holds at most. A look-up, which costs
	// Kingdee far less, holds 500 numbers.
	Bills int
	// Wait is how long one waits for others at most while another call may go.
	Wait time.Duration
	// Observer is told what the groups do; nil: nobody is.
	Observer GroupObserver
	// Clock is this process's; nil: the machine's.
	Clock Clock
}

// patience bounds for how long a group that is not full lets full ones go before it.
const patience = 25

// Ledger works on bills, as a [Client] does and [Groups] do.
type Ledger interface {
	FindBills(ctx context.Context, formID, textField string, numbers []string) (map[string][]Bill, error)
	NewestBills(ctx context.Context, formID, textField, like string, limit int) ([]Bill, error)
	ReadBill(ctx context.Context, formID, id string, keys []string) ([][]any, error)
	Quantities(ctx context.Context, formID, id string) (map[string]decimal.Decimal, error)
	BatchSave(ctx context.Context, b BatchSave) ([]BillResult, error)
	Submit(ctx context.Context, formID string, numbers []string) ([]BillResult, error)
	Audit(ctx context.Context, formID string, numbers []string) ([]BillResult, error)
	Delete(ctx context.Context, formID, textField string, bill Bill) error
}

// NewGroups groups the calls of a client. One that is not a [Client] has to ask
// [MaySend] when it writes a request.
func NewGroups(client Ledger, options GroupOptions) *Groups {
	options.Calls = cmp.Or(options.Calls, defaultSessions)
	if options.Observer == nil {
		options.Observer = nobody{}
	}
	if options.Clock == nil {
		options.Clock = machine{}
	}
	g := &Groups{
		client: client, options: options,
		allowance: allowance{sessions: options.Calls, calls: options.Calls},
		claims:    map[claim][]*member{}, known: newKnownNumbers(),
	}
	g.awake.last = g.now()
	return g
}

// groupCall is a call that members can share. Those whose calls are equal do.
type groupCall interface {
	// method is the call's name in errors.
	method() string
	// make makes the call and gives each member its outcome. An error is one of
	// the call as a whole; then it gives none.
	make(ctx context.Context, g *Groups, members []*member) error
	// inherit is the outcome of a member whose bill another caller's call has
	// just brought to this end. Without one, the member is sent itself.
	inherit(end BillResult) (BillResult, bool)
}

// member is what one caller has in a group: a bill to save, the number of one to
// submit or audit, or the numbers of a look-up.
type member struct {
	ctx     context.Context // of its caller
	numbers []string        // one, but for a look-up
	bill    json.RawMessage // to save
	query   func(context.Context, Ledger) (any, error)
	isNew   bool   // a bill that is not there yet
	over    *Bill  // what the bill is saved over
	claim   *claim // nil if the same bill may be in two calls at once
	key     queueKey
	since   time.Time // when it came into its queue
	sent    bool
	// allowedBy is when the look-up began by which the bill may be changed.
	allowedBy moment

	// The outcome, once done is closed. result.Err is a look-up's too.
	result BillResult
	found  map[string][]Bill
	answer any // of a query of one caller
	done   chan struct{}
}

// claim names a bill that one call at a time may save, submit or audit.
type claim struct {
	method string
	numberOf
}

// queueKey tells apart what can't share a call.
type queueKey struct {
	call groupCall
	most int // numbers in a call
}

// queue holds those that wait for one call, in the order in which they came.
type queue struct {
	key     queueKey
	waiting []*member
}

type attemptKey struct{}

// WithAttempt says which attempt at its work the caller makes, from 1; without
// it, the first. A bill that makes each call fail with an open outcome can't be
// told from the others in its call. So that it can't keep strangers out for
// ever, second attempts share calls of a quarter of the size, among themselves,
// and later ones share none.
func WithAttempt(ctx context.Context, attempt int) context.Context {
	return context.WithValue(ctx, attemptKey{}, attempt)
}

// most is how many of size may share a call at the attempt of ctx.
func most(ctx context.Context, size int) int {
	switch attempt, _ := ctx.Value(attemptKey{}).(int); {
	case attempt <= 1:
		return size
	case attempt == 2:
		return max(1, size/4)
	default:
		return 1
	}
}

// share has the members of one caller take part in calls of at most size
// numbers, and waits until each has its outcome or ctx is done. The error is
// that of ctx.
func (g *Groups) share(ctx context.Context, call groupCall, size int, members []*member) error {
	if err := ctx.Err(); err != nil {
		return waitFailure(call.method(), err)
	}
	key := queueKey{call: call, most: most(ctx, size)}
	g.mu.Lock()
	for _, m := range members {
		m.ctx, m.key, m.done = ctx, key, make(chan struct{})
		g.join(m)
	}
	g.dispatch()
	g.mu.Unlock()

	for _, m := range members {
		select {
		case <-m.done:
		case <-ctx.Done():
			if g.leave(members) {
				return connectionFailure(ctx, call.method(), ctx.Err())
			}
			return waitFailure(call.method(), ctx.Err())
		}
	}
	return nil
}

// join puts a member into its queue, or behind whoever has its bill.
func (g *Groups) join(m *member) {
	if m.claim != nil {
		behind, taken := g.claims[*m.claim]
		if taken {
			g.claims[*m.claim] = append(behind, m)
			return
		}
		g.claims[*m.claim] = nil
	}
	g.enqueue(m)
}

func (g *Groups) enqueue(m *member) {
	q := g.queue(m.key)
	if q == nil {
		q = &queue{key: m.key}
		g.queues = append(g.queues, q)
	}
	m.since = time.Now()
	q.waiting = append(q.waiting, m)
}

// queue is nil where nobody waits.
func (g *Groups) queue(key queueKey) *queue {
	for _, q := range g.queues {
		if q.key == key {
			return q
		}
	}
	return nil
}

// leave takes the members that were not sent out again, and reports whether one
// was.
func (g *Groups) leave(members []*member) (sent bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range members {
		sent = sent || m.sent
		is := func(other *member) bool { return other == m }
		if q := g.queue(m.key); q != nil && slices.ContainsFunc(q.waiting, is) {
			q.waiting = slices.DeleteFunc(q.waiting, is)
			g.tidy()
			g.giveUp(m.claim)
		} else if m.claim != nil && slices.ContainsFunc(g.claims[*m.claim], is) {
			g.claims[*m.claim] = slices.DeleteFunc(g.claims[*m.claim], is)
		}
	}
	g.dispatch()
	return sent
}

// tidy drops queues that hold nobody any more.
func (g *Groups) tidy() {
	g.queues = slices.DeleteFunc(g.queues, func(q *queue) bool { return len(q.waiting) == 0 })
}

// giveUp gives a bill to the next one that waits for it.
func (g *Groups) giveUp(c *claim) {
	if c == nil {
		return
	}
	behind := g.claims[*c]
	if len(behind) == 0 {
		delete(g.claims, *c)
		return
	}
	g.claims[*c] = behind[1:]
	g.enqueue(behind[0])
}

// dispatch lets groups go while more calls may, and has itself called again when
// the next one is due.
func (g *Groups) dispatch() {
	if g.wake != nil {
		g.wake.Stop()
		g.wake = nil
	}
	for g.underWay < g.allowance.calls && len(g.queues) > 0 {
		q, wait := g.next()
		wait = max(wait, time.Until(g.allowance.resume))
		if wait > 0 {
			g.wake = g.options.Clock.AfterFunc(wait, func() {
				g.mu.Lock()
				defer g.mu.Unlock()
				g.dispatch()
			})
			return
		}
		g.underWay++
		g.stayAwake()
		go g.run(q.key.call, g.take(q), g.allowance.round)
	}
}

// next is the queue whose group goes next, and in how long: of those that may go now,
// the one whose turn came first.
func (g *Groups) next() (next *queue, wait time.Duration) {
	now := time.Now()
	var turn time.Time
	for _, q := range g.queues {
		first := q.waiting[0].since
		left, its := time.Duration(0), first
		if q.numbers() < q.key.most {
			left, its = max(0, first.Add(g.options.Wait).Sub(now)), first.Add(patience*g.options.Wait)
		}
		if next == nil || left < wait || left == wait && its.Before(turn) {
			next, wait, turn = q, left, its
		}
	}
	return next, wait
}

func (q *queue) numbers() (n int) {
	for _, m := range q.waiting {
		n += len(m.numbers)
	}
	return n
}

// take takes a group out of its queue: as many as fit, and one in any case.
func (g *Groups) take(q *queue) []*member {
	end, numbers := 0, 0
	for _, m := range q.waiting {
		numbers += len(m.numbers)
		if end > 0 && numbers > q.key.most {
			break
		}
		m.sent = true
		end++
	}
	group := slices.Clone(q.waiting[:end])
	q.waiting = slices.Delete(q.waiting, 0, end)
	g.tidy()
	return group
}

func (g *Groups) run(call groupCall, members []*member, round int) {
	g.options.Observer.Waited(call.method(), time.Since(members[0].since))
	g.send(call, members, round)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.underWay--
	g.awake.used = g.now()
	g.dispatch()
}

// send makes the call for the members, or several if one of them may be why it
// fails.
func (g *Groups) send(call groupCall, members []*member, round int) {
	// The caller whose ctx this is may give up; the others have not.
	ctx := context.WithoutCancel(members[0].ctx)
	if change, ok := call.(changingCall); ok {
		if members = g.lookAgain(ctx, change, members, round); len(members) == 0 {
			return
		}
		ctx = g.whileAllowed(ctx, call.method(), members)
	}
	err := g.call(ctx, call, members)
	apart := err != nil && len(members) > 1 && mayBeOneBill(err)
	if save, ok := call.(saveCall); apart && ok && save.isAutoSubmitAndAudit {
		err, apart = refusedAfterSave(call.method(), err), false
	}
	if apart {
		half := len(members) / 2
		g.send(call, members[:half], round)
		g.send(call, members[half:], round)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.learn(round, err)
	for _, m := range members {
		if err != nil {
			m.result.Err = err
		}
		g.settle(m)
	}
	g.dispatch()
}

// learn lets the allowance follow the end of a call.
func (g *Groups) learn(round int, err error) {
	before := g.allowance.calls
	g.allowance.ended(round, err)
	if g.allowance.calls != before {
		g.options.Observer.Allowed(g.allowance.calls)
	}
}

// call makes the call. A panic is taken for a reply that was not understood, as
// Temporal takes one for the failure of an activity: here it would end the worker.
func (g *Groups) call(ctx context.Context, call groupCall, members []*member) (err error) {
	begun := time.Now()
	defer func() {
		if cause := recover(); cause != nil {
			err = malformed(call.method(), fmt.Errorf("panic: %v", cause))
		}
		g.options.Observer.Called(call.method(), len(numbersOf(members)), time.Since(begun), err)
	}()
	return call.make(ctx, g, members)
}

// settle gives a member its outcome, and its bill to whoever waits for it.
func (g *Groups) settle(m *member) {
	close(m.done)
	if m.claim == nil {
		return
	}
	end, done := m.key.call.inherit(m.result)
	if done && m.claim.method == batchSave {
		g.known.saveEnded(g.now(), m.claim.numberOf, m.result.Err != nil)
	}
	if !done {
		g.giveUp(m.claim)
		return
	}
	for _, behind := range g.claims[*m.claim] {
		behind.result = end
		close(behind.done)
	}
	delete(g.claims, *m.claim)
}

// mayBeOneBill reports whether a call failed as a whole, without effect, for a
// cause that one of its bills can be. What is wrong with the account is none;
// a missing right may be one in a bill's organisation.
func mayBeOneBill(err error) bool {
	f := fault.As(err)
	return f != nil && f.Class == fault.Final && !slices.Contains([]string{
		licence.reason, administratorForbidden.reason, loginFailed.reason, webAPIForbidden.reason, wrongDataCentre.reason,
		gatewayRefused.reason, accessDenied.reason, redirected.reason, wrongAddress.reason, badCertificate.reason, notHTTPS,
	}, f.Reason)
}

// isOpen reports whether an error says nothing about what became of the bill.
func isOpen(err error) bool {
	f := fault.As(err)
	return err != nil && (f == nil || f.Class == fault.Retry)
}
