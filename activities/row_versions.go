package activities

import (
	"fmt"
	"strconv"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/paging"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// versionField is the row version, which grows with every change of any row.
const versionField = "ts"

// readVersions says how far rows go, and holds them against what reading by row versions
// rests on: each has a version, not below the one asked for, in growing order.
// Without that rows would be left out, and nobody is known to have tried it on
// this interface.
func readVersions(f *flow.Flow, params workflows.FetchPageParams, rows []*row, page *paging.Page) error {
	last, fresh := *params.StartTS, false
	page.LastTS, page.StableTS = 0, 0
	for _, row := range rows {
		record := row.record
		version, err := versionOf(record)
		if err != nil || version < last {
			return unfitForVersions(f, record, last, err)
		}
		last, page.LastTS = version, version
		// The times of rows and their versions grow together, but not strictly.
		if fresh = fresh || modifiedAfter(record, params.Window.To); !fresh {
			page.StableTS = version
		}
	}
	return nil
}

func versionOf(record map[string]any) (int64, error) {
	value, err := catalog.Text.Parse(record[versionField])
	if err != nil {
		return 0, err
	}
	text, _ := value.(string)
	return strconv.ParseInt(text, 10, 64)
}

// modifiedAfter reports whether a row was modified after a moment. One without a
// readable time was not: it would hold up everything behind it for ever.
func modifiedAfter(record map[string]any, moment time.Time) bool {
	value, err := catalog.Time.Parse(record[flow.ModifiedField])
	at, known := value.(time.Time)
	return err == nil && known && at.After(moment)
}

func unfitForVersions(f *flow.Flow, record map[string]any, last int64, err error) error {
	return &fault.Error{
		Class:  fault.Final,
		Reason: "row_versions_unsupported",
		System: text.Literal("聚水潭 Jushuitan"),
		Call:   f.Source.Method,
		Field:  versionField,
		Message: fmt.Sprintf("回复里的行版本 %s 是 %v，应是不小于 %d 的整数，并按从小到大排列。 The reply's %[1]s %[2]v should be a whole number no less than %[3]d, in growing order",
			versionField, record[versionField], last),
		Advice: text.Literal("把流程文件的 source.cursor 改为 time。 Set source.cursor to time in the flow file"),
		Err:    err,
	}
}
