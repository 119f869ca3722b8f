package kingdee

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/fault"
)

func TestFindBills(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		assert.Equal(t, golden(t, "find_bills.json"), body)
		write(w, `[[100,"RT100","A","A","2024-03-02T00:00:00","note"],["101","O'Hara","C","B","2024-03-02",""],[102,"RT100","B","A",null,null],`+
			`[103,"rt_1%",null,"A","02.03.2024"," "],[104,77,"Z",null,20240302,"***"],[100,"RT100","A","A","2024-03-02T00:00:00","note"]]`)
	})
	found, err := newClient(t, vectorConfig(server.URL)).FindBills(t.Context(), returns, []string{"RT_1%", "O'Hara", "", "RT100", "O'Hara", "77", "78"})
	require.NoError(t, err)
	assert.Equal(t, map[string][]Bill{
		"RT100":  {{ID: "100", Number: "RT100", DocumentStatus: "A", Date: "2024-03-02", Text: "note"}, {ID: "102", Number: "RT100", DocumentStatus: "B", Unreadable: "FHeadNote"}},
		"O'Hara": {{ID: "101", Number: "O'Hara", DocumentStatus: "C", Void: true, Date: "2024-03-02"}},
		"RT_1%":  {{ID: "103", Number: "rt_1%", Text: " ", Unreadable: "FDocumentStatus"}}, // the database compared without case
		"77":     {{ID: "104", Number: "77", DocumentStatus: "Z", Text: "***", Unreadable: "FHeadNote"}},
	}, found)
}

// billTable answers ExecuteBillQuery from a table of bills, page by page.
type billTable struct {
	bills   []Bill // ordered by id
	queries []BillQuery
}

func (b *billTable) answer(t assert.TestingT, body string) string {
	var request struct{ Data BillQuery }
	if !assert.NoError(t, json.Unmarshal([]byte(body), &request)) {
		return ""
	}
	q := request.Data
	b.queries = append(b.queries, q)
	wanted := parseIn(t, q.FilterString)
	rows := [][]any{}
	for _, bill := range b.bills {
		if slices.Contains(wanted, bill.Number) {
			rows = append(rows, []any{json.Number(bill.ID), bill.Number, bill.DocumentStatus, "A", nil, bill.Text})
		}
	}
	rows = rows[min(q.StartRow, len(rows)):]
	rows = rows[:min(q.Limit, len(rows))]
	raw, err := json.Marshal(rows)
	assert.NoError(t, err)
	return string(raw)
}

// parseIn reads FBillNo in ('…','…') as SQL does.
func parseIn(t assert.TestingT, filter string) (values []string) {
	rest, found := strings.CutPrefix(filter, "FBillNo in (")
	assert.True(t, found, filter)
	for {
		var value strings.Builder
		assert.True(t, strings.HasPrefix(rest, "'"), rest)
		rest = rest[1:]
		for {
			before, after, closed := strings.Cut(rest, "'")
			if !assert.True(t, closed, filter) {
				return nil
			}
			value.WriteString(before)
			rest = after
			if !strings.HasPrefix(rest, "'") {
				break
			}
			value.WriteByte('\'')
			rest = rest[1:]
		}
		values = append(values, value.String())
		if rest == ")" {
			return values
		}
		rest, found = strings.CutPrefix(rest, ",")
		if !assert.True(t, found, filter) {
			return nil
		}
	}
}

func TestFindBillsChunksAndPages(t *testing.T) {
	table := &billTable{}
	var numbers []string
	for i := range 1050 {
		numbers = append(numbers, fmt.Sprintf("RT%04d", i))
		if i%2 == 0 {
			table.bills = append(table.bills, Bill{ID: fmt.Sprint(1000 + i), Number: numbers[i], DocumentStatus: "A"})
		}
	}
	for i := range 2 * findPage { // doubles that fill two pages
		table.bills = append(table.bills, Bill{ID: fmt.Sprint(10000 + i), Number: "RT0007", DocumentStatus: "A"})
	}
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) { write(w, table.answer(t, body)) })
	found, err := newClient(t, vectorConfig(server.URL)).FindBills(t.Context(), returns, numbers)
	require.NoError(t, err)
	assert.Len(t, found, 526)
	assert.Len(t, found["RT0007"], 2*findPage)
	assert.Len(t, found["RT0448"], 1)

	var starts []int
	for _, q := range table.queries {
		starts = append(starts, q.StartRow)
		assert.LessOrEqual(t, len(parseIn(t, q.FilterString)), MostNumbers)
		assert.Equal(t, "FID", q.OrderString, "pages need an order")
	}
	assert.Equal(t, []int{0, findPage, 2 * findPage, 0, 0}, starts)
}

