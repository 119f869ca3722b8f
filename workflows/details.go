package workflows

import (
	"fmt"
	"strings"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/literal"
	"refundsync/internal/paging"
	"refundsync/internal/tally"
)

// failuresShown bounds the failures that the current details show.
const failuresShown = 10

// windowDetails renders the state of a window for the Web UI.
func windowDetails(window Window, grain string, reading paging.Window, control Control) string {
	var b strings.Builder
	b.WriteString(pauseDetails(control))
	fmt.Fprintf(&b, "**窗口 Window** %s\n\n", window)
	fmt.Fprintf(&b, "**粒度 Grain** %s\n\n", grain)
	switch {
	case reading.Versions != nil:
		fmt.Fprintf(&b, "**行版本 Row version** 已读到 read up to %d\n\n", reading.Versions.Reached)
	case reading.Next == 0:
		fmt.Fprintf(&b, "**页 Pages** %d，已读完 all read\n\n", reading.Pages)
	case reading.PageCount > 0:
		fmt.Fprintf(&b, "**页 Pages** %d，第 %d 遍 pass，下一页 next: %d\n\n", reading.PageCount, reading.Pass, reading.Next)
	}
	b.WriteString(tallyDetails(reading.Orders.Tally))
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
	b.WriteString(grainDetails(progress))
	fmt.Fprintf(&b, "**窗口 Windows** %d / %d\n\n", progress.WindowsDone, progress.Windows)
	for _, running := range progress.Running {
		fmt.Fprintf(&b, "- 正在读取 reading %s\n", running.Window)
	}
	if len(progress.Running) > 0 {
		b.WriteString("\n")
	}
	b.WriteString(tallyDetails(progress.Tally))
	if progress.Watermark != nil {
		fmt.Fprintf(&b, "\n**水位 Watermark** %s\n", progress.Watermark.In(beijing.Zone).Format("2006-01-02 15:04:05"))
	}
	return b.String()
}

// grainDetails says what one activity saves, and why.
func grainDetails(progress SyncRefundsProgress) string {
	var why string
	switch {
	case !progress.GrainAuto:
		why = "流程或本次运行指定 fixed by the flow or for this run"
	case progress.Grain == contract.GrainPage:
		why = fmt.Sprintf("自动：超过 %d 单 auto: over %[1]d orders", fewOrders)
	default:
		why = fmt.Sprintf("自动：不超过 %d 单 auto: up to %[1]d orders", fewOrders)
	}
	text := fmt.Sprintf("**粒度 Grain** %s · %s", progress.Grain, why)
	if progress.Orders > 0 {
		text += fmt.Sprintf(" · 预计 expected %d", progress.Orders)
	}
	return text + "\n\n"
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
	text := fmt.Sprintf("**⏸ 已暂停 Paused** %s · %s", pause.Since.In(beijing.Zone).Format("2006-01-02 15:04:05"), literal.Markdown(pause.By))
	if pause.Reason != "" {
		text += ": " + literal.Markdown(pause.Reason)
	}
	return text + "\n\n"
}

func tallyDetails(sum tally.Tally) string {
	var b strings.Builder
	b.WriteString("| 结果 Outcome | 单数 Orders |\n|---|---:|\n")
	row := func(label string, count int) { fmt.Fprintf(&b, "| %s | %d |\n", label, count) }
	row("读取 fetched", sum.Fetched)
	row("保存 saved", sum.Saved)
	row("更新 updated", sum.Updated)
	row("此前已保存 already saved", sum.AlreadySaved)
	for _, reason := range tally.Reasons(sum.Skipped) {
		row("跳过 skipped: "+literal.Markdown(reason), sum.Skipped[reason])
	}
	for _, reason := range tally.Reasons(sum.NotBooked) {
		fmt.Fprintf(&b, "| %s | %s |\n", "未入账 not booked: "+literal.Markdown(reason), sum.NotBooked[reason])
	}
	row("挂起 parked", sum.Parked)
	row("失败 failed", sum.Failed)
	for _, reason := range tally.Reasons(sum.FailedReasons) {
		row("其中 of which: "+literal.Markdown(reason), sum.FailedReasons[reason])
	}
	if inFlight := sum.InFlight(); inFlight > 0 {
		row("处理中 in flight", inFlight)
	}
	for i, differences := range sum.Differences {
		if i == 0 {
			b.WriteString("\n**金蝶的值与发送的不同 Kingdee has other values than were sent**\n\n")
		}
		fmt.Fprintf(&b, "- %s\n", literal.Markdown(differences.String()))
	}
	for i, failure := range sum.Failures {
		if i == 0 {
			b.WriteString("\n**挂起或失败的单 Orders parked or failed**\n\n")
		}
		if i == failuresShown {
			fmt.Fprintf(&b, "- … 共 %d 单 in all\n", sum.Parked+sum.Failed)
			break
		}
		fmt.Fprintf(&b, "- %s\n", literal.Markdown(failure.Message.String()))
	}
	return b.String()
}
