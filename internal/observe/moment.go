package observe

import (
	"sync/atomic"
	"time"
)

// moment is when something last happened. It is safe for concurrent use.
type moment struct{ unix atomic.Int64 } // nanoseconds; 0: never

func (m *moment) isNow() { m.unix.Store(time.Now().UnixNano()) }

// time is zero if it never happened.
func (m *moment) time() time.Time {
	if unix := m.unix.Load(); unix != 0 {
		return time.Unix(0, unix)
	}
	return time.Time{}
}
