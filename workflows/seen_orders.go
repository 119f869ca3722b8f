package workflows

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"refundsync/internal/flow"
	"refundsync/internal/packed"
)

// fate is what an order is counted under.
type fate string

const (
	// fateOpen: not decided yet. In a window that an older worker carried over
	// continue-as-new it stands for every fate.
	fateOpen fate = ""
	// fateOutside: the order belongs to a neighbouring window, and is not counted.
	fateOutside fate = "outside"
	// fateLeftOut: the flow leaves the order out, and whether it has a bill is being
	// looked up. It is not counted yet.
	fateLeftOut      fate = "left_out"
	fateSaved        fate = "saved"
	fateUpdated      fate = "updated"
	fateAlreadySaved fate = "already_saved"
	fateSkipped      fate = "skipped"
	fateParked       fate = "parked"
	// fateNewlyParked: parked, and did not wait before.
	fateNewlyParked fate = "newly_parked"
	fateFailed      fate = "failed"
	// fateUnparked: failed, and the next run has to find it again.
	fateUnparked fate = "unparked"
)

// fateOf is what an order is counted under for which SaveOrder came to its end.
func fateOf(outcome Outcome) fate {
	if outcome == LeftOut {
		return fateSkipped
	}
	return fate(outcome)
}

// seenOrder is what a window remembers of an order that the source has shown, so
// that the order is counted once, and a newer version of it is told from a
// repeat.
type seenOrder struct {
	ID        string    `json:"as_id"`
	ChangedAt time.Time `json:"changed_at,omitzero"`
	// Content identifies the content; empty for an order that was left out.
	Content string `json:"content,omitempty"`
	Fate    fate   `json:"fate,omitempty"`
	// Reason is the one that a skipped, parked or failed order is counted under.
	Reason string `json:"reason,omitempty"`
}

// seenOrders are all orders that the source showed, in the order in which it
// did. They travel compressed.
type seenOrders []seenOrder

// MarshalJSON gives the compressed list as text.
func (s seenOrders) MarshalJSON() ([]byte, error) {
	raw, err := json.Marshal([]seenOrder(s))
	if err != nil {
		return nil, err
	}
	return json.Marshal(packed.Pack(raw))
}

// UnmarshalJSON also takes the list of ids that older workers wrote.
func (s *seenOrders) UnmarshalJSON(raw []byte) error {
	*s = nil
	if !bytes.HasPrefix(raw, []byte(`"`)) {
		var ids []string
		err := json.Unmarshal(raw, &ids)
		for _, id := range ids {
			*s = append(*s, seenOrder{ID: id})
		}
		return err
	}
	var compressed []byte
	if err := json.Unmarshal(raw, &compressed); err != nil {
		return err
	}
	list, err := packed.Unpack(compressed)
	if err != nil {
		return err
	}
	return json.Unmarshal(list, (*[]seenOrder)(s))
}

// seen is what a window remembers of an order that is shown now.
func seen(order flow.Order) seenOrder {
	hash := sha256.Sum256(order.Fields)
	return seenOrder{ID: order.ID, ChangedAt: order.ChangedAt, Content: base64.RawStdEncoding.EncodeToString(hash[:6])}
}

// isNewer reports whether an order, shown again, is to be given out again: it has
// another content and did not change before. Of two that changed in the same
// second, or at unknown times, the one shown later is the newer.
func (s seenOrder) isNewer(shown seenOrder) bool {
	switch {
	case s.Fate == fateOutside:
		return true
	case s.Content == "" && s.Fate != fateSkipped && s.Fate != fateLeftOut:
		// It can't be told: an older worker saw it, or it could not be read.
		return false
	case s.Content == shown.Content:
		return false
	}
	return s.ChangedAt.IsZero() || shown.ChangedAt.IsZero() || !shown.ChangedAt.Before(s.ChangedAt)
}

// failed reports whether an order was parked, or not even that.
func (s seenOrder) failed() bool {
	return slices.Contains([]fate{fateParked, fateNewlyParked, fateFailed, fateUnparked}, s.Fate)
}

// repeats reports whether a page shows an order twice.
func repeats(page *FetchPageResult) bool {
	ids := map[string]bool{}
	for _, order := range page.Orders {
		ids[order.ID] = true
	}
	for _, skipped := range page.Skipped {
		ids[skipped.ID] = true
	}
	return len(ids) < len(page.Orders)+len(page.Skipped)
}

// dropRepeats leaves each order of a page in it once, in its newest version.
func dropRepeats(page *FetchPageResult) {
	newest := map[string]seenOrder{}
	for _, order := range page.Orders {
		shown := seen(order)
		if earlier, ok := newest[order.ID]; !ok || earlier.isNewer(shown) {
			newest[order.ID] = shown
		}
	}
	for _, skipped := range page.Skipped {
		if earlier, ok := newest[skipped.ID]; ok && earlier.ChangedAt.Before(skipped.ChangedAt) {
			newest[skipped.ID] = seenOrder{}
		}
	}
	page.Orders = slices.DeleteFunc(page.Orders, func(order flow.Order) bool {
		if newest[order.ID].Content != seen(order).Content {
			return true
		}
		delete(newest, order.ID)
		return false
	})
}
