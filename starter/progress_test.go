package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/tally"
	"refundsync/workflows"
)

func TestBarFitsTheTerminal(t *testing.T) {
	running := newProgress(workflows.SyncRefundsProgress{Windows: 2, WindowsDone: 1, Orders: 1_000_000, Tally: tally.Tally{
		Fetched: 500_000, Saved: 445_679, Skipped: map[string]int{"仅退款": 50_000}, Parked: 4_000, Failed: 321,
	}}, nil)
	paused := running
	paused.run.Control.Paused = &workflows.Pause{By: "li", Reason: strings.Repeat("金蝶备份", 50)}
	for _, c := range []struct {
		name    string
		p       progress
		left    string
		columns int
		want    string
	}{
		{"80", running, "1h20m", 79, "[=======        ] 50% · 剩 left 1h20m · 单 orders 500000/1000000"},
		{"120", running, "1h20m", 119, "[===========            ] 50% · 剩 left 1h20m · 单 orders 500000/1000000 · 挂起 parked 4000 · 失败 failed 321"},
		{"wide", running, "1h20m", 200, "[===============               ] 50% · 剩 left 1h20m · 单 orders 500000/1000000 · 挂起 parked 4000 · 失败 failed 321 · 保存 saved 445679 · 跳过 skipped 50000 · 窗口 windows 1/2"},
		{"not known how long", running, "", 79, "[=======        ] 50% · 单 orders 500000/1000000 · 挂起 parked 4000"},
		{"paused", paused, "", 79, "[=======        ] 50% · 已暂停 paused · 单 orders 500000/1000000"},
		{"nothing known", progress{}, "", 79, "[               ] 0% · 单 orders 0 · 窗口 windows 0/0"},
		{"narrow", running, "1h20m", 20, "[==  ] 50%"},
		{"none", running, "1h20m", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, barLine(c.p, int(1000*c.p.share), c.left, c.columns))
		})
	}
	for columns := range 250 {
		for _, p := range []progress{running, paused, {}} {
			require.LessOrEqual(t, columnsOf.StringWidth(barLine(p, 1000, "40d01h", columns)), columns)
		}
	}
}

// A bar is one line, whatever is said beside it.
func TestBarRewritesItsLine(t *testing.T) {
	var out bytes.Buffer
	v := &barView{notices: notices{w: barClearer{&out}}, w: &out, columns: func() int { return 80 }}
	p := newProgress(workflows.SyncRefundsProgress{Windows: 1, Orders: 10, Grain: "order", GrainAuto: true}, nil)
	v.show(p)
	v.silent()
	v.silent()
	p.run.Control.Paused = &workflows.Pause{By: "li\x1b[2J"}
	v.show(p)
	v.end(workflows.SyncRefundsResult{})
	const clear = "\r\x1b[K"
	bar := func(rest string) string { return "\r[               ] 0%" + rest + "\x1b[K" }
	require.Equal(t, clear+"粒度 grain order（自动 auto） · 预计 expected 约 about 10 单 orders\n"+
		bar(" · 单 orders 0/10 · 窗口 windows 0/1")+
		clear+noWorker+"\n"+
		clear+"已暂停 paused 01-01 08:00:00 · li□[2J\n"+
		bar(" · 已暂停 paused · 单 orders 0/10 · 窗口 windows 0/1")+
		clear, out.String())
}

// Without a terminal there is a line when something is new, and not more than one every
// few seconds, however many pages come at once.
func TestLinesAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		v := newLineView(&out, "a/run · ")
		for tick := range 60 { // half a minute
			done, fetched := 0, 0
			if tick >= 20 { // much at once, and then nothing
				done, fetched = 1, 5000
			}
			v.show(newProgress(workflows.SyncRefundsProgress{Grain: "page", Windows: 2, WindowsDone: done, Orders: 10_000, Tally: tally.Tally{Fetched: fetched, Saved: fetched}}, nil))
			time.Sleep(progressInterval)
		}
		for fetched := range 60 { // something new at each look
			v.show(newProgress(workflows.SyncRefundsProgress{Grain: "page", Windows: 2, WindowsDone: 1, Orders: 10_000, Tally: tally.Tally{Fetched: 5000 + fetched, Saved: 5000 + fetched}}, nil))
			time.Sleep(progressInterval)
		}
		v.end(workflows.SyncRefundsResult{Tally: tally.Tally{Fetched: 5059, Saved: 5059, Pages: 51}})
		var lines []string
		for line := range strings.Lines(out.String()) {
			require.True(t, strings.HasPrefix(line, "a/run · "), line)
			lines = append(lines, strings.TrimSpace(strings.TrimPrefix(line, "a/run · ")))
		}
		require.Equal(t, "粒度 grain page · 预计 expected 约 about 10000 单 orders", lines[0])
		require.Contains(t, lines[1], "50% · 剩 left 10s · 窗口 windows 1/2 · 读取 fetched 5000 ")
		require.Contains(t, lines[len(lines)-1], "共 51 页 pages · 读取 fetched 5059")
		require.Len(t, lines, 3+int(60*progressInterval/lineInterval))
	})
}
