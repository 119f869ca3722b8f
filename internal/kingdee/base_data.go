package kingdee

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"refundsync/internal/text"
)

// BaseDataQuery is a query of base data (基础资料), such as customers.
type BaseDataQuery struct {
	// FormID is its form, such as BD_Customer.
	FormID string
	// Key is the field that identifies an entry, such as FCUSTID of BD_Customer: base data
	// has no FID.
	Key string
	// By and Value are the two fields to read.
	By, Value string
	// Where narrows the entries, as [BillQuery.FilterString]; "" takes all.
	Where string
}

// BaseData is an entry of base data.
type BaseData struct {
	// By and Value are the fields of the query; "" for one that is empty.
	By, Value string
	// Disabled entries are forbidden (禁用, FForbidStatus other than A), or not audited
	// (FDocumentStatus other than C).
	Disabled bool
}

// mostBaseData bounds the entries that are read for one query.
const mostBaseData = 100_000

// BaseData reads base data, page by page in the order of Key, each page from the last
// key on, so that no concurrent change shifts an entry into a page that was read.
// An entry comes once for each organisation that uses it, unless Where names one.
func (c *Client) BaseData(ctx context.Context, q BaseDataQuery) ([]BaseData, error) {
	fields := []string{q.Key, "FForbidStatus", "FDocumentStatus"}
	for _, field := range []string{q.By, q.Value} {
		if !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	query := BillQuery{FormID: q.FormID, FieldKeys: strings.Join(fields, ","), FilterString: q.Where, OrderString: q.Key, Limit: findPage}
	reading := baseDataReading{query: q, fields: fields, seen: map[string]bool{}}
	for {
		rows, err := c.ExecuteBillQuery(ctx, query)
		if err != nil {
			return nil, err
		}
		last, err := reading.take(rows)
		if err != nil {
			return nil, err
		}
		if len(rows) < findPage {
			return reading.end()
		}
		if len(reading.all) >= mostBaseData {
			return nil, badQuery.failure(MethodQuery, text.Errorf("%s has over %d entries; narrow it down with where", q.FormID, mostBaseData))
		}
		query.FilterString = q.Key + " > " + last
		if q.Where != "" {
			query.FilterString = "(" + q.Where + ") and " + query.FilterString
		}
	}
}

// baseDataReading is the state of reading base data.
type baseDataReading struct {
	query  BaseDataQuery
	fields []string
	seen   map[string]bool
	all    []BaseData
	// coded is true if an entry had a cell of By that is not null.
	coded bool
}

// take adds a page, and gives its last key as a filter writes it.
func (r *baseDataReading) take(rows [][]any) (last string, err error) {
	for _, row := range rows {
		if len(row) != len(r.fields) {
			return "", malformed(MethodQuery, text.Errorf("a row has %d cells instead of %d", len(row), len(r.fields)))
		}
		key := cellText(row[0])
		if key == "" {
			return "", malformed(MethodQuery, text.Errorf("a row has no %s", r.query.Key))
		}
		if r.seen[key] {
			return "", badQuery.failure(MethodQuery, text.Errorf("%s returned an entry twice (%s %s): key should be the field that identifies an entry, by and value fields of its head",
				r.query.FormID, r.query.Key, shortenTo(key, 40)))
		}
		r.seen[key] = true
		if err := r.readEntry(key, row); err != nil {
			return "", err
		}
		last = filterLiteral(row[0])
	}
	return last, nil
}

func (r *baseDataReading) readEntry(key string, row []any) error {
	cell := func(field string) any { return row[slices.Index(r.fields, field)] }
	for _, field := range []string{"FForbidStatus", "FDocumentStatus"} {
		if noValue(cell(field)) || cellText(cell(field)) == "" {
			return r.unreadable(field, key)
		}
	}
	for _, field := range []string{r.query.By, r.query.Value} {
		// null may be an empty field; asterisks are masked.
		if cell(field) != nil && noValue(cell(field)) {
			return r.unreadable(field, key)
		}
	}
	r.coded = r.coded || cell(r.query.By) != nil
	r.all = append(r.all, BaseData{
		By: cellText(cell(r.query.By)), Value: cellText(cell(r.query.Value)),
		Disabled: cellText(cell("FForbidStatus")) != "A" || cellText(cell("FDocumentStatus")) != "C",
	})
	return nil
}

// end gives all entries. If none had a code, the user lacks the right to the field.
func (r *baseDataReading) end() ([]BaseData, error) {
	if len(r.all) > 0 && !r.coded {
		return nil, r.unreadable(r.query.By, "*")
	}
	return r.all, nil
}

func (r *baseDataReading) unreadable(field, key string) error {
	f := unreadable.failure(MethodQuery, text.Errorf("the query returned %s (%s %s) without a value of %s", r.query.FormID, r.query.Key, shortenTo(key, 40), field))
	f.Field = field
	return f
}

// filterLiteral writes a key for a filter as its cell has it: Kingdee wants numbers
// without quotes.
func filterLiteral(cell any) string {
	if number, ok := cell.(json.Number); ok {
		if _, err := decimal.NewFromString(number.String()); err == nil {
			return number.String()
		}
	}
	return quoteAll([]string{cellText(cell)})
}
