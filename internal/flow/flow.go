// Package flow turns orders into bills, as a flow says. Package flowfile reads a flow
// from its file.
//
// An order passes through here in two steps. Pick takes the fields that the flow names
// out of Jushuitan's reply; nothing else travels. Open reads them where they arrive. On
// the result of either, Skip says whether the order is left out, and Bill maps it; an
// order that does not meet the flow's requirements has no bill. All of them are pure: the
// same flow and order give the same result, byte for byte. InOpenPeriod keeps a new bill
// out of the periods that finance has closed by the time it is saved.
package flow

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/contract"
)

// Flow is a checked and compiled flow file, made by flowfile.Load. It is read-only and safe
// for concurrent use.
type Flow struct {
	// Name is part of workflow ids: a-z, 0-9 and _.
	Name string
	// Title is shown to people. Default: the name.
	Title string
	// Company is the company whose orders are read and booked: a-z and 0-9, or "" for the
	// settings without a name.
	Company string
	// Version identifies the mapping: the first 12 hex digits of the SHA-256
	// over the flow file and the CSV files of its tables.
	Version string
	// Files are those that Version is over, the flow file first.
	Files []File
	// PickVersion identifies the fields that Pick keeps: an order picked by a flow of
	// the same PickVersion can be mapped by this one.
	PickVersion string
	// Enabled says whether the flow's schedule runs. Default: true.
	Enabled bool

	Source Source
	// Form is the form of Kingdee's that bills are saved to; Call.FormId is its name.
	Form *catalog.Interface
	Call Call
	// SourceBill says to what the lines of bills are linked; nil for a flow that does not.
	SourceBill *SourceBill
	// OwnFields are the fields that the merchant has added to Kingdee's form, as the
	// flow declares them, in the file's order.
	OwnFields []catalog.Field
	// KingdeeTables are the tables whose rows come from Kingdee, in the file's order.
	KingdeeTables []*KingdeeTable
	Options       Options
	Retry         contract.Retry
	// TooManyFailures is the percentage of a page's or a run's orders that stops the run
	// if they fail for one cause; 0 never does. Default: 80.
	TooManyFailures int
	ClosedPeriods   ClosedPeriods
	// LagLimit is how far the watermark may lag behind now before the flow counts as
	// stopped. Default: 1 hour.
	LagLimit time.Duration
	Schedule Schedule
	// Sweep says how far back the flow rereads, and when; nil for a flow that does not.
	// Nothing else finds goods that were received late without the order being modified.
	// Default: 15 days, at 03:30.
	Sweep *Daily
	// Reconcile says how many whole days are reconciled, and when; nil for none. Default: 3
	// days, at 06:00.
	Reconcile *Daily
	Alerts    Alerts

	// Rules are compiled from the flow file.
	Rules Rules

	header []catalog.Field // of the order: those that the flow names
	items  []catalog.Field // of its lines: those that the flow names
}

// Flows are the flows of one folder by their names.
type Flows map[string]*Flow

// Transports are the ways in which the flows' sources are called, sorted.
func (f Flows) Transports() []string {
	used := map[string]bool{}
	for _, flow := range f {
		used[flow.Source.Interface.Transport] = true
	}
	return slices.Sorted(maps.Keys(used))
}

