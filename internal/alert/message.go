package alert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/literal"
	"refundsync/internal/text"
)

// reasonsShown bounds the reasons that a message lists.
const reasonsShown = 8

// Message is a notice as people read it: a title and lines, without markup.
type Message struct {
	Title string
	Lines []string
}

// String is the title and the lines below each other.
func (m Message) String() string {
	return m.Title + "\n" + strings.Join(m.Lines, "\n")
}

// Message puts a notice into words, in the language of the program. Every title
// contains the word refundsync, for robots that ask for a keyword.
func (n Notice) Message() Message {
	about := literal.Chat(cmp.Or(n.Title, n.Flow))
	if n.Company != "" {
		about = n.Company + " · " + about
	}
	m := Message{Title: text.Sprintf("refundsync · %s: %s", about, n.verdict())}
	if n.Test {
		m.add(text.Sprintf("This is a test message. If you can read it, the robot is set up correctly."))
		if n.Summary != nil {
			m.add(text.Sprintf("A daily summary looks like this; the figures are made up:"))
		}
	}
	if n.Summary != nil {
		m.add(n.Summary.lines(literal.Chat(n.Flow), n.At)...)
	}
	for _, hold := range n.Holds {
		m.add(holdLine(hold))
	}
	switch {
	case len(n.Holds) > 0 && n.Held:
		m.add(text.Sprintf("No run begins, runs under way finish what is in flight, and parked orders wait."))
	case len(n.Holds) > 0:
		m.add(text.Sprintf("Runs and parked orders go on."))
	}
	for _, trouble := range n.Firing {
		m.add(trouble.firing(literal.Chat(n.Flow))...)
	}
	for _, trouble := range n.Resolved {
		m.add(trouble.resolved())
	}
	m.add(text.Sprintf("Flow %s · %s, Beijing time", literal.Chat(n.Flow), clock(n.At)))
	return m
}

func (n Notice) verdict() text.Text {
	switch {
	case n.Test:
		return text.New("test")
	case n.Summary != nil:
		return text.New("summary of %s", n.Summary.Day)
	case len(n.Firing) > 0:
		return text.New("needs attention")
	case len(n.Holds) > 0:
		return holdVerdict(n.Holds[len(n.Holds)-1], n.Held)
	default:
		return text.New("resolved")
	}
}

// holdVerdict names what a hold did to the flow, which others may still hold.
func holdVerdict(last contract.Hold, held bool) text.Text {
	switch {
	case last.Disabled && last.Released == nil:
		return text.New("disabled")
	case held:
		return text.New("held")
	case last.Disabled:
		return text.New("enabled")
	}
	return text.New("released")
}

// holdLine says that a hold began, changed or ended.
func holdLine(hold contract.Hold) string {
	by, since := literal.Chat(hold.By), clock(hold.Since)
	switch release := hold.Released; {
	case hold.Disabled && release == nil:
		return text.Sprintf("⏹ The flow was disabled by %s at %s: %s", by, since, literal.Chat(hold.Note))
	case hold.Disabled:
		return text.Sprintf("▶ The flow, disabled by %s since %s, was enabled by %s.", by, since, literal.Chat(cmp.Or(release.By, release.Note)))
	case release != nil && release.By == "":
		return text.Sprintf("▶ The hold by %s, since %s, has ended.", by, since)
	case release != nil:
		return text.Sprintf("▶ The hold by %s, since %s, was released by %s.", by, since, literal.Chat(release.By))
	}
	scope, until := text.New("All flows are held"), text.New("until it is released")
	switch {
	case hold.Flow != "":
		scope = text.New("The flow is held")
	case hold.Company != "":
		scope = text.New("All flows of the company are held")
	}
	if !hold.Until.IsZero() {
		until = text.New("until %s", clock(hold.Until))
	}
	return text.Sprintf("⏸ %s by %s, since %s, %s: %s", scope, by, since, until, literal.Chat(hold.Note))
}

