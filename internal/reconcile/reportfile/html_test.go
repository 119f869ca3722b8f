package reportfile

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/reconcile"
)

// elements reads a page, requires that its elements are nested as they should be, and counts
// them by name.
func elements(t *testing.T, page string) map[string]int {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(page))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, []string{"meta"}, xml.HTMLEntity
	found := map[string]int{}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err)
		if start, ok := token.(xml.StartElement); ok {
			found[start.Name.Local]++
			for _, attribute := range start.Attr {
				require.NotContains(t, []string{"src", "style", "srcset", "data", "action"}, attribute.Name.Local)
				require.False(t, attribute.Name.Local == "href" && !strings.HasPrefix(attribute.Value, "#"), "%s", attribute.Value)
			}
		}
	}
}

func TestHTMLStandsAlone(t *testing.T) {
	r, rows := sample(1, 300, 14)
	page := string(written(t, "html", r, rows))
	found := elements(t, page)
	for _, forbidden := range []string{"script", "link", "img", "iframe", "object", "form"} {
		require.Zero(t, found[forbidden], forbidden)
	}
	for _, forbidden := range []string{"http:", "https:", "url(", "@import"} {
		require.NotContains(t, page, forbidden)
	}
	require.Equal(t, 10, found["table"])
	require.Equal(t, found["table"], found["thead"])
	require.Equal(t, 2*len(r.Days)+2+len(causesOf(r.Kinds)), found["rect"], "two bars a day, two of the legend, one for each cause")
	agree := 0
	for _, row := range rows {
		if row.Kind == reconcile.Agrees {
			agree++
		}
		if row.Kind != reconcile.Agrees || row.NotAudited {
			require.Contains(t, page, row.BillNumber)
		}
	}
	require.Contains(t, page, fmt.Sprintf("%d orders that agree are not listed on this page", agree))
	require.NotContains(t, page, "Only the first")
	require.Contains(t, page, `<html lang="en">`)
}

func TestHTMLEscapes(t *testing.T) {
	const evil = `</title></style></svg><script>alert("1")</script>{{.}}`
	row := reconcile.Row{Kind: reconcile.Different, Reason: evil, OrderID: evil, BillNumber: evil, Day: evil, Shop: evil, Differences: []reconcile.Difference{{Field: evil, Item: evil, Source: evil, Kingdee: evil}}}
	r := reconcile.Report{Title: evil, By: evil}
	r.Sums = sumsOf([]reconcile.Row{row})
	page := string(written(t, "html", r, []reconcile.Row{row}))
	require.Zero(t, elements(t, page)["script"])
	require.NotContains(t, page, "<script")
}

func TestHTMLIsBounded(t *testing.T) {
	var rows []reconcile.Row
	for i := range mostLines + 5 {
		rows = append(rows, reconcile.Row{Kind: reconcile.Missing, OrderID: fmt.Sprintf("order%06d", i), Day: "2026-11-01", Sides: reconcile.Sides{Source: reconcile.Sum{Count: 1, Amount: decimal.New(1, -2)}}})
	}
	var r reconcile.Report
	r.Sums = sumsOf(rows)
	page := string(written(t, "html", r, rows))
	require.Contains(t, page, "Only the first 1000 of 1005 lines are shown; the Excel file has all.")
	require.Contains(t, page, "Differences (1,005)")
	require.Contains(t, page, "order000999")
	require.NotContains(t, page, "order001000")
}

func TestGrouped(t *testing.T) {
	for given, want := range map[string]string{"0": "0", "999": "999", "1000": "1,000", "-1234567.89": "-1,234,567.89", "-123.5": "-123.5", "123456": "123,456"} {
		require.Equal(t, want, grouped(given))
	}
}

func TestStepsOfTheAxis(t *testing.T) {
	for _, c := range []struct{ most, step string }{{"1", "0.2"}, {"6", "1"}, {"9.99", "2"}, {"25070.30", "5000"}, {"61000", "20000"}, {"100", "20"}, {"999999.99", "200000"}} {
		require.Equal(t, c.step, niceStep(decimal.RequireFromString(c.most)).String(), c.most)
	}
}
