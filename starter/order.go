package main

import (
	"context"
	"slices"
	"time"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/beijing"
	"refundsync/internal/booking"
	"refundsync/internal/catalog"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
	"refundsync/internal/reconcile"
	"refundsync/internal/sighting"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// orderStory is all that is known of one order. Times are Beijing time.
type orderStory struct {
	form *catalog.Interface
	// Asked is the id that was given.
	Asked  string    `json:"asked"`
	Flow   string    `json:"flow"`
	Title  string    `json:"title"`
	ReadAt time.Time `json:"read_at"`
	// Days is how far back an order was looked for of which nothing else is known.
	Days int `json:"days"`
	// Version is that of the flow file, by which the order is mapped here.
	Version string `json:"version"`
	// State is a kind of package reconcile, or one of the states below; Reason belongs to
	// it.
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
	// OrderID is "" if no order was found.
	OrderID    string `json:"id,omitempty"`
	BillNumber string `json:"bill_number,omitempty"`
	// Source is the order as the source shows it now; null if it does not.
	Source *sourceStory `json:"source"`
	// Mapping is how the flow decides about it; null without the order.
	Mapping *mappingStory `json:"mapping"`
	// Bills are those under the order's numbers.
	Bills []billStory `json:"bills"`
	// Runs are those whose range holds a change of the order, the oldest first.
	Runs []runStory `json:"runs"`
	// Parked are the times that the order was parked, the newest first.
	Parked []parkedStory `json:"parked"`
	// Sent is what the last save of a bill sent, where a history holds it.
	Sent *sentStory `json:"sent,omitempty"`
	// Next is what a run that reads the order now would do; null if none reads it, or if a
	// side could not be read.
	Next *nextStory `json:"next"`
	// Comparison compares the order as it is now with its bills, as a reconciliation does;
	// null where one side could not be read.
	Comparison *reconcile.Row `json:"comparison"`
	// Read is what was read, and Unknown what could not be, or is no longer kept.
	Read    []string `json:"read"`
	Unknown []string `json:"unknown"`

	record map[string]any
	failed bool // something could not be read
}

// States of a story that are no kinds of package reconcile.
const (
	// stateDiscarded: a person discarded the order, which has not changed since.
	stateDiscarded = contract.ReasonDiscarded
	// stateGone: the order was parked once, and neither system shows it now.
	stateGone = "gone"
	// stateUnknown: no order and no bill has the id.
	stateUnknown = "unknown"
	// stateUnclear: one side could not be read.
	stateUnclear = "unclear"
)

// sourceStory is the order as the source shows it.
type sourceStory struct {
	// Fields are the order's fields that the flow names, and Lines those of its lines.
	Fields []sourceField   `json:"fields"`
	Lines  [][]sourceField `json:"lines"`
	// Unmet are the flow's source parameters that the order does not meet, so that no run
	// sees it.
	Unmet []jushuitan.Mismatch `json:"unmet_parameters,omitempty"`
}

type sourceField struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Value string `json:"value"`
}

type mappingStory struct {
	flow.Explanation
	// Failure is why the order can't be mapped.
	Failure *storyFailure `json:"failure,omitempty"`
	// Closed says what becomes of a new bill that is dated in a closed period.
	Closed string `json:"closed_period,omitempty"`
}

type storyFailure struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
	Advice  string `json:"advice,omitempty"`
}

// billStory is a bill as Kingdee has it now.
type billStory struct {
	ID     string `json:"fid"`
	Number string `json:"bill_number"`
	Status string `json:"status"`
	Void   bool   `json:"void"`
	Date   string `json:"date"`
	// Customer is the number of whom it is for.
	Customer string             `json:"customer"`
	Mark     *markStory         `json:"mark"`
	Lines    []kingdee.Line     `json:"lines"`
	Signed   kingdee.Signatures `json:"signed"`
	// Links are the lines with the sources that they name, of a flow that links bills.
	Links []flow.LinkedLine `json:"links,omitempty"`
}

