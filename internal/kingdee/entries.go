package kingdee

import (
	"context"
	"slices"
	"strings"

	"refundsync/internal/text"
)

// EntryQuery looks up entries of base data by number.
type EntryQuery struct {
	// FormID is the form of the base data, such as BD_Customer.
	FormID string
	// Numbers are those to look up (FNumber); none gives the first 2,000 entries.
	Numbers []string
	// Columns are fields to read besides FNumber, such as FName or FForbidStatus.
	Columns []string
	// Organisations are those that use an entry (FUseOrgId.FNumber); none takes all. The
	// column is then one of Columns.
	Organisations []string
}

// NumberColumn and OrganisationColumn are the number of an entry, and that of the
// organisation that uses it.
const (
	NumberColumn       = "FNumber"
	OrganisationColumn = "FUseOrgId.FNumber"
)

// Entry holds the columns of an entry of base data; those without a value, or that the
// user may not see, are absent.
type Entry map[string]string

// Entries looks up entries of base data, one for each organisation that uses it. unknown
// are the columns that the form does not have, which are then not read, nor used to
// narrow the entries. The database may compare numbers without case. It writes nothing.
func (c *Client) Entries(ctx context.Context, q EntryQuery) (entries []Entry, unknown []string, err error) {
	chunks := [][]string{nil}
	if len(q.Numbers) > 0 {
		chunks = slices.Collect(slices.Chunk(q.Numbers, MostNumbers))
	}
	for i, numbers := range chunks {
		found, err := c.entries(ctx, q, numbers)
		if i == 0 && isBadQuery(err) {
			if unknown, err = c.unknownColumns(ctx, q, err); err != nil {
				return nil, nil, err
			}
			isUnknown := func(column string) bool { return slices.Contains(unknown, column) }
			if isUnknown(OrganisationColumn) {
				q.Organisations = nil
			}
			q.Columns = slices.DeleteFunc(slices.Clone(q.Columns), isUnknown)
			found, err = c.entries(ctx, q, numbers)
		}
		if err != nil {
			return nil, nil, err
		}
		entries = append(entries, found...)
	}
	return entries, unknown, nil
}

// unknownColumns finds the columns for which a query was refused. If it is not for them,
// the error is that of the query.
func (c *Client) unknownColumns(ctx context.Context, q EntryQuery, refused error) ([]string, error) {
	unknown, err := c.UnknownFields(ctx, q.FormID, NumberColumn, append([]string{NumberColumn}, q.Columns...))
	if err == nil && (len(unknown) == 0 || slices.Contains(unknown, NumberColumn)) {
		err = refused
	}
	return unknown, err
}

// entries reads one page. A page that is full may lack some, so its numbers are halved.
func (c *Client) entries(ctx context.Context, q EntryQuery, numbers []string) ([]Entry, error) {
	columns := append([]string{NumberColumn}, q.Columns...)
	var filters []string
	if len(numbers) > 0 {
		filters = append(filters, NumberColumn+" in ("+quoteAll(numbers)+")")
	}
	if len(q.Organisations) > 0 {
		filters = append(filters, OrganisationColumn+" in ("+quoteAll(q.Organisations)+")")
	}
	rows, err := c.ExecuteBillQuery(ctx, BillQuery{
		FormID: q.FormID, FieldKeys: strings.Join(columns, ","), FilterString: strings.Join(filters, " and "), OrderString: NumberColumn, Limit: findPage,
	})
	if err != nil {
		return nil, err
	}
	if len(rows) >= findPage && len(numbers) > 1 {
		half := len(numbers) / 2
		first, err := c.entries(ctx, q, numbers[:half])
		if err != nil {
			return nil, err
		}
		second, err := c.entries(ctx, q, numbers[half:])
		return append(first, second...), err
	}
	entries := make([]Entry, 0, len(rows))
	for _, row := range rows {
		if len(row) != len(columns) {
			return nil, malformed(MethodQuery, text.Errorf("a row has %d cells instead of %d", len(row), len(columns)))
		}
		entry := Entry{}
		for i, column := range columns {
			if value := cellText(row[i]); value != "" && !noValue(row[i]) {
				entry[column] = value
			}
		}
		if entry[NumberColumn] == "" {
			f := unreadable.failure(MethodQuery, text.Errorf("the query returned %s without a value of %s", q.FormID, NumberColumn))
			f.Field = NumberColumn
			return nil, f
		}
		entries = append(entries, entry)
	}
	return entries, nil
}
