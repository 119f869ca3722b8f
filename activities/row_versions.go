package activities

import (
	"strconv"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/paging"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// readVersions notes how far the rows go, and checks what reading by row versions relies
// on: each row has a version, not below the one requested, in ascending order. Otherwise
// rows would be missed, and nobody is known to have tried this interface.
func readVersions(f *flow.Flow, params workflows.FetchPageParams, rows []*row, page *paging.Page) error {
	last, fresh := *params.StartTS, false
	page.LastTS, page.StableTS = 0, 0
	for _, row := range rows {
		record := row.record
		version, err := versionOf(f, record)
		if err != nil || version < last {
			return unfitForVersions(f, record, last)
		}
		last, page.LastTS = version, version
		// Times and versions of rows grow together, but not strictly.
		if fresh = fresh || modifiedAfter(f, record, params.Window.To); !fresh {
			page.StableTS = version
		}
	}
	return nil
}

// versionOf is the row version, which grows with every change of any row.
func versionOf(f *flow.Flow, record map[string]any) (int64, error) {
	value, err := catalog.Text.Parse(record[f.Source.Interface.Source.RowVersion])
	if err != nil {
		return 0, err
	}
	digits, _ := value.(string)
	return strconv.ParseInt(digits, 10, 64)
}

// modifiedAfter reports whether a row was modified after a moment. A row without a readable
// time was not: it would hold up everything after it for ever.
func modifiedAfter(f *flow.Flow, record map[string]any, moment time.Time) bool {
	value, err := catalog.Time.Parse(record[f.Source.ModifiedField()])
	at, known := value.(time.Time)
	return err == nil && known && at.After(moment)
}

func unfitForVersions(f *flow.Flow, record map[string]any, last int64) error {
	versionField := f.Source.Interface.Source.RowVersion
	return &fault.Error{
		Class:  fault.Final,
		Reason: "row_versions_unsupported",
		System: text.New("Jushuitan"),
		Call:   f.Source.Method,
		Field:  versionField,
		Err: text.Errorf("the reply has the row version %s %v, which should be an integer of at least %d, in ascending order",
			versionField, record[versionField], last),
		Advice: text.New("Set source.cursor to time in the flow file"),
	}
}