// markStory is the mark of a bill.
type markStory struct {
	OrderID string `json:"id"`
	// ChangedAt is the version of the order from which the bill was made.
	ChangedAt time.Time `json:"changed_at,omitzero"`
	Hash      string    `json:"hash"`
	Version   string    `json:"flow_version"`
	// AsNow: the order as it is now, mapped by the flow as it is now, would book the same.
	AsNow bool `json:"as_now"`
}

// runStory is a run whose range holds a change of the order.
type runStory struct {
	WorkflowID string    `json:"workflow_id"`
	RunID      string    `json:"run_id"`
	StartedAt  time.Time `json:"started_at"`
	EndedAt    time.Time `json:"ended_at,omitzero"`
	Outcome    string    `json:"outcome"`
	From       time.Time `json:"from,omitzero"`
	To         time.Time `json:"to,omitzero"`
	// Version is the flow's, if the history was read.
	Version string `json:"flow_version,omitempty"`
	// HistoryRead: Seen is all that the run's histories say of the order.
	HistoryRead bool                `json:"history_read"`
	Seen        []sighting.Sighting `json:"seen,omitempty"`
}

// parkedStory is a time that the order was parked.
type parkedStory struct {
	WorkflowID string    `json:"workflow_id"`
	RunID      string    `json:"run_id"`
	Since      time.Time `json:"since"`
	shownFailure
	// Attempts and NextAttempt are null if no worker answers, or if it has ended.
	Attempts    *int       `json:"attempts"`
	NextAttempt *time.Time `json:"next_attempt"`
	// EndedAt is absent while it waits. Ending is then saved, left_out, discarded,
	// cancelled, terminated or timed_out, with who discarded it and why, or why it is left
	// out.
	EndedAt time.Time `json:"ended_at,omitzero"`
	Ending  string    `json:"ending,omitempty"`
	By      string    `json:"by,omitempty"`
	Note    string    `json:"note,omitempty"`
	// Seen is what the history says.
	Seen []sighting.Sighting `json:"seen,omitempty"`

	order contract.Order
}

// nextStory is what a run would do.
type nextStory struct {
	// Outcome is saved, updated, already_saved, left_out, bill_deleted, parked or discarded.
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Links are the lines that would be sent with the sources that they name, of a flow that
	// links bills.
	Links []flow.LinkedLine `json:"links,omitempty"`
}

// sentStory is what a save sent.
type sentStory struct {
	At      time.Time     `json:"at"`
	Outcome tally.Outcome `json:"outcome"`
	Version string        `json:"flow_version"`
	// Rebuilt: the flow has the same version now, so that Changed is certain.
	Rebuilt bool `json:"rebuilt"`
	// Changed are the fields that were sent otherwise than they would be now.
	Changed []flow.ExplainedField `json:"changed,omitempty"`
}

