// Package groupcommit lets callers that each have one bill share calls to Kingdee, and
// sends a bill only by a look-up that still holds. It stands between the activities of a
// worker and the client: it decides when a call goes and who is in it, the client makes it.
package groupcommit

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"refundsync/internal/kingdee"
)

// Groups lets callers share calls (group commit). It has the methods of a
// [kingdee.Client] that work on bills: what waits in them at one moment, and can go in
// one call, does, and each caller gets its own outcome. It may be used by many
// goroutines at once; it starts none that outlasts its calls.
//
// A group goes as soon as there is a place for its call and it is full or its
// first member has waited for [Options.Wait]. There are as many places as
// sessions, fewer for a while after Kingdee refused a call as one too many or did
// not answer in time. While all are taken, groups fill up by themselves. When one is
// free, the group whose first member came first goes first, but a group that is not
// full lets full ones of up to patience times [Options.Wait] later go before it:
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
// A caller whose ctx is done returns at once, with an error as the client's; its
// bill is not sent if it has not been. The call that it shared goes on for the
// others, with the values of its first member's ctx, bounded by the client's time-out.
type Groups struct {
	client  kingdee.Ledger
	options Options

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

// Options bound what callers share and how long they wait for each other.
type Options struct {
	// Calls is how many may be under way at a time, at least 1: as many as the client has
	// sessions.
	Calls int
	// Bills is how many bills a call holds at most. A look-up, which costs
	// Kingdee far less, holds 500 numbers.
	Bills int
	// Wait is how long one waits for others at most while another call may go.
	Wait time.Duration
	// Observer is told what the groups do; nil: nobody is.
	Observer Observer
	// Clock is this process's; nil: the machine's.
	Clock Clock
}

// New groups the calls of a client. One that is not a [kingdee.Client] has to ask
// [kingdee.MaySend] when it writes a request.
func New(client kingdee.Ledger, options Options) *Groups {
	options.Calls = max(1, options.Calls)
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
	inherit(end kingdee.BillResult) (kingdee.BillResult, bool)
}

// member is what one caller has in a group: a bill to save, the number of one to
// submit or audit, or the numbers of a look-up.
type member struct {
	ctx     context.Context // of its caller
	numbers []string        // one, but for a look-up
	bill    json.RawMessage // to save
	query   func(context.Context, kingdee.Ledger) (any, error)
	isNew   bool          // a bill that is not there yet
	over    *kingdee.Bill // what the bill is saved over
	claim   *claim        // nil if the same bill may be in two calls at once
	key     queueKey
	since   time.Time // when it came into its queue
	sent    bool
	// allowedBy is when the look-up began by which the bill may be changed.
	allowedBy moment

	// The outcome, once done is closed. result.Err is a look-up's too.
	result kingdee.BillResult
	found  map[string][]kingdee.Bill
	answer any // of a query of one caller
	done   chan struct{}
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
