// Package groupcommit lets callers that each have one bill share calls to Kingdee, and
// sends a bill only by a fresh look-up. It stands between the activities of a worker and
// the client: it decides when a call is made and who is in it, and the client makes it.
package groupcommit

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"refundsync/internal/kingdee"
)

// Groups lets callers share calls (group commit). It has the methods of a
// [kingdee.Client] that work on bills: waiting requests that fit in one call share it,
// and each caller gets its own outcome. It is safe for concurrent use, and starts no
// goroutine that outlasts its calls.
//
// A group is dispatched when there is a place for its call and it is full or its
// first member has waited for [Options.Wait]. There are as many places as sessions,
// fewer for a while after Kingdee refused a call as one too many or did not answer in
// time. While all are taken, groups fill up. A free place goes to the group whose first
// member came first, except that a group that is not full yields to full ones of up to
// patience times [Options.Wait] later: it fills up meanwhile, which saves a call.
//
// A call that fails as a whole with fault.Final saved nothing. The cause may be one of
// its bills, so its halves are sent as calls of their own, until the bad bill is alone.
// With any other class each member gets the error and nothing is resent: with
// fault.Retry that could create a second bill. So could a save that was to submit and
// audit in one call and was refused, possibly after the save: its outcome is open.
//
// Of two callers that save, submit or audit the same bill, the second waits for the
// first, and is not sent at all if the bill is then done or its outcome open.
//
// A bill is sent by a look-up that is fresh when its request is written; see
// [knownNumbers] for new bills. A bill that has waited too long is looked up once more,
// in its call's own place, and sent if it is unchanged. So a tenant without the rule
// that numbers are unique gets no second bill from runs that overlap in one worker, and
// a worker that was suspended sends nothing that it had in hand.
//
// A caller whose ctx is done returns at once, with an error as the client's; its bill is
// not sent if it has not been. The call that it shared continues for the others, with
// the values of its first member's ctx, bounded by the client's time-out.
type Groups struct {
	client  kingdee.Ledger
	options Options

	mu        sync.Mutex
	underWay  int // groups in flight
	allowance allowance
	queues    []*queue
	// claims has each bill that waits for a change or is being changed, and the
	// members that wait for the change to end.
	claims map[claim][]*member
	known  *knownNumbers
	wake   Timer
	awake  awake
}

// Options bound what callers share and how long they wait for each other.
type Options struct {
	// Calls is how many may be in flight at a time, at least 1: as many as the client has
	// sessions.
	Calls int
	// Bills bounds the bills of a call. A look-up, which costs Kingdee far less, may have
	// 500 numbers.
	Bills int
	// Wait bounds how long a caller waits for others while there is a free place.
	Wait time.Duration
	// Observer is notified of what the groups do; may be nil.
	Observer Observer
	// Clock is the process's; nil: the machine's.
	Clock Clock
}

// New groups the calls of a client. One that is not a [kingdee.Client] has to call
// [kingdee.MaySend] when it writes a request.
func New(client kingdee.Ledger, options Options) *Groups {
	options.Calls = max(1, options.Calls)
	if options.Observer == nil {
		options.Observer = noObserver{}
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

// groupCall is a call that members can share. Members with equal calls do.
type groupCall interface {
	// method is the call's name in errors.
	method() string
	// make makes the call and gives each member its outcome, or returns the error of
	// the call as a whole.
	make(ctx context.Context, g *Groups, members []*member) error
	// inherit is the outcome of a member whose bill another caller's call has just
	// brought to this end; false if the member has to be sent itself.
	inherit(end kingdee.BillResult) (kingdee.BillResult, bool)
}

// member is one caller's part of a group: a bill to save, the number of one to submit or
// audit, or the numbers of a look-up.
type member struct {
	ctx     context.Context // of its caller
	numbers []string        // one, except for a look-up
	bill    json.RawMessage // to save
	query   func(context.Context, kingdee.Ledger) (any, error)
	isNew   bool          // the bill does not exist yet
	over    *kingdee.Bill // what the bill is saved over
	claim   *claim        // nil if the same bill may be in two calls at once
	key     queueKey
	since   time.Time // when it came into its queue
	sent    bool
	// allowedBy is when the look-up began that allows the change.
	allowedBy moment

	// The outcome, once done is closed. result.Err is that of a look-up too.
	result kingdee.BillResult
	found  map[string][]kingdee.Bill
	answer any // of a query of one caller
	done   chan struct{}
}

type attemptKey struct{}

// WithAttempt sets the attempt that the caller makes, from 1, the default. A bill that
// makes each call fail with an open outcome can't be told from the others in its call.
// So that it does not block these for ever, second attempts share calls of a quarter of
// the size, among themselves, and later ones share none.
func WithAttempt(ctx context.Context, attempt int) context.Context {
	return context.WithValue(ctx, attemptKey{}, attempt)
}

// most bounds the numbers of a call at the attempt of ctx.
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