func newOrderCommand() *cobra.Command {
	var flowName string
	var days int
	var o output
	cmd := &cobra.Command{
		Use:   "order ID",
		Short: text.Sprintf("Show the whole story of one order, from the shop to the ledger"),
		Long: text.Sprintf("Shows what the source says of an order now; which condition leaves it out, or how each field of its bill gets its value; what runs saw and did, as long as their histories are kept; the bill as it is, and who audited it; whether it is parked, or who discarded it; and what differs now. It reads, and writes nothing.\n" +
			"ID is the number of the order, of the shop's order (so_id 线上订单号) or of the bill. An id by which Jushuitan can't search, such as outer_as_id（线上售后单号）, is found by the bill alone. " +
			"The exit code is 1 if nothing has the id, or if something could not be read; the story then says what."),
		Example: `  starter order 700000346
  starter order 700000346-2
  starter order T20240301001 -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if days < 1 {
				return usageError(cmd, text.Errorf("--days must be at least 1"))
			}
			return tellOrder(cmd, flowOfOrder(cmd.Context(), flowName), args[0], time.Duration(days)*24*time.Hour, o)
		},
	}
	addOrderFlowFlag(cmd, &flowName)
	cmd.Flags().IntVar(&days, "days", int(jushuitan.DefaultHorizon/(24*time.Hour)), text.Sprintf("how many days back to look for an order of which nothing else is known"))
	addOutputFlag(cmd, &o)
	return cmd
}

func tellOrder(cmd *cobra.Command, flowName, id string, horizon time.Duration, o output) error {
	_, f, err := loadFlow(cmd, flowName)
	if err != nil {
		return err
	}
	source, ledger, closeClients, err := vendors(f)
	if err != nil {
		return err
	}
	defer closeClients()
	story, err := readStory(cmd.Context(), storyOptions{flow: f, source: source, ledger: ledger, horizon: horizon}, id)
	if err != nil {
		return err
	}
	if o == outputJSON {
		err = writeJSON(cmd.OutOrStdout(), story)
	} else {
		newStoryPrinter(cmd.OutOrStdout()).print(story)
	}
	if err == nil && (story.failed || story.State == stateUnknown) {
		return &exitError{code: exitFailed}
	}
	return err
}

// storyOptions are what a story is read from and by.
type storyOptions struct {
	flow    *flow.Flow
	source  jushuitan.Source
	ledger  *kingdee.Client
	horizon time.Duration
}

// storyReader reads a story part by part. What can't be read is noted in the story, and the
// rest goes on.
type storyReader struct {
	storyOptions
	story *orderStory
	// temporal is nil if the server can't be reached.
	temporal *storyServer
	opened   *flow.Opened
	whole    []kingdee.WholeBill
	// parkedRead: the parked orders were read.
	parkedRead bool
	// kingdeeAway: Kingdee could not be read, and is not asked again.
	kingdeeAway bool
}

// readStory reads all that is known of the order with an id. The error is one of who asks,
// such as an id of several orders; or that of ctx.
func readStory(ctx context.Context, options storyOptions, id string) (*orderStory, error) {
	r := &storyReader{storyOptions: options, story: &orderStory{
		form: options.flow.Form, Asked: id, Flow: options.flow.Name, Title: options.flow.Title, Version: options.flow.Version,
		ReadAt: time.Now().In(beijing.Zone).Truncate(time.Second), Days: int(options.horizon / (24 * time.Hour)),
		Bills: []billStory{}, Runs: []runStory{}, Parked: []parkedStory{}, Read: []string{}, Unknown: []string{},
	}}
	server, err := dialStory(ctx)
	if !r.couldNot(text.New("Temporal"), err) {
		defer server.Close()
		r.temporal = server
	}
	if err := r.find(ctx, id); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.explain(ctx)
	r.readBills(ctx)
	r.readParked(ctx)
	r.readRuns(ctx)
	r.compare()
	r.rebuildSent()
	r.conclude()
	r.foretell(ctx)
	return r.story, ctx.Err()
}

// couldNot notes a part that could not be read, and reports whether that is so.
func (r *storyReader) couldNot(part text.Text, err error) bool {
	if err == nil {
		return false
	}
	r.story.failed = true
	r.unknown(text.New("%s can't be read: %v", part, err))
	return true
}

// temporalFailed is couldNot for a part that Temporal knows. It is then not asked again.
func (r *storyReader) temporalFailed(part text.Text, err error) bool {
	if !r.couldNot(text.New("Temporal: %s", part), err) {
		return false
	}
	r.temporal = nil
	return true
}

func (r *storyReader) unknown(what text.Text) {
	r.story.Unknown = append(r.story.Unknown, what.String())
}

func (r *storyReader) read(what text.Text) { r.story.Read = append(r.story.Read, what.String()) }

// explain maps the order as the flow does now.
func (r *storyReader) explain(ctx context.Context) {
	if r.story.record == nil {
		return
	}
	for _, table := range r.flow.KingdeeTables {
		if r.kingdeeAway || r.couldNot(text.New("table %s of Kingdee", table.Name), readTable(ctx, r.ledger, table)) {
			break
		}
	}
	picked, err := r.flow.Pick(r.story.record)
	if r.couldNot(text.New("The order"), err) {
		return
	}
	r.opened = picked
	r.story.Source = showSource(r.flow, r.story.record, picked.Order)
	m := &mappingStory{Explanation: picked.Explain()}
	r.story.Mapping = m
	if m.Err != nil {
		m.Failure = &storyFailure{Reason: "unknown", Message: m.Err.Error()}
		if f := fault.As(m.Err); f != nil {
			m.Failure = &storyFailure{Reason: f.Reason, Message: f.Err.Error(), Advice: f.Advice.String()}
		}
		return
	}
	if m.LeftOut == nil {
		m.Closed = r.closed(picked)
	}
}

// closed says what a closed period does to a new bill of the order; "" if nothing.
func (r *storyReader) closed(picked *flow.Opened) string {
	bill, err := picked.Bill()
	if err != nil {
		return ""
	}
	open, err := r.flow.InOpenPeriod(bill, time.Now())
	if err != nil {
		return err.Error()
	}
	before, _ := bill.Date()
	if after, _ := open.Date(); !after.Equal(before) {
		return text.Sprintf("%s is in a closed period; a new bill would be dated %s", before.Format(time.DateOnly), after.Format(time.DateOnly))
	}
	return ""
}

// compare compares the order with its bills as a reconciliation does.
func (r *storyReader) compare() {
	if r.opened == nil || r.whole == nil {
		return
	}
	waits := ""
	if len(r.story.Parked) > 0 && r.story.Parked[0].Ending == "" {
		waits = r.story.Parked[0].Reason
	}
	order, err := booking.OrderOf(r.flow, r.opened, waits)
	order.Discarded = r.isDiscarded()
	if r.couldNot(text.New("The comparison"), err) {
		return
	}
	bills := booking.BillsOf(r.whole)
	rows, own := booking.Rules(r.flow, decimal.Zero).Compare(order, bills)
	row := rows[0].Row
	// The bill that was asked for may have the order's mark under another number.
	double := slices.ContainsFunc(bills, func(b reconcile.Bill) bool {
		return b.OrderID == order.ID && !b.Void && !slices.Contains(own, b.ID)
	})
	if (len(rows) > 1 || double) && row.Kind == reconcile.Agrees {
		row.Kind = reconcile.Doubled
	}
	r.story.Comparison = &row
}

// isDiscarded reports whether a person has discarded the order, and it has not changed since.
func (r *storyReader) isDiscarded() bool {
	parked := r.story.Parked
	return len(parked) > 0 && parked[0].Ending == stateDiscarded && parked[0].order.Covers(r.opened.Order)
}

// rebuildSent finds what the last save that a history holds has sent.
func (r *storyReader) rebuildSent() {
	for _, run := range slices.Backward(r.story.Runs) {
		for _, seen := range slices.Backward(run.Seen) {
			if seen.Kind != sighting.Done || seen.Order == nil || seen.Outcome != tally.Saved && seen.Outcome != tally.Updated {
				continue
			}
			sent := &sentStory{At: seen.At, Outcome: seen.Outcome, Version: run.Version}
			r.story.Sent = sent
			if r.opened == nil || run.Version != r.flow.Version || seen.PickVersion != r.flow.PickVersion {
				return
			}
			sent.Rebuilt = true
			sent.Changed = changedFields(r.flow.Open(*seen.Order).Explain().Fields, r.story.Mapping.Fields)
			return
		}
	}
}

// changedFields are those of the first explanation that have another value in the second, or
// are not in it.
func changedFields(before, now []flow.ExplainedField) (changed []flow.ExplainedField) {
	for _, field := range before {
		same := func(other flow.ExplainedField) bool {
			return other.Place == field.Place && other.Line == field.Line && other.Field == field.Field && other.Value == field.Value
		}
		if !field.Hidden && !slices.ContainsFunc(now, same) {
			changed = append(changed, field)
		}
	}
	return changed
}

// conclude says in which state the order is.
func (r *storyReader) conclude() {
	s := r.story
	switch {
	case s.Comparison != nil:
		s.State, s.Reason = string(s.Comparison.Kind), s.Comparison.Reason
		if s.Comparison.BillNumber != "" {
			s.BillNumber = s.Comparison.BillNumber
		}
	case s.failed:
		s.State = stateUnclear
	case len(s.Bills) > 0 && s.Bills[0].Mark != nil:
		s.State = string(reconcile.OnlyInKingdee)
	case len(s.Bills) > 0:
		s.State = string(reconcile.OthersBill)
	case len(s.Parked) > 0 && s.Parked[0].Ending == "":
		s.State, s.Reason = string(reconcile.Parked), s.Parked[0].Reason
	case len(s.Parked) > 0 && s.Parked[0].Ending == stateDiscarded:
		s.State, s.Reason = stateDiscarded, s.Parked[0].Note
	case s.OrderID != "":
		s.State = stateGone
	default:
		s.State = stateUnknown
	}
	if s.State == string(reconcile.LeftOut) && s.Reason == contract.ReasonDiscarded {
		s.State, s.Reason = stateDiscarded, s.Parked[0].Note
	}
}

// foretell says what a run that reads the order now would do: the sync's own decision,
// without any way to change something.
func (r *storyReader) foretell(ctx context.Context) {
	if r.opened == nil || r.whole == nil || len(r.story.Source.Unmet) > 0 {
		return
	}
	result, request, err := booking.WouldSave(ctx, r.flow, r.ledger, r.opened)
	switch f := fault.As(err); {
	case err == nil && (result.Outcome == tally.AlreadySaved || result.Outcome == tally.LeftOut):
		r.story.Next = &nextStory{Outcome: string(result.Outcome), Reason: result.Reason}
	case r.isDiscarded():
		r.story.Next = &nextStory{Outcome: stateDiscarded}
	case f != nil && f.Class == fault.Final:
		r.story.Next = &nextStory{Outcome: string(tally.Parked), Reason: f.Reason, Message: text.Of(err).String()}
	case !r.couldNot(text.New("what a run would do"), err):
		r.story.Next = &nextStory{Outcome: string(result.Outcome), Reason: result.Reason}
		if request != nil && r.flow.SourceBill != nil {
			r.story.Next.Links, err = r.flow.Links(request.Model[0])
			r.couldNot(text.New("the links"), err)
		}
	}
}

// storyServer is a Temporal server and what decrypts its histories.
type storyServer struct {
	client.Client
	namespace string
	histories *sighting.Reader
}

// mostEvents bounds the events of histories that a story reads.
const mostEvents = 60_000

func dialStory(ctx context.Context) (*storyServer, error) {
	c, options, err := dialWith(ctx)
	if err != nil {
		return nil, err
	}
	return &storyServer{Client: c, namespace: options.Namespace, histories: &sighting.Reader{
		Histories: c, Payloads: options.DataConverter, Failures: options.FailureConverter, Events: mostEvents,
	}}, nil
}

// changeTimes are the times at which the order changed, as far as known: each run over one
// of them has seen the order.
func (r *storyReader) changeTimes() []time.Time {
	var times []time.Time
	add := func(at time.Time) {
		at = at.Truncate(time.Second)
		if !at.IsZero() && !slices.ContainsFunc(times, at.Equal) {
			times = append(times, at)
		}
	}
	if r.story.record != nil {
		add(r.flow.CountedAt(r.story.record))
	}
	if r.flow.Source.ChangedField() == r.flow.Source.ModifiedField() {
		for _, bill := range r.story.Bills {
			if bill.Mark != nil && bill.Mark.OrderID == r.story.OrderID {
				add(bill.Mark.ChangedAt)
			}
		}
		for _, parked := range r.story.Parked {
			add(parked.order.ChangedAt)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}
