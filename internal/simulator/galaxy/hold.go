package galaxy

import (
	"context"
	"sync"
)

// hold holds saves back while it is on: they have not reached the tenant.
type hold struct {
	mu    sync.Mutex
	on    bool
	bills int
	off   chan struct{} // closed when the hold ends
	kept  int
}

// HoldSaves holds saves back once the tenant has the given number of bills, until
// ReleaseSaves. So what happens in the middle of a run can take as long as it needs.
func (t *Tenant) HoldSaves(bills int) {
	t.hold.mu.Lock()
	defer t.hold.mu.Unlock()
	if !t.hold.on {
		t.hold.off = make(chan struct{})
	}
	t.hold.on, t.hold.bills = true, bills
}

// ReleaseSaves lets all saves proceed. Without a hold it is a no-op.
func (t *Tenant) ReleaseSaves() {
	t.hold.mu.Lock()
	defer t.hold.mu.Unlock()
	if t.hold.on {
		t.hold.on = false
		close(t.hold.off)
	}
}

// HeldSaves counts the calls that are held back.
func (t *Tenant) HeldSaves() int {
	t.hold.mu.Lock()
	defer t.hold.mu.Unlock()
	return t.hold.kept
}

// wait blocks while a hold holds a save back. It returns false if the caller has gone
// meanwhile: then the call never arrives.
func (h *hold) wait(ctx context.Context, bills int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.on || bills < h.bills {
		return true
	}
	h.kept++
	off := h.off
	h.mu.Unlock()
	select {
	case <-off:
	case <-ctx.Done():
	}
	h.mu.Lock()
	h.kept--
	return ctx.Err() == nil
}
