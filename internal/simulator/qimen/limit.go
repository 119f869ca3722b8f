package qimen

import (
	"sync"
	"time"

	"refundsync/internal/simulator/faults"
)

// limit allows n calls in any period as long as its window.
type limit struct {
	window  time.Duration
	refusal errorReply

	mu   sync.Mutex
	last []time.Time // the n calls allowed most recently, a ring
	next int         // the oldest of them
}

// Jushuitan's own codes for exceeded call limits.
var (
	errPerSecond = errorReply{Code: "199", Message: "接口调用频率超过每秒的限制"}
	errPerMinute = errorReply{Code: "200", Message: "接口调用频率超过每分钟的限制"}
)

// limitReplies are the vendors' refusals for an exceeded call limit.
var limitReplies = []errorReply{
	errPerSecond,
	{Platform: true, Code: 7, Message: "App Call Limited", SubCode: "isp.call-limited", SubMessage: "This ban will last for 1 more seconds"},
	{Platform: true, Code: "ApiCallLimit", Message: "E005: frequency exceeds the limit. this ban will last 1 seconds"},
	{Platform: true, Code: 15, Message: "Remote service error", SubCode: "isv.access-limited-by-app-access-count", SubMessage: "This ban will last for 1 more seconds"},
}

func newLimit(n int, window time.Duration, refusal errorReply) *limit {
	return &limit{window: window, refusal: refusal, last: make([]time.Time, n)}
}

// allow counts a call; false means that the limit is exceeded. Refused calls do not
// count.
func (l *limit) allow(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if oldest := l.last[l.next]; !oldest.IsZero() && now.Sub(oldest) < l.window {
		return false
	}
	l.last[l.next] = now
	l.next = (l.next + 1) % len(l.last)
	return true
}

func (g *Gateway) checkLimits() *errorReply {
	if g.faults.Strikes(faults.SourceCallLimit) {
		return &limitReplies[g.faults.Pick(faults.SourceCallLimit, len(limitReplies))]
	}
	now := g.options.Now()
	for _, l := range g.limits {
		if !l.allow(now) {
			return &l.refusal
		}
	}
	return nil
}
