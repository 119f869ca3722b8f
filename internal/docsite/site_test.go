package docsite

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/alert"
	"refundsync/internal/beijing"
	"refundsync/internal/catalog"
	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/text"
)

var update = flag.Bool("update", false, "write the golden files anew")

// shipped is the site of the flows that come with the project.
func shipped(t *testing.T) Site {
	t.Helper()
	flows, err := flowfile.LoadFolder(filepath.Join("..", "..", "flows"))
	require.NoError(t, err)
	return Site{Interfaces: catalog.All(), Flows: flows}
}

// small is the site of a small flow and its two interfaces.
func small(t *testing.T) Site {
	t.Helper()
	flows, err := flowfile.LoadFolder("testdata")
	require.NoError(t, err)
	interfaces := map[string]*catalog.Interface{}
	for _, f := range flows {
		interfaces[f.Source.Interface.Name], interfaces[f.Form.Name] = f.Source.Interface, f.Form
	}
	return Site{Interfaces: interfaces, Flows: flows}
}

func pagesOf(t *testing.T, s Site) map[string][]byte {
	t.Helper()
	pages, err := s.Pages()
	require.NoError(t, err)
	return pages
}

// tokens calls do with the parts of a page, and requires that its elements are nested as
// they should be.
func tokens(t *testing.T, page []byte, do func(xml.Token)) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader(page))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, []string{"meta"}, xml.HTMLEntity
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		do(token)
	}
}

// wordsOf is what a page shows, one piece of text a line.
func wordsOf(t *testing.T, page []byte) string {
	t.Helper()
	var b strings.Builder
	within := ""
	tokens(t, page, func(token xml.Token) {
		switch token := token.(type) {
		case xml.StartElement:
			within = token.Name.Local
		case xml.CharData:
			if line := strings.TrimSpace(string(token)); line != "" && within != "style" {
				fmt.Fprintln(&b, line)
			}
		}
	})
	return b.String()
}

// The pages of a small flow, without their style, which is looked at in a browser.
func TestPagesOfASmallFlow(t *testing.T) {
	pages := pagesOf(t, small(t))
	for _, name := range []string{"en/flows/small.html", "zh-CN/flows/small.html", "en/index.html"} {
		t.Run(name, func(t *testing.T) {
			shown := wordsOf(t, pages[name])
			golden := filepath.Join("testdata", strings.ReplaceAll(name, "/", "_")+".golden")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(shown), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, strings.ReplaceAll(string(want), "\r\n", "\n"), shown)
		})
	}
	require.Equal(t, pages, pagesOf(t, small(t)), "the same every time")
}

func TestEveryInterfaceAndFlowHasItsPage(t *testing.T) {
	site := shipped(t)
	pages := pagesOf(t, site)
	want := []string{"index.html"}
	for _, language := range []string{"en", "zh-CN"} {
		want = append(want, language+"/index.html")
		for name := range site.Interfaces {
			want = append(want, path.Join(language, interfacePath(name)))
		}
		for name := range site.Flows {
			want = append(want, path.Join(language, flowPath(name)))
		}
	}
	assert.ElementsMatch(t, want, slices.Collect(maps.Keys(pages)))
	for _, i := range site.Interfaces {
		shown := string(pages["en/"+interfacePath(i.Name)])
		for place, fields := range i.Fields {
			for _, field := range fields {
				assert.Contains(t, shown, `id="`+anchor(place, field.Name)+`"`)
			}
		}
	}
}

// attributes calls do with the attributes of a page, and the tags that they are of.
func attributes(t *testing.T, page []byte, do func(tag, name, value string)) {
	t.Helper()
	tokens(t, page, func(token xml.Token) {
		if start, ok := token.(xml.StartElement); ok {
			for _, attribute := range start.Attr {
				do(start.Name.Local, attribute.Name.Local, attribute.Value)
			}
		}
	})
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	pages := pagesOf(t, live(shipped(t)))
	ids := map[string]map[string]bool{}
	for name, page := range pages {
		ids[name] = map[string]bool{}
		attributes(t, page, func(_, key, value string) {
			if key == "id" {
				assert.False(t, ids[name][value], "%s: two elements have the id %s", name, value)
				ids[name][value] = true
			}
		})
	}
	links := 0
	for name, page := range pages {
		attributes(t, page, func(tag, key, value string) {
			if key != "href" {
				return
			}
			links++
			require.Equal(t, "a", tag)
			target, fragment, _ := strings.Cut(value, "#")
			if target = path.Join(path.Dir(name), target); strings.HasPrefix(value, "#") {
				target = name
			}
			require.Contains(t, pages, target, "%s: %s", name, value)
			assert.True(t, fragment == "" || ids[target][fragment], "%s: %s", name, value)
		})
	}
	require.Greater(t, links, 100)
}