// Companies are the companies of the flows, sorted.
func (f Flows) Companies() []string {
	found := map[string]bool{}
	for _, flow := range f {
		found[flow.Company] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// OfCompany are the flows of a company.
func (f Flows) OfCompany(company string) Flows {
	found := Flows{}
	for name, flow := range f {
		if flow.Company == company {
			found[name] = flow
		}
	}
	return found
}

// Use adds fields of the order and of its lines to those that Pick keeps. It is for those
// who compile a flow.
func (f *Flow) Use(header, items map[string]catalog.Field) {
	f.header, f.items = with(f.header, header), with(f.items, items)
	f.PickVersion = f.pickVersion()
}

func with(fields []catalog.Field, more map[string]catalog.Field) []catalog.Field {
	all := map[string]catalog.Field{}
	maps.Copy(all, more)
	for _, field := range fields {
		all[field.Name] = field
	}
	return sorted(all)
}

// pickVersion hashes the names of the fields that Pick keeps.
func (f *Flow) pickVersion() string {
	digest := sha256.New()
	for _, field := range f.header {
		fmt.Fprintf(digest, "%s\n", field.Name)
	}
	for _, field := range f.items {
		fmt.Fprintf(digest, "%s.%s\n", itemsField, field.Name)
	}
	return hex.EncodeToString(digest.Sum(nil))[:12]
}

// sorted lists fields by name, so that the first of several malformed ones is always the
// same.
func sorted(fields map[string]catalog.Field) []catalog.Field {
	return slices.SortedFunc(maps.Values(fields), func(a, b catalog.Field) int { return cmp.Compare(a.Name, b.Name) })
}

// Rules say what becomes of an order.
type Rules struct {
	Bill []BillField
	// Number is the mapping of the bill's number, which is also in Bill.
	Number *Mapping
	// Lines holds for the order's lines that become lines of the bill; nil keeps all.
	Lines *Expression
	// SplitDefective makes two lines of one that is partly damaged.
	SplitDefective bool
	// OneLine gives the bill a single line, made from the order's own fields.
	OneLine bool
	// Discount is taken off the lines; nil for none.
	Discount  *Discount
	LeaveOut  []LeaveOut
	Require   []Requirement
	NotBooked []NotBooked
}

// Source says which orders are read, and how.
type Source struct {
	// Interface is what orders are read from; Method is its name.
	Interface *catalog.Interface
	Method    string
	// Parameters are the fixed parameters as they are sent, page_size among them. The run
	// adds page_index and the ends of the range.
	Parameters map[string]string
	// PageSize is the number of orders per page. Default: the interface's largest page.
	PageSize int
	// DateType says which of the interface's Times a range is about. Default: "0".
	DateType string
	// Window is the longest span read at once, at most the interface's longest less 2
	// seconds: the reader asks for a second more on either side. Default: that maximum.
	Window time.Duration
	// Overlap is how far a run goes back behind the end of the last one.
	// Default: 10 minutes.
	Overlap time.Duration
	// Lag is how far behind now a run stays. Default: 5 minutes.
	Lag time.Duration
	// Since is where the first incremental run starts, in Beijing time; zero if it must
	// be given when a schedule is created.
	Since time.Time
	// Cursor is how runs find what is new: contract.CursorTime, the default, or
	// contract.CursorRowVersion.
	Cursor string
	// SinceTS is the row version from which the first run by row versions reads; nil if
	// the flow does not say.
	SinceTS *int64
	// Key is the field that tells one order from another.
	Key string
}

// Call holds the options of Kingdee's batchSave, under Kingdee's own names.
type Call struct {
	FormId    string
	Operation string
	// IsAutoSubmitAndAudit (提交并审核) goes with SubmitAndAudit "kingdee".
	// Default: false.
	IsAutoSubmitAndAudit bool
	// IsVerifyBaseDataField (验证基础资料) has Kingdee report unknown codes, which it
	// drops silently otherwise. Default: true.
	IsVerifyBaseDataField bool
	// BatchCount is the number of the server's threads, 1 to 10. Default: 5.
	BatchCount int
}

// Ways to treat a bill that already exists, for Options.Existing.
const (
	// ExistingReport leaves the bill as it is, and fails an order that has changed
	// since, so that a person sees it.
	ExistingReport = "report"
	// ExistingUpdate changes the bill of an order that has changed since, as long as
	// the bill is not submitted and stays in its month; otherwise it does as
	// ExistingReport.
	ExistingUpdate = "update"
	// ExistingSupplement books what was received since in a further bill; if anything
	// else of the order has changed, it does as ExistingReport.
	ExistingSupplement = "supplement"
)

// Ways to treat the bill of a withdrawn order, for Options.Withdrawn.
const (
	// WithdrawnReport leaves the bill as it is and fails the order, so that a person
	// sees it.
	WithdrawnReport = "report"
	// WithdrawnDelete deletes the bill as long as it is not submitted and its period is
	// open; otherwise it does as WithdrawnReport.
	WithdrawnDelete = "delete"
)

// Ways to submit and audit a bill, for Options.SubmitAndAudit.
const (
	// SubmitAndAuditNone only saves bills.
	SubmitAndAuditNone = "none"
	// SubmitAndAuditKingdee has Kingdee do it within batchSave.
	SubmitAndAuditKingdee = "kingdee"
	// SubmitAndAuditExplicit calls Submit and Audit after batchSave.
	SubmitAndAuditExplicit = "explicit"
)

// Options says how bills are saved.
type Options struct {
	// Existing is ExistingReport, ExistingUpdate or ExistingSupplement. Default:
	// ExistingReport.
	Existing string
	// Withdrawn is WithdrawnReport or WithdrawnDelete. Default: WithdrawnReport.
	Withdrawn string
	// SubmitAndAudit is one of the three ways. Default: SubmitAndAuditNone.
	SubmitAndAudit string
	// InFlight is how many orders of one window are processed at once, 1 to 1000.
	// Default: 100.
	InFlight int
	// WindowsAtOnce is how many windows are processed at once, 1 to 50. Default: 8.
	WindowsAtOnce int
	// Grain is one of contract.Grains. Default: contract.GrainAuto.
	Grain string
	// ExpectedDifferences are the fields of the bill that may differ in Kingdee from
	// what was sent, without being reported.
	ExpectedDifferences []string
}

// Schedule says when the flow runs automatically.
type Schedule struct {
	// Cron are cron lines of five fields, or descriptors such as @hourly; the flow runs
	// when any of them matches. None for a flow that is only run by hand.
	Cron []string
	// TimeZone is the IANA name of the zone of Cron and NotBetween. Default:
	// Asia/Shanghai.
	TimeZone string
	// NotBetween are the spans of each day in which no run starts.
	NotBetween []DaySpan
}

// Daily is what is done once a day about the last days.
type Daily struct {
	// Days is how many days it covers.
	Days int
	// At is the minute of the day, in the schedule's time zone.
	At int
}

// DaySpan is a span of each day in minutes after midnight, without To. One whose To is not
// after its From goes past midnight.
type DaySpan struct {
	From, To int
}

// String gives the span as a flow file has it, such as 22:00-06:00.
func (s DaySpan) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", s.From/60, s.From%60, s.To/60, s.To%60)
}

// Holds reports whether a minute of the day is in the span.
func (s DaySpan) Holds(minute int) bool {
	if s.From < s.To {
		return s.From <= minute && minute < s.To
	}
	return s.From <= minute || minute < s.To
}
