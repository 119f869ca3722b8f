package main

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"

	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// sinceLast is the value of --since that goes on from the last watermark.
const sinceLast = "last"

const sinceUsage = "从哪里开始：last 为上次水位，或一个时间；省略时用上次水位，没有则用流程的 source.since where to start: last is the last watermark, or a time; if left out the last watermark, or else the flow's source.since"

// checkSince finds a --since that is neither a time nor last.
func checkSince(text string) error {
	if text == "" || text == sinceLast {
		return nil
	}
	_, err := parseTime("--since", text)
	return err
}

// startAt tells an incremental run where to start if no earlier run of its
// schedule says so.
func startAt(ctx context.Context, c client.Client, in *workflows.SyncRefundsInput, since string) error {
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
		return fmt.Errorf("找不到流程 %[1]s 的上次水位：它没有完成过自动运行，或已超出命名空间的保留期。不作猜测：请用 --since 给出时间。"+
			" The last watermark of flow %[1]s can't be found: it has not completed an automatic run, or that is older than the namespace's retention. Nothing is guessed: give a time by --since", in.Flow)
	}
	in.Watermark, in.RowVersion = watermark, rowVersion
	return nil
}

// describeStart says where an incremental run starts, for a person.
func describeStart(in workflows.SyncRefundsInput) string {
	switch {
	case in.Watermark != nil:
		return "自上次水位 from the last watermark " + in.Watermark.Format(time.DateTime)
	case in.Since != nil:
		return "自 from " + in.Since.Format(time.DateTime)
	default:
		return "自流程的 from the flow's source.since"
	}
}
