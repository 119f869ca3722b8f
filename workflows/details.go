package workflows

import (
	"fmt"
	"strings"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/literal"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// failuresShown bounds the failures that the current details show.
const failuresShown = 10

// details is Markdown for the Web UI.
type details struct{ strings.Builder }

// entry adds a paragraph with a label.
func (d *details) entry(label text.Text, value any) { fmt.Fprintf(d, "**%s** %s\n\n", label, value) }

// row adds a row to a table.
func (d *details) row(cells ...any) {
	for _, cell := range cells {
		fmt.Fprintf(d, "| %v ", cell)
	}
	d.WriteString("|\n")
}

// shownReason puts a reason into words.
func shownReason(reason string) string { return literal.Markdown(fault.ReasonText(reason).String()) }

func shownTime(t time.Time) string { return t.In(beijing.Zone).Format("2006-01-02 15:04:05") }

// heldDetails renders a run that did nothing because its flow is held or disabled.
func heldDetails(holds []contract.Hold) string {
	var d details
	d.pause(Control{Held: holds})
	text.Fprintf(&d, "The run did nothing and left the watermark where it was; the first run after the hold continues from there.\n")
	return d.String()
}

// windowDetails renders the state of a window.
func windowDetails(window Window, grain string, reading paging.Window, control Control) string {
	var d details
	d.pause(control)
	d.entry(text.New("Window"), window)
	d.entry(text.New("Grain"), grain)
	d.pages(reading)
	d.tally(reading.Orders.Tally)
	return d.String()
}

// pages says how far a window is read.
func (d *details) pages(reading paging.Window) {
	switch {
	case reading.Versions != nil:
		d.entry(text.New("Row version"), text.New("read up to %d", reading.Versions.Reached))
	case reading.Next == 0:
		d.entry(text.New("Pages"), text.New("%d, all read", reading.Pages))
	case reading.PageCount > 0:
		d.entry(text.New("Pages"), text.New("%d, pass %d, next page: %d", reading.PageCount, reading.Pass, reading.Next))
	}
}

// runDetails renders the state of a run.
func runDetails(progress SyncFlowProgress) string {
	var d details
	d.flow(progress.Title)
	d.pause(progress.Control)
	d.entry(text.New("Range"), progress.Range)
	d.clocks(progress.SourceAhead)
	if !progress.NotKept.IsZero() {
		d.entry(text.New("⚠ Flow's text"), literal.Markdown(progress.NotKept.String()))
	}
	d.entry(text.New("Rate"), text.New("%d windows at once · %d orders in flight in each", progress.Rate.WindowsAtOnce, progress.Rate.InFlight))
	d.grain(progress)
	d.entry(text.New("Windows"), fmt.Sprintf("%d / %d", progress.WindowsDone, progress.Windows))
	for _, running := range progress.Running {
		text.Fprintf(&d, "- reading %s\n", running.Window)
	}
	if len(progress.Running) > 0 {
		d.WriteString("\n")
	}
	d.tally(progress.Tally)
	if progress.Watermark != nil {
		d.WriteString("\n")
		d.entry(text.New("Watermark"), shownTime(*progress.Watermark))
	}
	return d.String()
}

// flow says what the flow syncs.
func (d *details) flow(title string) {
	if title != "" {
		d.entry(text.New("Flow"), literal.Markdown(title))
	}
}

// grain says what one activity saves, and why.
func (d *details) grain(progress SyncFlowProgress) {
	var why, expected text.Text
	switch {
	case !progress.GrainAuto:
		why = text.New("set by the flow or for this run")
	case progress.Grain == contract.GrainPage:
		why = text.New("automatic: over %d orders", fewOrders)
	default:
		why = text.New("automatic: up to %d orders", fewOrders)
	}
	if progress.Orders > 0 {
		expected = text.New("about %d orders expected", progress.Orders)
	}
	d.entry(text.New("Grain"), text.Join(" · ", progress.Grain, why, expected))
}

// clocks warns if the clocks differ.
func (d *details) clocks(ahead time.Duration) {
	differ := ahead.Abs().Round(time.Second)
	switch {
	case ahead > 0:
		d.entry(text.New("⚠ Clocks"), text.New("Jushuitan's clock is at least %s ahead of the worker's, and the range goes by the slower one: synchronise with network time (NTP)", differ))
	case ahead < 0:
		d.entry(text.New("⚠ Clocks"), text.New("Jushuitan's clock is at least %s behind the worker's, and the range goes by the slower one: synchronise with network time (NTP)", differ))
	}
}

// pause says that the run is paused or held, if it is.
func (d *details) pause(control Control) {
	if pause := control.Paused; pause != nil {
		who := text.Join(": ", literal.Markdown(pause.By), literal.Markdown(pause.Reason))
		d.entry(text.New("⏸ Paused"), text.Join(" · ", shownTime(pause.Since), who))
	}
	for _, hold := range control.Held {
		d.hold(hold)
	}
}

// hold says who holds what, why, and for how long.
func (d *details) hold(hold contract.Hold) {
	if hold.By == "" {
		return
	}
	scope := text.New("all flows")
	if hold.Flow != "" {
		scope = text.New("flow %s", literal.Markdown(hold.Flow))
	}
	who := text.Join(": ", literal.Markdown(hold.By), literal.Markdown(hold.Note))
	if hold.Disabled {
		d.entry(text.New("⏹ Disabled"), text.Join(" · ", scope, text.New("since %s", shownTime(hold.Since)), who))
		return
	}
	until := text.New("until it is released")
	if !hold.Until.IsZero() {
		until = text.New("until %s", shownTime(hold.Until))
	}
	d.entry(text.New("⏸ Held"), text.Join(" · ", scope, text.New("since %s", shownTime(hold.Since)), until, who))
}

func (d *details) tally(sum tally.Tally) {
	d.row(text.New("Outcome"), text.New("Orders"))
	d.WriteString("|---|---:|\n")
	d.row(text.New("fetched"), sum.Fetched)
	d.row(text.New("saved"), sum.Saved)
	d.row(text.New("updated"), sum.Updated)
	if sum.Unlinked > 0 {
		d.row(text.New("of these, goods without a link to a source bill"), sum.Unlinked)
	}
	d.row(text.New("already saved"), sum.AlreadySaved)
	for _, reason := range tally.Reasons(sum.Skipped) {
		d.row(text.New("skipped: %s", shownReason(reason)), sum.Skipped[reason])
	}
	if sum.BillsDeleted > 0 {
		d.row(text.New("of which bills deleted"), sum.BillsDeleted)
	}
	for _, reason := range tally.Reasons(sum.NotBooked) {
		d.row(text.New("not booked: %s", shownReason(reason)), sum.NotBooked[reason])
	}
	d.row(text.New("parked"), sum.Parked)
	d.row(text.New("failed"), sum.Failed)
	for _, reason := range tally.Reasons(sum.FailedReasons) {
		d.row(text.New("of which: %s", shownReason(reason)), sum.FailedReasons[reason])
	}
	if inFlight := sum.InFlight(); inFlight > 0 {
		d.row(text.New("in flight"), inFlight)
	}
	if len(sum.Differences) > 0 {
		text.Fprintf(d, "\n**Kingdee has other values than were sent**\n\n")
	}
	for _, differences := range sum.Differences {
		fmt.Fprintf(d, "- %s\n", literal.Markdown(differences.String()))
	}
	if len(sum.Failures) > 0 {
		text.Fprintf(d, "\n**Orders parked or failed**\n\n")
	}
	for _, failure := range sum.Failures[:min(len(sum.Failures), failuresShown)] {
		fmt.Fprintf(d, "- %s\n", literal.Markdown(failure.Message.String()))
	}
	if len(sum.Failures) > failuresShown {
		text.Fprintf(d, "- … %d orders in all\n", sum.Parked+sum.Failed)
	}
}