func TestPagesLoadNothing(t *testing.T) {
	loads := []string{"src", "srcset", "data", "action", "style", "background"}
	for name, page := range pagesOf(t, live(shipped(t))) {
		assert.NotRegexp(t, regexp.MustCompile(`(?i)https?://|url\(|@import|<script|<link|<iframe|<img`), string(page), name)
		attributes(t, page, func(tag, key, _ string) {
			assert.NotContains(t, loads, key, "%s: <%s>", name, tag)
			assert.False(t, strings.HasPrefix(key, "on"), "%s: <%s %s>", name, tag, key)
		})
	}
}

func TestWhatBecomesOfLinesIsShown(t *testing.T) {
	flows, err := flowfile.LoadFolder(filepath.Join("..", "..", "flows", "library"))
	require.NoError(t, err)
	linked := flows["receipt_to_return"]
	require.NotNil(t, linked)
	linked.SourceBill = &flow.SourceBill{
		FormID: "SAL_OUTSTOCK", Field: "FThirdBillNo", Value: &flow.Mapping{Value: &flow.Expression{Source: "so_id"}}, Required: true,
	}
	pages := pagesOf(t, Site{Interfaces: catalog.All(), Flows: flows})
	for name, want := range map[string]string{
		"saleout_to_outstock":             "discount of the order\ncoalesce(free_amount, 0)\ntaken off sale_amount of the lines\n",
		"refund_only_to_other_receivable": "the bill has\none line, made of the order's own fields\n",
		"receipt_to_return": "each line is linked to one of\nSAL_OUTSTOCK\nwhose FThirdBillNo is\nso_id\n" +
			"a line for which none has enough left\nparks the order\n",
	} {
		assert.Contains(t, wordsOf(t, pages["en/"+flowPath(name)]), want, name)
	}
}

// Whatever a file or a person says, it is words on the page.
func TestValuesAreEscaped(t *testing.T) {
	const hostile = `<script>alert(1)</script>"'&` + "\u202e"
	site := small(t)
	f := *site.Flows["small"]
	f.Title = hostile
	f.Rules.LeaveOut = []flow.LeaveOut{{Reason: hostile, When: &flow.Expression{Source: hostile}}}
	f.Source.Parameters = map[string]string{"status": hostile}
	site.Flows = flow.Flows{"small": &f}
	site.Live = map[string]Live{"small": {
		Holds:  []contract.Hold{{By: hostile, Note: hostile}},
		Parked: map[string]int{hostile: 1},
	}}
	for name, page := range pagesOf(t, site) {
		assert.NotContains(t, string(page), "<script", name)
		assert.NotContains(t, string(page), "\u202e", name)
	}
}

// live gives each flow of a site a state.
func live(s Site) Site {
	at := time.Date(2024, 3, 1, 9, 0, 0, 0, beijing.Zone)
	lag := 7 * time.Minute
	s.Made, s.Live = at, map[string]Live{}
	for name := range s.Flows {
		s.Live[name] = Live{
			Scheduled: true, NextRun: &at, Running: 1, Watermark: &at, Lag: &lag,
			LastRun:   &Run{WorkflowID: name + "/x", Ended: at, Outcome: text.Literal("done")},
			LastSweep: &Sweep{Ended: at, Found: 2},
			LastDay:   alert.Counts{Runs: 144, RunsFailed: 1, RunsHeld: 3, Saved: alert.Sum{Count: 1234, Amount: decimal.RequireFromString("99.5")}, Updated: 5, LeftOut: map[string]int{"cancelled": 6}},
			Parked:    map[string]int{"unknown_code": 8},
			Versions:  []Version{{Version: "0123456789ab", First: at, Last: at}},
		}
	}
	return s
}

func TestLiveStateIsShown(t *testing.T) {
	shown := wordsOf(t, pagesOf(t, live(small(t)))["en/flows/small.html"])
	for _, want := range []string{
		"Made on 2024-03-01 09:00:00, Beijing time.", "small/x", "7m (limit 1h)", "2024-03-01 09:00:00 · orders missed or changed: 2",
		"1234", "99.50", "left out: cancelled", "parked now: a table has no row for the code (unknown_code)", "0123456789ab", "runs that did nothing because the flow was held",
	} {
		assert.Contains(t, shown, want)
	}
}

