package contract

import (
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/text"
)

// Hold says who holds the sync, why, and for how long; or with Disabled, who disabled a flow.
type Hold struct {
	// Flow is the flow that is held; "" for all flows of the task queue.
	Flow string `json:"flow,omitempty"`
	// Company is whose flows all are held; "" for those without a company, or of one flow.
	Company string `json:"company,omitempty"`
	// Disabled says that the flow is disabled: its runs under way end rather than wait, and
	// its schedules are paused.
	Disabled bool   `json:"disabled,omitempty"`
	By       string `json:"by"`
	Note     string `json:"note"`
	// Since is when it began, in Beijing time.
	Since time.Time `json:"since,omitzero"`
	// Until is when it ends by itself; zero for a hold that lasts until it is released.
	Until time.Time `json:"until,omitzero"`
	// Released is nil while the hold lasts.
	Released *Release `json:"released,omitempty"`
}

// Release says how a hold ended.
type Release struct {
	// By is who released it; "" if it ended by itself.
	By   string `json:"by,omitempty"`
	Note string `json:"note,omitempty"`
	// At is when it ended, in Beijing time.
	At time.Time `json:"at,omitzero"`
}

// Same reports whether two holds, neither of them released, are the same in everything.
func (h Hold) Same(other Hold) bool {
	return h.Flow == other.Flow && h.Disabled == other.Disabled && h.By == other.By && h.Note == other.Note && h.Since.Equal(other.Since) && h.Until.Equal(other.Until)
}

// Text says what is held or disabled, since and until when, by whom and why.
func (h Hold) Text() text.Text {
	since := h.Since.In(beijing.Zone).Format(time.DateTime)
	if h.Disabled {
		return text.New("flow %s, since %s, by %s: %s", h.Flow, since, h.By, h.Note)
	}
	scope, until := text.New("all flows"), text.New("until it is released")
	switch {
	case h.Flow != "":
		scope = text.New("flow %s", h.Flow)
	case h.Company != "":
		scope = text.New("all flows of %s", h.Company)
	}
	if !h.Until.IsZero() {
		until = text.New("until %s", h.Until.In(beijing.Zone).Format(time.DateTime))
	}
	return text.New("%s, since %s, %s, by %s: %s", scope, since, until, h.By, h.Note)
}
