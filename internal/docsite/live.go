package docsite

import (
	"fmt"
	"time"

	"refundsync/internal/alert"
	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// Live is the state of a flow on the server. It has counts and reasons, and nothing of a
// single order.
type Live struct {
	// Unknown: the state can't be read; the rest is then empty.
	Unknown bool
	// Holds are those that are on, also the one by which somebody disabled the flow.
	Holds []contract.Hold
	// Scheduled: the flow has a schedule. Paused and PauseNote are the schedule's; a
	// schedule of Temporal's cron is never paused.
	Scheduled, Paused bool
	PauseNote         text.Text
	// NextRun is when the next automatic run begins; nil if none does.
	NextRun *time.Time
	// Running counts the runs under way.
	Running int
	// LastRun is the latest that has ended; nil for none.
	LastRun *Run
	// LastSweep is nil for none.
	LastSweep *Sweep
	// Watermark is how far automatic runs are, and Lag its age; nil if that is not known.
	Watermark *time.Time
	Lag       *time.Duration
	// Behind: the lag is over its limit.
	Behind bool
	// LastDay is what ended in the last 24 hours, Parked are the orders that wait now, by
	// reason.
	LastDay alert.Counts
	Parked  map[string]int
	// Versions are those versions of the flow that made bills, the oldest first.
	Versions []Version
}

// Run is a run that has ended.
type Run struct {
	WorkflowID string
	Ended      time.Time
	Outcome    text.Text
}

// Sweep is a sweep that has ended; Found counts the orders missed or changed.
type Sweep struct {
	Ended time.Time
	Found int
}

// Version is a version of a flow, and when it was used.
type Version struct {
	Version     string
	First, Last time.Time
}

// live is the state of a flow, if the site has it.
func (s Site) live(f *flow.Flow) (Live, bool) {
	if s.Live == nil {
		return Live{}, false
	}
	live, ok := s.Live[f.Name]
	if !ok {
		live.Unknown = true
	}
	return live, true
}

// state says whether a flow is on, and otherwise who turned it off, when and why. One that
// can't be read is unknown.
func (s Site) state(f *flow.Flow) cell {
	disabled := cell{{badge(bad, text.New("off"))}, {note(text.New("disabled in its file (checks.enabled: false)"))}}
	live, ok := s.live(f)
	switch {
	case !ok && !f.Enabled:
		return disabled
	case !ok:
		return cell{{badge(mild, text.New("enabled"))}, {note(text.New("in its file; the server was not asked"))}}
	case live.Unknown:
		return cell{{badge(odd, text.New("unknown"))}, {note(text.New("the server could not be read"))}}
	case !f.Enabled:
		return disabled
	case len(live.Holds) > 0:
		held := cell{{badge(bad, text.New("held"))}}
		for _, hold := range live.Holds {
			if hold.Disabled {
				held[0] = line{badge(bad, text.New("off"))}
			}
			held = append(held, line{note(hold.Text())})
		}
		return held
	case live.Paused:
		return cell{{badge(bad, text.New("paused"))}, {note(live.PauseNote)}}
	case !live.Scheduled && len(f.Schedule.Cron) > 0:
		return cell{{badge(mild, text.New("only by hand"))}, {note(text.New("starter schedule create puts the file's schedule into effect"))}}
	case !live.Scheduled:
		return one(badge(mild, text.New("only by hand")))
	}
	on := cell{{badge(good, text.New("on"))}}
	if live.Behind {
		on[0] = append(on[0], span{Text: " "}, badge(bad, text.New("behind")))
	}
	return on
}

// lag is the lag against its limit.
func (l Live) lag(limit time.Duration) span {
	switch {
	case l.Lag == nil && l.Behind:
		return words(text.New("✗ no automatic run has completed (limit %s)", plain(limit)))
	case l.Lag == nil:
		return words("–")
	case l.Behind:
		return words(text.New("✗ %s (limit %s)", plain(l.Lag.Round(time.Second)), plain(limit)))
	}
	return words(text.New("%s (limit %s)", plain(l.Lag.Round(time.Second)), plain(limit)))
}

// stateSection is the state on the flow's own page.
func (s Site) stateSection(f *flow.Flow) section {
	state := section{ID: "state", Title: text.Sprintf("State")}
	state.add(text.New("state"), s.state(f)...)
	live, ok := s.live(f)
	switch {
	case !ok:
		state.Note = text.Sprintf("Made without the server, so this is what the flow file says; starter docs --live adds the state.")
		return state
	case live.Unknown:
		return state
	}
	if run := live.LastRun; run != nil {
		state.add(text.New("last run"), line{words(moment(run.Ended) + " · " + run.Outcome.String())}, line{code(run.WorkflowID)})
	} else {
		state.say(text.New("last run"), "–")
	}
	state.say(text.New("runs under way"), live.Running)
	watermark, next := "–", "–"
	if live.Watermark != nil {
		watermark = moment(*live.Watermark)
	}
	if live.NextRun != nil {
		next = moment(*live.NextRun)
	}
	state.say(text.New("watermark"), watermark)
	state.add(text.New("lag"), line{live.lag(f.LagLimit)})
	state.say(text.New("next run"), next)
	if sweep := live.LastSweep; sweep != nil {
		state.say(text.New("last sweep"), text.New("%s · orders missed or changed: %d", moment(sweep.Ended), sweep.Found))
	}
	return state
}

// daySection is what the flow did on the last day, by outcome, and what waits now.
func daySection(live Live) section {
	d := live.LastDay
	day := section{ID: "day", Title: text.Sprintf("The last 24 hours"), Note: text.Sprintf("Changes: a run that reads the same orders once more adds nothing. Parked orders are those that wait now.")}
	t := &table{Heads: heads(text.New("what"), text.New("count"))}
	add := func(what, number any) { t.add(one(words(what)), one(span{Text: fmt.Sprint(number), Class: "n"})) }
	add(text.New("runs"), d.Runs)
	add(text.New("runs that failed, were cancelled, terminated or timed out"), d.RunsFailed)
	if d.RunsHeld > 0 {
		add(text.New("runs that did nothing because the flow was held"), d.RunsHeld)
	}
	add(text.New("bills saved"), d.Saved.Count)
	if !d.Saved.Amount.IsZero() {
		add(text.New("amount of these bills, with tax"), d.Saved.Amount.StringFixed(2))
	}
	add(text.New("bills updated"), d.Updated)
	for _, reason := range tally.Reasons(d.LeftOut) {
		add(text.New("left out: %s", fault.ReasonText(reason)), d.LeftOut[reason])
	}
	add(text.New("parked now"), tally.Total(live.Parked))
	for _, reason := range tally.Reasons(live.Parked) {
		add(text.New("parked now: %s", fault.ReasonText(reason)), live.Parked[reason])
	}
	day.Table = t
	return day
}

// versionsSection is the version of the file, and those that the server keeps.
func versionsSection(f *flow.Flow, live Live) section {
	versions := section{ID: "versions", Title: text.Sprintf("Versions")}
	versions.add(text.New("version of these files"), line{code(f.Version)})
	var files []line
	for _, file := range f.Files {
		files = append(files, line{code(file.Name)})
	}
	versions.add(text.New("files"), files...)
	if len(live.Versions) > 0 {
		t := &table{Heads: heads(text.New("version"), text.New("first used"), text.New("last used"))}
		for _, v := range live.Versions {
			t.add(one(code(v.Version)), one(words(v.First.In(beijing.Zone).Format(time.DateTime))), one(words(v.Last.In(beijing.Zone).Format(time.DateTime))))
		}
		versions.Table = t
	}
	return versions
}
