package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/tally"
	"refundsync/internal/text"
	"refundsync/workflows"
)

func TestBarFitsTheTerminal(t *testing.T) {
	running := newProgress(workflows.SyncFlowProgress{Windows: 2, WindowsDone: 1, Orders: 1_000_000, Tally: tally.Tally{
		Fetched: 500_000, Saved: 445_679, Skipped: map[string]int{"仅退款": 50_000}, Parked: 4_000, Failed: 321,
	}}, nil)
	paused := running
	paused.run.Control.Paused = &workflows.Pause{By: "li", Reason: strings.Repeat("金蝶备份", 50)}
	for _, c := range []struct {
		name      string
		p         progress
		remaining string
		columns   int
		want      string
	}{
		{"80", running, "1h20m", 79, "[=======        ] 50% · 1h20m to go · orders 500000/1000000 · 4000 parked"},
		{"120", running, "1h20m", 119, "[===========            ] 50% · 1h20m to go · orders 500000/1000000 · 4000 parked · 321 failed · 445679 saved"},
		{"wide", running, "1h20m", 200, "[===============               ] 50% · 1h20m to go · orders 500000/1000000 · 4000 parked · 321 failed · 445679 saved · 50000 skipped · windows 1/2"},
		{"not known how long", running, "", 79, "[=======        ] 50% · orders 500000/1000000 · 4000 parked · 321 failed"},
		{"paused", paused, "", 79, "[=======        ] 50% · paused · orders 500000/1000000 · 4000 parked"},
		{"nothing known", progress{}, "", 79, "[               ] 0% · orders 0 · windows 0/0"},
		{"narrow", running, "1h20m", 20, "[==  ] 50%"},
		{"none", running, "1h20m", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, barLine(c.p, int(1000*c.p.share), c.remaining, c.columns))
		})
	}
	for columns := range 250 {
		for _, p := range []progress{running, paused, {}} {
			require.LessOrEqual(t, widths.StringWidth(barLine(p, 1000, "40d01h", columns)), columns)
		}
	}
}

// A bar rewrites its one line, at any width and in each language; only notices have lines
// of their own, wrapped to the width.
func TestBarRewritesItsLine(t *testing.T) {
	for _, columns := range []int{80, 120} {
		for _, language := range []text.Language{text.English, text.Chinese} {
			t.Run(fmt.Sprint(columns, language), func(t *testing.T) {
				text.Use(language)
				t.Cleanup(func() { text.Use(text.English) })
				var out bytes.Buffer
				v := newBarView(&out, func() int { return columns })
				p := newProgress(workflows.SyncFlowProgress{Windows: 1, Orders: 10, Grain: "order", GrainAuto: true}, nil)
				v.show(p)
				v.show(p)
				v.silent()
				v.silent()
				p.run.Control.Paused = &workflows.Pause{By: "li\x1b", Reason: strings.Repeat("金蝶备份 ", 20)}
				v.show(p)
				v.end(workflows.SyncFlowResult{})

				bar := func(p progress) string { return "\r" + barLine(p, 0, "", columns-1) + clearRest }
				notice := func(line string) string { return "\r" + clearRest + wrap(line, columns) + "\n" }
				shown := *p.run.Control.Paused
				shown.By = "li□"
				running := p
				running.run.Control.Paused = nil
				require.Equal(t, notice(text.Sprintf("%s · about %d orders expected", grainText("order", true), 10))+
					bar(running)+bar(running)+
					notice(noWorker().Error())+
					notice(pausedText(shown))+
					bar(p)+"\r"+clearRest, out.String())
				for line := range strings.FieldsFuncSeq(out.String(), func(r rune) bool { return r == '\r' || r == '\n' }) {
					require.LessOrEqual(t, widths.StringWidth(strings.ReplaceAll(line, clearRest, "")), columns, line)
				}
			})
		}
	}
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
			v.show(newProgress(workflows.SyncFlowProgress{Grain: "page", Windows: 2, WindowsDone: done, Orders: 10_000, Tally: tally.Tally{Fetched: fetched, Saved: fetched}}, nil))
			time.Sleep(progressInterval)
		}
		for fetched := range 60 { // something new at each look
			v.show(newProgress(workflows.SyncFlowProgress{Grain: "page", Windows: 2, WindowsDone: 1, Orders: 10_000, Tally: tally.Tally{Fetched: 5000 + fetched, Saved: 5000 + fetched}}, nil))
			time.Sleep(progressInterval)
		}
		v.end(workflows.SyncFlowResult{Tally: tally.Tally{Fetched: 5059, Saved: 5059, Pages: 51}})
		var lines []string
		for line := range strings.Lines(out.String()) {
			require.True(t, strings.HasPrefix(line, "a/run · "), line)
			lines = append(lines, strings.TrimSpace(strings.TrimPrefix(line, "a/run · ")))
		}
		require.Equal(t, "grain page · about 10000 orders expected", lines[0])
		require.Contains(t, lines[1], "50% · 10s to go · windows 1/2 · fetched 5000 ")
		require.Contains(t, lines[len(lines)-1], "ended · fetched 5059")
		require.Len(t, lines, 3+int(60*progressInterval/lineInterval))
	})
}

// A run that had ended before anybody looked has nothing to report but its result.
func TestLinesOfAnEndedRun(t *testing.T) {
	var out bytes.Buffer
	newLineView(&out, "").end(workflows.SyncFlowResult{Tally: tally.Tally{Fetched: 5000, Pages: 863}})
	require.Empty(t, out.String())
}
