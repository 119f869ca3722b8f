// Package paging decides which page of a window is read next, and when all of the window
// has been seen, although its rows move while it is read.
package paging

import (
	"refundsync/internal/fault"
	"refundsync/internal/text"
)

const (
	// passes is how many passes over the pages of a window are made until one shows
	// nothing new.
	passes = 6
	// mostOrders bounds the orders of a window: they are carried over continue-as-new,
	// and Temporal refuses a payload over 2 MiB.
	mostOrders = 60_000
	// stalePages is how many pages without a new order are accepted in addition to those
	// that the orders seen explain: rows move while pages are read.
	stalePages = 20
	// rowsAWindow bounds the orders of a window of row versions; the next window continues.
	rowsAWindow = 20_000
)

// Reader is how far a window is read. A new one begins with page 1.
//
// Rows leave the window while it is read, and the others move up. So page 1 only tells
// how many pages there are; then they are read from the last to the first, so that a row
// that leaves can shift others only into pages still to be read. Rows that enter can
// shift others into pages already read, and if another row leaves meanwhile, the source's
// count does not show it. So a window of several pages is read in passes until one shows
// nothing new.
type Reader struct {
	// Next is the page to read next, from 1; 0 when all is read.
	Next int `json:"next"`
	// Rest is how many rows at the beginning of that page are still to be read, because
	// not all fit into one result; 0 for the whole page. They are read from the last to
	// the first as well.
	Rest int `json:"rest,omitempty"`
	// Pass is the number of the pass; 0 before the first page.
	Pass int `json:"pass"`
	// PageCount and DataCount are the source's when the pass began.
	PageCount int `json:"page_count"`
	DataCount int `json:"data_count"`
	// Pages counts the pages of the window.
	Pages int `json:"pages"`
	// Moved means that the pass has shown something new, or more than there was when it
	// began.
	Moved bool `json:"moved,omitempty"`
	// Stale counts consecutive pages that showed nothing new.
	Stale int `json:"stale,omitempty"`
	// Versions is nil in a window of time.
	Versions *Versions `json:"versions,omitempty"`
}

// Versions is how far rows have been read in the order of their row versions.
type Versions struct {
	// Reached is the highest version seen.
	Reached int64 `json:"reached,string"`
	// Stable is the version up to which no row can appear any more: that of the last row
	// before the first that changed within the flow's lag. A version is assigned before
	// its row becomes visible, so a lower one may appear late.
	Stable int64 `json:"stable,string"`
	// Complete means that the source has nothing newer.
	Complete bool `json:"complete"`
}

// After adds what the window that continued from here has read. A window knows nothing of
// those before it: what was not stable in one of them stays so.
func (v Versions) After(next Versions) *Versions {
	if v.Stable < v.Reached {
		next.Stable = v.Stable
	}
	return &next
}

// New begins a window of time, or with versions one that reads from them on.
func New(versions *Versions) Reader { return Reader{Next: 1, Versions: versions} }

// read takes in the page that was to be read next. fresh means that it showed an order
// that is new, or newer than before; seen is how many distinct orders the window has
// shown so far. It returns a final *fault.Error if the window can't be read to its end.
func (r *Reader) read(page Page, fresh bool, seen int) error {
	if count := max(page.DataCount, seen); count > mostOrders {
		return windowTooLarge(count)
	}
	r.Stale++
	if fresh {
		r.Stale = 0
	}
	// A page holds at least one order, so no more pages can repeat orders than there are
	// orders.
	if r.Stale > seen+stalePages {
		return sourceRepeats(r.Stale)
	}
	inParts := r.Rest > 0
	if r.Rest = page.Rest; r.Rest > 0 {
		r.Moved = r.Moved || fresh
		return nil
	}
	if r.Versions != nil {
		return r.turnVersions(page, seen)
	}
	return r.turn(page, fresh, seen, inParts)
}

func (r *Reader) turn(page Page, fresh bool, seen int, inParts bool) error {
	r.Pages = max(r.Pages, r.Next)
	if r.Pass == 0 {
		r.begin(page)
		if page.PageCount <= 1 && !inParts && seen >= page.DataCount {
			r.Next = 0 // one reply has shown everything
		}
		return nil
	}
	r.Moved = r.Moved || fresh || page.PageCount > r.PageCount || page.DataCount > r.DataCount
	switch {
	case r.Next > 1:
		r.Next--
	case !r.Moved && seen >= page.DataCount:
		r.Next = 0
	case r.Pass == passes:
		return sourceUnsettled(page.DataCount, seen)
	default:
		r.begin(page)
	}
	return nil
}

// begin begins a pass.
func (r *Reader) begin(page Page) {
	r.Next, r.Pass = max(page.PageCount, 1), r.Pass+1
	r.PageCount, r.DataCount = page.PageCount, page.DataCount
	r.Moved, r.Stale = false, 0
}

// turnVersions keeps Next at 1: rows already read are not requested any more.
func (r *Reader) turnVersions(page Page, seen int) error {
	r.Pages++
	r.Pass = 1
	versions := *r.Versions
	newer := page.LastTS > versions.Reached
	if page.More && !newer {
		return versionsUnsupported(versions.Reached)
	}
	if newer {
		if versions.Stable == versions.Reached {
			versions.Stable = max(versions.Stable, page.StableTS)
		}
		versions.Reached = page.LastTS
	}
	versions.Complete = !page.More
	if versions.Complete || seen >= rowsAWindow {
		r.Next = 0
	}
	r.Versions = &versions
	return nil
}

func windowTooLarge(count int) error {
	return unreadable("window_too_large",
		text.Errorf("the window has %d orders, and a window can have at most %d", count, mostOrders),
		text.New("Shorten window in the flow file, then run again"))
}

func sourceRepeats(pages int) error {
	return unreadable("source_repeats",
		text.Errorf("the last %d pages of Jushuitan showed no new order, as if it repeated one page", pages),
		text.New("Ask Jushuitan's support, and run the same range again later"))
}

func sourceUnsettled(count, seen int) error {
	return unreadable("source_unsettled",
		text.Errorf("Jushuitan counts %d orders in the window; %d passes showed %d, and they are still moving", count, passes, seen),
		text.New("Shorten the window or end the range some minutes earlier, then run again"))
}

func versionsUnsupported(from int64) error {
	return unreadable("row_versions_unsupported",
		text.Errorf("a full page from row version %d on has no newer row: this interface may not support start_ts", from),
		text.New("Set source.cursor to time in the flow file"))
}

func unreadable(reason string, what error, advice text.Text) error {
	return &fault.Error{Class: fault.Final, Reason: reason, Err: what, Advice: advice}
}
