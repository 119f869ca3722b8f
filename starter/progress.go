package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/literal"
	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// progressView shows the progress of a run.
type progressView interface {
	show(progress)
	// silent says that no worker answers.
	silent()
	// end is called once, with what the run did in all.
	end(workflows.SyncFlowResult)
	// stop is called instead if the run goes on unwatched.
	stop()
}

// newProgressView is a bar on a terminal, and a line now and then elsewhere.
func newProgressView(w io.Writer) progressView {
	if terminal := terminalBehind(w); terminal != nil {
		return newBarView(terminal, func() int { return columnsOf(terminal) })
	}
	return newLineView(w, "")
}

// noWorker is the error of what only a worker can answer.
func noWorker() error {
	return text.Errorf("no worker answers: is one running, on the same task queue? See: starter check")
}

// notices are lines that are written once, when a state begins.
type notices struct {
	w io.Writer
	// columns is the width of the terminal, 0 for none.
	columns func() int
	// prefix tells several runs apart.
	prefix       string
	waits, grain string
	warned       bool
}

func (n *notices) say(line string) {
	fmt.Fprintln(n.w, wrap(literal.Terminal(n.prefix+line), n.columns()))
}

func (n *notices) show(p progress) {
	n.warned = false
	if grain := grainText(p.run.Grain, p.run.GrainAuto); grain != n.grain {
		n.grain = grain
		if p.run.Orders > 0 {
			n.say(text.Sprintf("%s · about %d orders expected", grain, p.run.Orders))
		} else {
			n.say(grain)
		}
	}
	if waits := waitsText(p.run.Control); waits != n.waits {
		n.waits = waits
		n.say(cmp.Or(waits, text.Sprintf("resumed")))
	}
}

func (n *notices) silent() {
	if !n.warned {
		n.say(noWorker().Error())
		n.warned = true
	}
}

// barView rewrites one line of a terminal.
type barView struct {
	notices
	pace
	w io.Writer
	// last is the line last shown.
	last string
}

func newBarView(w io.Writer, columns func() int) *barView {
	return &barView{notices: notices{w: barClearer{w}, columns: columns}, w: w}
}

func (v *barView) show(p progress) {
	v.notices.show(p)
	v.add(time.Now(), p)
	v.last = "\r" + barLine(p, v.permille, v.remaining(), v.columns()-1) + clearRest
	fmt.Fprint(v.w, v.last)
}

func (v *barView) end(workflows.SyncFlowResult) { fmt.Fprint(v.w, "\r"+clearRest) }

// stop leaves the last line on the screen, without the ^C that the terminal echoed.
func (v *barView) stop() {
	if v.last != "" {
		fmt.Fprintln(v.w, v.last)
	}
}

// clearRest clears a terminal's line from the cursor on.
const clearRest = "\x1b[K"

// barClearer clears the bar before a line is written.
type barClearer struct{ w io.Writer }

func (b barClearer) Write(text []byte) (int, error) {
	if _, err := io.WriteString(b.w, "\r"+clearRest); err != nil {
		return 0, err
	}
	return b.w.Write(text)
}

// barLine is a line of so many columns at most: a bar, and those of its texts that fit.
func barLine(p progress, permille int, remaining string, columns int) string {
	bar := max(min(columns/5, 30), 4)
	done := bar * permille / 1000
	line := fmt.Sprintf("[%s%s] %d%%", strings.Repeat("=", done), strings.Repeat(" ", bar-done), permille/10)
	for _, part := range barTexts(p, remaining) {
		if longer := line + " · " + part; widths.StringWidth(longer) <= columns {
			line = longer
		}
	}
	return widths.Truncate(line, max(columns, 0), "")
}

// barTexts describe the progress of a run, the more important first.
func barTexts(p progress, remaining string) (texts []string) {
	switch {
	case len(p.run.Control.Held) > 0:
		texts = append(texts, text.Sprintf("held"))
	case p.run.Control.Paused != nil:
		texts = append(texts, text.Sprintf("paused"))
	case remaining != "":
		texts = append(texts, text.Sprintf("%s to go", remaining))
	}
	texts = append(texts, ordersDone(p.Fetched-p.InFlight(), p.expected))
	for _, count := range []struct {
		count   int
		outcome text.Text
	}{
		{p.Parked, text.New("%d parked", p.Parked)},
		{p.Failed, text.New("%d failed", p.Failed)},
		{p.Saved, text.New("%d saved", p.Saved)},
		{p.Updated, text.New("%d updated", p.Updated)},
		{p.AlreadySaved, text.New("%d already saved", p.AlreadySaved)},
		{p.SkippedTotal(), text.New("%d skipped", p.SkippedTotal())},
	} {
		if count.count > 0 {
			texts = append(texts, count.outcome.String())
		}
	}
	return append(texts, windowsDone(p))
}

func windowsDone(p progress) string {
	return text.Sprintf("windows %d/%d", p.run.WindowsDone, p.run.Windows)
}

// lineInterval is how often a line is written at most.
const lineInterval = 5 * time.Second

// lineView writes a line when there is something new.
type lineView struct {
	notices
	pace
	last string
	next time.Time
}

func newLineView(w io.Writer, prefix string) *lineView {
	return &lineView{notices: notices{w: w, columns: func() int { return terminalColumns(w) }, prefix: prefix}}
}

func (v *lineView) show(p progress) {
	v.notices.show(p)
	now := time.Now()
	v.add(now, p)
	done := windowsDone(p) + " · " + counts(p.Tally)
	if done == v.last || now.Before(v.next) || p.Fetched == 0 && p.run.WindowsDone == 0 {
		return
	}
	v.last, v.next = done, now.Add(lineInterval)
	parts := []string{fmt.Sprintf("%d%%", v.permille/10)}
	if remaining := v.remaining(); remaining != "" {
		parts = append(parts, text.Sprintf("%s to go", remaining))
	}
	v.say(strings.Join(append(parts, done), " · "))
}

// end says nothing of a run that had ended before anybody looked: its result says it all.
func (v *lineView) end(result workflows.SyncFlowResult) {
	if v.grain != "" {
		v.say(text.Sprintf("ended · %s", counts(result.Tally)))
	}
}

func (*lineView) stop() {}

// waitsText says why a run begins nothing new, a line for each reason; "" if it does.
func waitsText(control workflows.Control) string {
	var lines []string
	for _, hold := range control.Held {
		lines = append(lines, heldText(hold))
	}
	if control.Paused != nil {
		lines = append(lines, pausedText(*control.Paused))
	}
	return strings.Join(lines, "\n")
}

func pausedText(pause workflows.Pause) string {
	since := pause.Since.In(beijing.Zone).Format(time.DateTime)
	if pause.Reason == "" {
		return text.Sprintf("paused at %s by %s", since, pause.By)
	}
	return text.Sprintf("paused at %s by %s: %s", since, pause.By, pause.Reason)
}

// grainText says how many orders an activity of a run saves.
func grainText(grain string, auto bool) string {
	if auto {
		return text.Sprintf("grain %s (auto)", grain)
	}
	return text.Sprintf("grain %s", grain)
}

// ordersDone counts the orders that are done, of those expected if that is known.
func ordersDone(done, expected int) string {
	if expected == 0 {
		return text.Sprintf("orders %d", done)
	}
	return text.Sprintf("orders %d/%d", done, expected)
}

func counts(t tally.Tally) string {
	return text.Sprintf("fetched %d · saved %d · updated %d · already saved %d · skipped %d · parked %d · failed %d",
		t.Fetched, t.Saved, t.Updated, t.AlreadySaved, t.SkippedTotal(), t.Parked, t.Failed)
}
