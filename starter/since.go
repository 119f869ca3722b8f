package main

import (
	"context"
	"time"

	"go.temporal.io/sdk/client"

	"refundsync/internal/text"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// sinceLast is the value of --since that goes on from the last watermark.
const sinceLast = "last"

func sinceUsage() string {
	return text.Sprintf("where to start: last (the last watermark) or a time; by default the last watermark, or else the flow's source.since")
}

// checkSince refuses a --since that is neither a time nor last.
func checkSince(since string) error {
	if since == "" || since == sinceLast {
		return nil
	}
	_, err := parseTime("--since", since)
	return err
}

// startAt tells an incremental run where to start if no earlier run of its schedule does.
func startAt(ctx context.Context, c client.Client, in *workflows.SyncFlowInput, since string) error {
	if since != "" && since != sinceLast {
		t, err := parseTime("--since", since)
		in.Since = &t
		return err
	}
	watermark, rowVersion, err := visibility.LastWatermark(ctx, c, in.Flow)
	if err != nil {
		return err
	}
	if watermark == nil && since == sinceLast {
		return text.Errorf("flow %s has no last watermark: no automatic run has completed, or it is older than the namespace's retention; give a time with --since", in.Flow)
	}
	in.Watermark, in.RowVersion = watermark, rowVersion
	return nil
}

// describeStart says where an incremental run starts, for a person.
func describeStart(in workflows.SyncFlowInput) string {
	switch {
	case in.Watermark != nil:
		return text.Sprintf("from the last watermark %s", in.Watermark.Format(time.DateTime))
	case in.Since != nil:
		return text.Sprintf("from %s", in.Since.Format(time.DateTime))
	default:
		return text.Sprintf("from the flow's source.since")
	}
}
