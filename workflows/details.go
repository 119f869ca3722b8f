package workflows

import (
	"fmt"
	"strings"
	"time"

	"refundsync/internal/catalog"
)

// failuresShown bounds the failures that the current details show.
const failuresShown = 10

// windowDetails renders the state of a window for the Web UI.
func windowDetails(window Window, state WindowState, control Control) string {
	var b strings.Builder
	b.WriteString(pauseDetails(control))
	fmt.Fprintf(&b, "**窗口 Window** %s\n\n", window)
	switch {
	case state.RowVersions != nil:
		fmt.Fprintf(&b, "**行版本 Row version** 已读到 read up to %d\n\n", state.RowVersions.Reached)
	case state.Page == 0:
		fmt.Fprintf(&b, "**页 Pages** %d，已读完 all read\n\n", state.Tally.Pages)
	case state.PageCount > 0:
		fmt.Fprintf(&b, "**页 Pages** %d，下一页 next: %d\n\n", state.PageCount, state.Page)
	}
	b.WriteString(tallyDetails(state.Tally))
	return b.String()
}

// runDetails renders the state of a run for the Web UI.
func runDetails(progress SyncRefundsProgress) string {
	var b strings.Builder
	b.WriteString(pauseDetails(progress.Control))
	fmt.Fprintf(&b, "**时段 Range** %s\n\n", progress.Range)
	b.WriteString(clockDetails(progress.SourceAhead))
	fmt.Fprintf(&b, "**速率 Rate** 同时窗口 windows at once %d · 每窗口在途单 orders in flight in each %d\n\n",
		progress.Rate.WindowsAtOnce, progress.Rate.InFlight)
	fmt.Fprintf(&b, "**窗口 Windows** %d / %d\n\n", progress.WindowsDone, progress.Windows)
	for _, running := range progress.Running {
		fmt.Fprintf(&b, "- 正在读取 reading %s\n", running.Window)
	}
	if len(progress.Running) > 0 {
		b.WriteString("\n")
	}
	b.WriteString(tallyDetails(progress.Tally))
	if progress.Watermark != nil {
		fmt.Fprintf(&b, "\n**水位 Watermark** %s\n", progress.Watermark.In(catalog.Beijing).Format("2006-01-02 15:04:05"))
	}
	return b.String()
}

// clockDetails says that the clocks are apart, if they are.
func clockDetails(ahead time.Duration) string {
	chinese, english := "快", "ahead of"
	switch {
	case ahead == 0:
		return ""
	case ahead < 0:
		chinese, english = "慢", "behind"
	}
	apart := ahead.Abs().Round(time.Second)
	return fmt.Sprintf("**⚠ 时钟 Clocks** 聚水潭的时钟比 worker 的%[1]s至少 %[2]s，时段按较慢的时钟：请与网络时间（NTP）同步。"+
		" Jushuitan's clock is %[2]s or more %[3]s the worker's, and the range is by the slower one: synchronise with network time (NTP)\n\n", chinese, apart, english)
}

// pauseDetails says that the run is paused, if it is.
func pauseDetails(control Control) string {
	pause := control.Paused
	if pause == nil {
		return ""
	}
	text := fmt.Sprintf("**⏸ 已暂停 Paused** %s · %s", pause.Since.In(catalog.Beijing).Format("2006-01-02 15:04:05"), tableCell(pause.By))
	if pause.Reason != "" {
		text += ": " + tableCell(pause.Reason)
	}
	return text + "\n\n"
}

func tallyDetails(tally Tally) string {
	var b strings.Builder
	b.WriteString("| 结果 Outcome | 单数 Orders |\n|---|---:|\n")
	row := func(label string, count int) { fmt.Fprintf(&b, "| %s | %d |\n", label, count) }
	row("读取 fetched", tally.Fetched)
	row("保存 saved", tally.Saved)
	row("更新 updated", tally.Updated)
	row("此前已保存 already saved", tally.AlreadySaved)
	for _, reason := range Reasons(tally.Skipped) {
		row("跳过 skipped: "+tableCell(reason), tally.Skipped[reason])
	}
	row("挂起 parked", tally.Parked)
	row("失败 failed", tally.Failed)
	for _, reason := range Reasons(tally.FailedReasons) {
		row("其中 of which: "+tableCell(reason), tally.FailedReasons[reason])
	}
	if inFlight := tally.InFlight(); inFlight > 0 {
		row("处理中 in flight", inFlight)
	}
	for i, differences := range tally.Differences {
		if i == 0 {
			b.WriteString("\n**金蝶的值与发送的不同 Kingdee has other values than were sent**\n\n")
		}
		fmt.Fprintf(&b, "- %s\n", literal.Replace(differences))
	}
	for i, failure := range tally.Failures {
		if i == 0 {
			b.WriteString("\n**挂起或失败的单 Orders parked or failed**\n\n")
		}
		if i == failuresShown {
			fmt.Fprintf(&b, "- … 共 %d 单 in all\n", tally.Parked+tally.Failed)
			break
		}
		fmt.Fprintf(&b, "- %s\n", literal.Replace(failure.Message))
	}
	return b.String()
}

// literal keeps a text, which may quote an order, from being a link, an image or a
// tag in Markdown, or more than one line.
var literal = strings.NewReplacer("\n", " ", "[", `\[`, "<", `\<`)

// tableCell keeps a text from ending its Markdown table cell as well.
func tableCell(text string) string {
	return strings.ReplaceAll(literal.Replace(text), "|", `\|`)
}
