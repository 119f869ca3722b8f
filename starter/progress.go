package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"

	"refundsync/internal/beijing"
	"refundsync/internal/literal"
	"refundsync/internal/tally"
	"refundsync/workflows"
)

// progressView shows the progress of a run.
type progressView interface {
	show(progress)
	// silent says that no worker answers.
	silent()
	// end is called once, with what the run did in all.
	end(workflows.SyncRefundsResult)
}

// newProgressView is a bar on a terminal, and a line now and then elsewhere.
func newProgressView(w io.Writer) progressView {
	if file := terminalBehind(w); file != nil {
		return &barView{notices: notices{w: barClearer{file}}, w: file, columns: func() int {
			columns, _, err := term.GetSize(int(file.Fd()))
			if err != nil {
				return 80
			}
			return columns
		}}
	}
	return newLineView(w, "")
}

// terminalBehind gives the terminal that a command writes to, for what moves its
// cursor; nil if it is none.
func terminalBehind(w io.Writer) *os.File {
	literally, ok := w.(*literal.Writer)
	if !ok {
		return nil
	}
	if file, ok := literally.To.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return file
	}
	return nil
}

const noWorker = "没有 worker 应答；worker 是否在运行？任务队列是否相同？（starter check） No worker answers: is one running, on the same task queue? See starter check"

// notices are lines that are said once, when what they say begins.
type notices struct {
	w io.Writer
	// prefix tells several runs apart.
	prefix        string
	paused, grain string
	warned        bool
}

func (n *notices) say(text string) { fmt.Fprintln(&literal.Writer{To: n.w}, n.prefix+text) }

func (n *notices) show(p progress) {
	n.warned = false
	if grain := grainText(p.run.Grain, p.run.GrainAuto); grain != n.grain {
		n.grain = grain
		if p.run.Orders > 0 {
			grain += fmt.Sprintf(" · 预计 expected 约 about %d 单 orders", p.run.Orders)
		}
		n.say(grain)
	}
	if paused := pausedText(p.run.Control.Paused); paused != n.paused {
		n.paused = paused
		n.say(cmp.Or(paused, "已继续 resumed"))
	}
}

func (n *notices) silent() {
	if !n.warned {
		n.say(noWorker)
		n.warned = true
	}
}

// barView rewrites one line of a terminal.
type barView struct {
	notices
	pace
	w       io.Writer
	columns func() int
}

func (v *barView) show(p progress) {
	v.notices.show(p)
	v.take(time.Now(), p)
	fmt.Fprint(v.w, "\r"+barLine(p, v.permille, v.left(), v.columns()-1)+clearRest)
}

func (v *barView) end(workflows.SyncRefundsResult) { fmt.Fprint(v.w, "\r"+clearRest) }

// clearRest clears a terminal's line from the cursor on.
const clearRest = "\x1b[K"

// barClearer takes the bar away before a line is written.
type barClearer struct{ w io.Writer }

func (b barClearer) Write(text []byte) (int, error) {
	if _, err := io.WriteString(b.w, "\r"+clearRest); err != nil {
		return 0, err
	}
	return b.w.Write(text)
}

// columnsOf counts the columns that a text takes at most: a terminal may show some
// characters, such as ·, in one or in two.
var columnsOf = runewidth.Condition{EastAsianWidth: true, StrictEmojiNeutral: true}

// barLine is a line of so many columns at most: a bar, and what has room of what is to be
// said.
func barLine(p progress, permille int, left string, columns int) string {
	bar := max(min(columns/5, 30), 4)
	done := bar * permille / 1000
	line := fmt.Sprintf("[%s%s] %d%%", strings.Repeat("=", done), strings.Repeat(" ", bar-done), permille/10)
	for _, text := range barTexts(p, left) {
		if longer := line + " · " + text; columnsOf.StringWidth(longer) <= columns {
			line = longer
		}
	}
	return columnsOf.Truncate(line, max(columns, 0), "")
}

// barTexts are what is to be said of a run, the more important first.
func barTexts(p progress, left string) (texts []string) {
	if p.run.Control.Paused != nil {
		texts = append(texts, "已暂停 paused")
	} else if left != "" {
		texts = append(texts, "剩 left "+left)
	}
	texts = append(texts, "单 orders "+doneOf(p.Fetched-p.InFlight(), p.expected))
	for _, count := range []struct {
		name  string
		count int
	}{
		{"挂起 parked", p.Parked}, {"失败 failed", p.Failed},
		{"保存 saved", p.Saved}, {"更新 updated", p.Updated}, {"已存在 already", p.AlreadySaved}, {"跳过 skipped", p.SkippedTotal()},
	} {
		if count.count > 0 {
			texts = append(texts, fmt.Sprintf("%s %d", count.name, count.count))
		}
	}
	return append(texts, fmt.Sprintf("窗口 windows %d/%d", p.run.WindowsDone, p.run.Windows))
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
	return &lineView{notices: notices{w: w, prefix: prefix}}
}

func (v *lineView) show(p progress) {
	v.notices.show(p)
	now := time.Now()
	v.take(now, p)
	text := fmt.Sprintf("窗口 windows %d/%d · %s", p.run.WindowsDone, p.run.Windows, counts(p.Tally))
	if text == v.last || now.Before(v.next) || p.Fetched == 0 && p.run.WindowsDone == 0 {
		return
	}
	v.last, v.next = text, now.Add(lineInterval)
	head := fmt.Sprintf("%d%% · ", v.permille/10)
	if left := v.left(); left != "" {
		head += "剩 left " + left + " · "
	}
	v.say(head + text)
}

func (v *lineView) end(result workflows.SyncRefundsResult) {
	v.say(fmt.Sprintf("共 %d 页 pages · %s", result.Pages, counts(result.Tally)))
}

// pausedText is empty while the run goes on.
func pausedText(pause *workflows.Pause) string {
	if pause == nil {
		return ""
	}
	text := fmt.Sprintf("已暂停 paused %s · %s", pause.Since.In(beijing.Zone).Format("01-02 15:04:05"), pause.By)
	if pause.Reason != "" {
		text += ": " + pause.Reason
	}
	return text
}

// grainText says what one activity of a run saves.
func grainText(grain string, auto bool) string {
	if auto {
		return "粒度 grain " + grain + "（自动 auto）"
	}
	return "粒度 grain " + grain
}

// doneOf says how many of the orders expected are done, where it is known how many there
// are.
func doneOf(done, expected int) string {
	if expected == 0 {
		return strconv.Itoa(done)
	}
	return fmt.Sprintf("%d/%d", done, expected)
}

func counts(t tally.Tally) string {
	return fmt.Sprintf("读取 fetched %d · 保存 saved %d · 更新 updated %d · 已存在 already %d · 跳过 skipped %d · 挂起 parked %d · 失败 failed %d",
		t.Fetched, t.Saved, t.Updated, t.AlreadySaved, t.SkippedTotal(), t.Parked, t.Failed)
}
