// Package paging decides which page of a window is read next, and when all that the
// window holds has been seen, although its rows move while it is read.
package paging

import (
	"fmt"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

const (
	// passes is how often the pages of a window are gone through before one must have
	// shown nothing new.
	passes = 6
	// mostOrders bounds the orders of a window: they are carried over
	// continue-as-new, and Temporal refuses a payload over 2 MiB.
	mostOrders = 60_000
	// stalePages is how many pages without a new order are taken beyond those that
	// the orders seen explain: rows move while pages are read.
	stalePages = 20
	// rowsAWindow bounds the orders of a window of row versions. The next goes on.
	rowsAWindow = 20_000
)

// Reader is how far the reading of a window has come. A new one begins with page 1.
//
// Rows leave the window while it is read, and the rest move up. So page 1 only tells
// how many pages there are; then they are read from the last to the first, where a row
// that leaves can shift others only into pages still to be read. Rows that enter can
// shift others into pages that are read already, and while another leaves, the source's
// count does not tell. So a window of several pages is gone through until a pass has
// shown nothing new.
type Reader struct {
	// Next is the page to read next, from 1; 0 when all is read.
	Next int `json:"next"`
	// Rest is how many rows of that page are to be read, those at its beginning: not all
	// have room on their way. 0 is all of them. They are read from the last to the first
	// as well.
	Rest int `json:"rest,omitempty"`
	// Pass counts the times that the pages were gone through; 0 before the first page.
	Pass int `json:"pass"`
	// PageCount and DataCount are the source's when the pass began.
	PageCount int `json:"page_count"`
	DataCount int `json:"data_count"`
	// Pages counts the pages of the window.
	Pages int `json:"pages"`
	// Moved tells that the pass has shown something new, or more than there was when
	// it began.
	Moved bool `json:"moved,omitempty"`
	// Stale counts the pages in a row that showed nothing new.
	Stale int `json:"stale,omitempty"`
	// Versions is nil in a window of time.
	Versions *Versions `json:"versions,omitempty"`
}

// Versions is how far rows have been read in the order of their row versions.
type Versions struct {
	// Reached is the highest version seen.
	Reached int64 `json:"reached,string"`
	// Settled is the version up to which nothing can come in any more: that of
	// the last row before the first that changed within the flow's lag. Versions
	// are given before they can be seen, so that a lower one may appear late.
	Settled int64 `json:"settled,string"`
	// Complete tells that nothing newer came.
	Complete bool `json:"complete"`
}

// After adds what the window that went on from here has read. A window knows nothing
// of those before it: what was not settled in one of them stays so.
func (v Versions) After(next Versions) *Versions {
	if v.Settled < v.Reached {
		next.Settled = v.Settled
	}
	return &next
}

// New begins a window of time, or with versions one that reads from there on.
func New(versions *Versions) Reader { return Reader{Next: 1, Versions: versions} }

// read takes in the page that was to be read next. fresh tells that it showed an order
// that is new, or newer than before; seen is how many distinct orders the window has
// shown by now. It gives a final *fault.Error if the window can't be read to its end.
func (r *Reader) read(page Page, fresh bool, seen int) error {
	if count := max(page.DataCount, seen); count > mostOrders {
		return windowTooLarge(count)
	}
	r.Stale++
	if fresh {
		r.Stale = 0
	}
	// A page holds one order at least, so there can't be more pages of orders seen
	// than there are such orders.
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
			r.Next = 0 // one reply has shown all there is
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

// turnVersions leaves Next at 1: the rows read are no longer asked for.
func (r *Reader) turnVersions(page Page, seen int) error {
	r.Pages++
	r.Pass = 1
	versions := *r.Versions
	newer := page.LastTS > versions.Reached
	if page.More && !newer {
		return versionsUnsupported(versions.Reached)
	}
	if newer {
		if versions.Settled == versions.Reached {
			versions.Settled = max(versions.Settled, page.SettledTS)
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
	return unreadable("window_too_large", fmt.Sprintf(
		"该时段有 %[1]d 单，一个窗口最多 %[2]d 单。 This window has %[1]d orders, and one can have %[2]d at most",
		count, mostOrders), "请把流程文件里的 window 调小后重跑。 Shorten window in the flow file, then run again")
}

func sourceRepeats(pages int) error {
	return unreadable("source_repeats", fmt.Sprintf(
		"聚水潭连续 %[1]d 页都没有新的售后单，像是在重复同一页。 The last %[1]d pages of the source showed no new order, as if it repeated one page",
		pages), "请联系聚水潭，稍后重跑同一时段。 Ask Jushuitan's support, and run the range again later")
}

func sourceUnsettled(count, seen int) error {
	return unreadable("source_unsettled", fmt.Sprintf(
		"聚水潭称该时段有 %[1]d 单，读了 %[2]d 遍，见到 %[3]d 单，仍在变动。 The source counts %[1]d orders in this window; %[2]d passes showed %[3]d, and they still move",
		count, passes, seen), "请缩短窗口或把结束时间放早几分钟后重跑。 Shorten the window or end the range some minutes earlier, then run again")
}

func versionsUnsupported(from int64) error {
	return unreadable("row_versions_unsupported", fmt.Sprintf(
		"从行版本 %[1]d 起的整页里没有更新的行：该接口可能不支持 start_ts。 A full page from row version %[1]d on holds no newer row: the interface may not know start_ts",
		from), "请把流程文件的 source.cursor 改为 time。 Set source.cursor to time in the flow file")
}

func unreadable(reason, message, advice string) error {
	return &fault.Error{Class: fault.Final, Reason: reason, Message: message, Advice: text.Literal(advice)}
}