func TestStateOfAFlow(t *testing.T) {
	at := time.Date(2024, 3, 1, 9, 0, 0, 0, beijing.Zone)
	on, off := &flow.Flow{Name: "f", Enabled: true}, &flow.Flow{Name: "f"}
	for _, c := range []struct {
		name string
		of   *flow.Flow
		live map[string]Live
		want string
	}{
		{"enabled, the server was not asked", on, nil, "enabled | in its file; the server was not asked"},
		{"disabled, the server was not asked", off, nil, "off | disabled in its file (checks.enabled: false)"},
		{"disabled", off, map[string]Live{"f": {Scheduled: true}}, "off | disabled in its file (checks.enabled: false)"},
		{"on", on, map[string]Live{"f": {Scheduled: true}}, "on"},
		{"behind", on, map[string]Live{"f": {Scheduled: true, Behind: true}}, "on behind"},
		{"no schedule", on, map[string]Live{"f": {}}, "only by hand"},
		{"a schedule in the file alone", &flow.Flow{Name: "f", Enabled: true, Schedule: flow.Schedule{Cron: []string{"* * * * *"}}}, map[string]Live{"f": {}},
			"only by hand | starter schedule create puts the file's schedule into effect"},
		{"the schedule is paused", on, map[string]Live{"f": {Scheduled: true, Paused: true, PauseNote: text.Literal("by wang: stock-taking")}}, "paused | by wang: stock-taking"},
		{"held", on, map[string]Live{"f": {Scheduled: true, Holds: []contract.Hold{{Flow: "f", By: "wang", Note: "closing", Since: at, Until: at.Add(time.Hour)}}}},
			"held | flow f, since 2024-03-01 09:00:00, until 2024-03-01 10:00:00, by wang: closing"},
		{"somebody disabled it", on, map[string]Live{"f": {Scheduled: true, Paused: true, Holds: []contract.Hold{{Flow: "f", Disabled: true, By: "wang", Note: "the shop is closed", Since: at}}}},
			"off | flow f, since 2024-03-01 09:00:00, by wang: the shop is closed"},
		{"all flows are held", on, map[string]Live{"f": {Holds: []contract.Hold{{By: "wang", Note: "closing", Since: at}}}},
			"held | all flows, since 2024-03-01 09:00:00, until it is released, by wang: closing"},
		{"can't be read", on, map[string]Live{"f": {Unknown: true}}, "unknown | the server could not be read"},
		{"disabled and can't be read", off, map[string]Live{"f": {Unknown: true}}, "unknown | the server could not be read"},
		{"was not asked for", on, map[string]Live{}, "unknown | the server could not be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var lines []string
			for _, line := range (Site{Live: c.live}).state(c.of) {
				shown := ""
				for _, span := range line {
					shown += span.Text
				}
				lines = append(lines, shown)
			}
			assert.Equal(t, c.want, strings.Join(lines, " | "))
		})
	}
}

func TestWriteRemovesPagesOfFormerFlowsAlone(t *testing.T) {
	folder := t.TempDir()
	count, err := shipped(t).Write(folder)
	require.NoError(t, err)
	require.Greater(t, count, 2)
	own := filepath.Join(folder, "en", "flows", "notes.html")
	require.NoError(t, os.WriteFile(own, []byte("<p>mine</p>"), 0o644))
	require.FileExists(t, filepath.Join(folder, "en", "flows", "refund_to_return.html"))

	_, err = small(t).Write(folder)
	require.NoError(t, err)
	assert.NoFileExists(t, filepath.Join(folder, "en", "flows", "refund_to_return.html"))
	assert.NoFileExists(t, filepath.Join(folder, "zh-CN", "flows", "refund_to_return.html"))
	assert.FileExists(t, filepath.Join(folder, "en", "flows", "small.html"))
	assert.FileExists(t, own)
}

func TestTheSiteBeginsInTheLanguageOfTheProgram(t *testing.T) {
	for _, language := range []text.Language{text.Chinese, text.English} {
		text.Use(language)
		pages := pagesOf(t, small(t))
		assert.Equal(t, language, text.Current(), "the program goes on in its language")
		text.Use(text.English)
		assert.Contains(t, string(pages["index.html"]), "url="+string(language)+"/index.html")
	}
}