// A bill whose number differs only in case is ignored if another has the exact number.
func TestFindBillsPrefersTheVeryNumber(t *testing.T) {
	server := always(t, `[[1,"th1","A","A",null,""],[2,"TH1","A","A",null,""]]`)
	found, err := newClient(t, vectorConfig(server.URL)).FindBills(t.Context(), returns, []string{"TH1", "Th1"})
	require.NoError(t, err)
	require.Len(t, found["TH1"], 1)
	require.Len(t, found["Th1"], 2)
}

func TestNewestBills(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		assert.Equal(t, golden(t, "newest_bills.json"), body)
		write(w, `[[2,"TH2","A","A",null,"b"],[1,"TH1","A","A",null,"a"]]`)
	})
	bills, err := newClient(t, vectorConfig(server.URL)).NewestBills(t.Context(), returns, "%]", 20)
	require.NoError(t, err)
	require.Equal(t, []Bill{{ID: "2", Number: "TH2", DocumentStatus: "A", Text: "b"}, {ID: "1", Number: "TH1", DocumentStatus: "A", Text: "a"}}, bills)
}

func TestFindBillsNeedsNoCallForNoNumbers(t *testing.T) {
	server := serve(t, func(http.ResponseWriter, *http.Request, string) { assert.Fail(t, "called") })
	found, err := newClient(t, vectorConfig(server.URL)).FindBills(t.Context(), returns, []string{""})
	require.NoError(t, err)
	assert.Empty(t, found)
}

func TestFindBillsFailures(t *testing.T) {
	endless := strings.TrimSuffix(strings.Repeat(`[1,"A","A","A",null,""],`, findPage), ",")
	for name, test := range map[string]struct {
		reply  string
		class  fault.Class
		reason string
	}{
		"the same page again and again": {`[` + endless + `]`, fault.Retry, "malformed_reply"},
		"a cell missing":                {`[[1,"A","A",""]]`, fault.Retry, "malformed_reply"},
		"an empty row":                  {`[[]]`, fault.Retry, "malformed_reply"},
		"no id":                         {`[[null,"A","A","A",null,""]]`, fault.Retry, "malformed_reply"},
		"no number":                     {`[[1,null,"A","A",null,""]]`, fault.Final, "field_unreadable"},
		"a masked number":               {`[[1,"***","A","A",null,""]]`, fault.Final, "field_unreadable"},
		"an unknown form":               {`[[` + status(`"MsgCode":4`) + `]]`, fault.Final, "bad_query"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, vectorConfig(always(t, test.reply).URL)).FindBills(t.Context(), returns, []string{"A"})
			requireFault(t, err, test.class, test.reason)
		})
	}
}

// Whatever the numbers contain, exactly their bills are found.
func TestFindBillsFindsExactlyWhatIsAsked(t *testing.T) {
	var table *billTable
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) { write(w, table.answer(t, body)) })
	c := newClient(t, vectorConfig(server.URL))
	rapid.Check(t, func(r *rapid.T) {
		number := rapid.StringMatching(`['"%_\\(),;\-A甲 ]{1,4}`)
		held := rapid.SliceOfN(number, 0, 20).Draw(r, "held")
		asked := rapid.SliceOfN(number, 1, 20).Draw(r, "asked")
		table = &billTable{}
		want := map[string][]Bill{}
		for i, n := range held {
			bill := Bill{ID: fmt.Sprint(i + 1), Number: n, DocumentStatus: "A"}
			table.bills = append(table.bills, bill)
			if slices.Contains(asked, n) {
				want[n] = append(want[n], bill)
			}
		}
		found, err := c.FindBills(t.Context(), returns, asked)
		require.NoError(r, err)
		require.True(r, maps.EqualFunc(want, found, slices.Equal), "want %v, found %v", want, found)
	})
}