func (m *Message) add(lines ...string) { m.Lines = append(m.Lines, lines...) }

func (t Trouble) firing(flow string) []string {
	run := func() []string {
		return []string{text.Sprintf("Run: %s", literal.Chat(t.RunID)), see("starter watch " + literal.Chat(t.WorkflowID))}
	}
	switch t.Cause {
	case RunFailed:
		return append([]string{text.Sprintf("✗ Failed runs: %d. Reason of the last one: %s.", t.FailedRuns, literal.Chat(fault.ReasonText(t.Reason).String()))}, run()...)
	case OrdersParked:
		return []string{
			text.Sprintf("✗ Newly parked orders: %d (%s). Waiting in total: %d.", total(t.Parked), byReason(t.Parked, fault.ReasonText), t.Waiting),
			see("starter parked list --flow " + flow),
		}
	case SweepFound:
		var lines []string
		if t.Found > 0 {
			lines = append(lines, text.Sprintf("✗ A sweep found orders that had been missed or had changed: %d. They were saved or parked as the flow says.", t.Found))
		}
		if t.Reason != "" {
			lines = append(lines, text.Sprintf("✗ The sweep did not finish. Reason: %s.", literal.Chat(fault.ReasonText(t.Reason).String())))
		}
		return append(lines, run()...)
	case ReconcileDiffers:
		if t.Reason != "" {
			return []string{
				text.Sprintf("✗ The daily reconciliation did not finish. Reason: %s.", literal.Chat(fault.ReasonText(t.Reason).String())),
				text.Sprintf("Run: %s", literal.Chat(t.WorkflowID)),
			}
		}
		return t.Reconciliation.firing(flow)
	case NothingSynced:
		return []string{
			text.Sprintf("✗ No bill has been saved for more than %s (since %s).", hours(t.LimitSeconds), clockOf(t.Last)),
			see("starter status --flow " + flow),
		}
	default:
		return []string{
			text.Sprintf("✗ The watermark is more than %s behind (it is at %s).", hours(t.LimitSeconds), clockOf(t.Last)),
			see("starter status --flow " + flow),
		}
	}
}

func see(command string) string { return text.Sprintf("See: %s", command) }

func (t Trouble) resolved() string {
	if t.Cause == ReconcileDiffers {
		return text.Sprintf("✓ The reconciliation of %s found no differences. The problem began at %s.", t.Reconciliation.days(), clock(t.Since))
	}
	now := map[Cause]text.Text{
		RunFailed:     text.New("Runs succeed again."),
		OrdersParked:  text.New("No parked orders remain."),
		SweepFound:    text.New("The last sweep found nothing missed or changed."),
		NothingSynced: text.New("Bills are being saved again."),
		LagOverLimit:  text.New("The watermark has caught up."),
	}[t.Cause]
	return text.Sprintf("✓ %s The problem began at %s.", now, clock(t.Since))
}

// byReason lists counts, highest first, each with the words of its code.
func byReason(counts map[string]int, words func(string) text.Text) string {
	reasons := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var parts []string
	for i, reason := range reasons {
		if i == reasonsShown {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, fmt.Sprintf("%s %d", literal.Chat(words(reason).String()), counts[reason]))
	}
	return strings.Join(parts, ", ")
}

func total(counts map[string]int) int {
	sum := 0
	for _, count := range counts {
		sum += count
	}
	return sum
}

// clock is a time in Beijing time.
func clock(t time.Time) string { return t.In(beijing.Zone).Format("2006-01-02 15:04") }

func clockOf(t *time.Time) string {
	if t == nil {
		return "?"
	}
	return clock(*t)
}

// hours writes a duration without zero units: 24h, not 24h0m0s.
func hours(seconds int) string {
	written := (time.Duration(seconds) * time.Second).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(written, zero) {
			written = written[:len(written)-2]
		}
	}
	return written
}
