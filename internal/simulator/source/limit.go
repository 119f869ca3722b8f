package source

import (
	"sync"
	"time"
)

// Limits bound the calls to a gateway in any second and in any minute.
type Limits struct {
	second, minute *limit
}

// NewLimits makes limits; 0 is no limit.
func NewLimits(perSecond, perMinute int) Limits {
	return Limits{newLimit(perSecond, time.Second), newLimit(perMinute, time.Minute)}
}

// Exceeded counts a call. If it exceeds a limit, it is not counted, and the code is
// Jushuitan's own: 199 for a second, 200 for a minute.
func (l Limits) Exceeded(now time.Time) (code int, message string) {
	switch {
	case !l.second.allow(now):
		return PerSecond, "接口调用频率超过每秒的限制"
	case !l.minute.allow(now):
		return PerMinute, "接口调用频率超过每分钟的限制"
	}
	return 0, ""
}

// The codes of exceeded limits.
const (
	PerSecond = 199
	PerMinute = 200
)

// limit allows n calls in any period as long as its window.
type limit struct {
	window time.Duration

	mu   sync.Mutex
	last []time.Time // the n calls allowed most recently, a ring
	next int         // the oldest of them
}

func newLimit(n int, window time.Duration) *limit {
	return &limit{window: window, last: make([]time.Time, n)}
}

// allow counts a call; false means that the limit is exceeded. Refused calls do not
// count.
func (l *limit) allow(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.last) == 0 {
		return true
	}
	if oldest := l.last[l.next]; !oldest.IsZero() && now.Sub(oldest) < l.window {
		return false
	}
	l.last[l.next] = now
	l.next = (l.next + 1) % len(l.last)
	return true
}
