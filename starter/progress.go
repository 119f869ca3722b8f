package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"refundsync/internal/catalog"
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

// newProgressView is a bar on a terminal and a line a page elsewhere.
func newProgressView(w io.Writer) progressView {
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return newBarView(w)
	}
	return &lineView{w: w}
}

const noWorker = "没有 worker 应答；worker 是否在运行？任务队列是否相同？（starter check） No worker answers: is one running, on the same task queue? See starter check"

type barView struct {
	bar      *progressbar.ProgressBar
	permille int
}

func newBarView(w io.Writer) *barView {
	return &barView{bar: progressbar.NewOptions(1000,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetWidth(30),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(true),
	)}
}

func (v *barView) show(p progress) {
	v.bar.Describe(pausedText(p.paused) + counts(p.Tally))
	// A window that ends between two questions is in neither answer for a
	// moment; a bar that runs backwards would only frighten.
	v.permille = max(v.permille, p.permille)
	_ = v.bar.Set(v.permille)
}

func (v *barView) silent() { v.bar.Describe(noWorker) }

func (v *barView) end(result workflows.SyncRefundsResult) {
	v.bar.Describe(counts(result.Tally))
	_ = v.bar.Set(1000)
	_ = v.bar.Exit()
	_ = v.bar.Clear()
}

type lineView struct {
	w io.Writer
	// prefix tells several runs apart.
	prefix string
	pages  int
	warned bool
	paused string
}

func (v *lineView) show(p progress) {
	v.warned = false
	if paused := pausedText(p.paused); paused != v.paused {
		v.paused = paused
		fmt.Fprintln(v.w, cmp.Or(strings.TrimSuffix(paused, " · "), "已继续 resumed"))
	}
	// One look can find several new pages; each gets its line.
	for ; v.pages < p.Pages; v.pages++ {
		fmt.Fprintf(v.w, "%s第 %d 页 page %d · 窗口 windows %d/%d · %s\n", v.prefix, v.pages+1, v.pages+1, p.windowsDone, p.windows, counts(p.Tally))
	}
}

func (v *lineView) silent() {
	if !v.warned {
		fmt.Fprintln(v.w, v.prefix+noWorker)
		v.warned = true
	}
}

func (v *lineView) end(result workflows.SyncRefundsResult) {
	fmt.Fprintf(v.w, "%s共 %d 页 pages · %s\n", v.prefix, result.Pages, counts(result.Tally))
}

// pausedText is empty while the run goes on.
func pausedText(pause *workflows.Pause) string {
	if pause == nil {
		return ""
	}
	text := fmt.Sprintf("已暂停 paused %s · %s", pause.Since.In(catalog.Beijing).Format("01-02 15:04:05"), pause.By)
	if pause.Reason != "" {
		text += ": " + pause.Reason
	}
	return text + " · "
}

func counts(t workflows.Tally) string {
	return fmt.Sprintf("读取 fetched %d · 保存 saved %d · 更新 updated %d · 已存在 already %d · 跳过 skipped %d · 挂起 parked %d · 失败 failed %d",
		t.Fetched, t.Saved, t.Updated, t.AlreadySaved, t.SkippedTotal(), t.Parked, t.Failed)
}
