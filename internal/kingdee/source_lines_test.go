package kingdee

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
)

var outboundQuery = SourceQuery{
	FormID: "SAL_OUTSTOCK", Field: "FThirdBillNo",
	To: catalog.All()["SAL_RETURNSTOCK"], Source: catalog.All()["SAL_RETURNSTOCK"].Form.Link.Sources["SAL_OUTSTOCK"],
}

const (
	// sourceRow has 5 pieces, of which 1 and 2 are written back.
	sourceRow = `[71,7,"XSCK7","C","A","SO1","M1","Pcs",5,"5.0",1,2]`
	linkRow   = `[900,71,"70009","A","SAL_OUTSTOCK",1.5]`
)

// serveSources answers both queries with these rows, and keeps their bodies.
func serveSources(t *testing.T, sources, links string) (c *Client, bodies *[]string) {
	t.Helper()
	bodies = new([]string)
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		*bodies = append(*bodies, body)
		if strings.Contains(body, `"SAL_OUTSTOCK"`) {
			write(w, `[`+sources+`]`)
		} else {
			write(w, `[`+links+`]`)
		}
	})
	return newClient(t, vectorConfig(server.URL)), bodies
}

func TestSourceLines(t *testing.T) {
	c, bodies := serveSources(t, strings.Join([]string{
		sourceRow,
		`[72,7,"XSCK7","C","A"," SO1 ","M2","Pcs",1,1,0,0]`,
		`[81,8,"XSCK8","A","A","SO2","M1","Pcs",null,null,null,null]`, // not audited
		`[91,9,"XSCK9","C","B","SO2","M1","Pcs",1,1,0,0]`,             // void
		`[0,10,null,"Z","A","SO2",null,null,null,null,null,null]`,     // a draft without lines and number
		`[101,11,"XSCK11","C","A","so2","M1","Pcs",1,1,0,0]`,          // of another value
	}, ","), strings.Join([]string{
		linkRow,
		`[901,71,"70010","B","SAL_OUTSTOCK",9]`,     // void
		`[902,72,"","A","",1]`,                      // a draft without a number
		`[903,71,"70011","A","SAL_RETURNNOTICE",9]`, // the id of a line of another form
	}, ","))
	found, err := c.SourceLines(t.Context(), outboundQuery, []string{"SO2", "SO1", "", "SO'3", "SO1"})
	require.NoError(t, err)
	require.Len(t, *bodies, 2)
	assert.Equal(t, golden(t, "source_lines.json"), (*bodies)[0])
	assert.Equal(t, golden(t, "source_links.json"), (*bodies)[1])
	require.Len(t, found, 1)
	require.Len(t, found["SO1"], 2)
	first, second := found["SO1"][0], found["SO1"][1]
	assert.Equal(t, []string{"7", "XSCK7", "71", "M1", "Pcs"}, []string{first.BillID, first.BillNumber, first.ID, first.Item, first.Unit})
	assert.Equal(t, []string{"5", "5", "2"}, []string{first.Quantity.String(), first.Base.String(), first.Returned.String()}, "the larger of what was written back")
	require.Len(t, first.Linked, 1)
	assert.Equal(t, "70009 1.5", first.Linked[0].BillNumber+" "+first.Linked[0].Quantity.String())
	require.Len(t, second.Linked, 1)
	assert.Equal(t, "1", second.Linked[0].Quantity.String())
}

func TestNoSourceLines(t *testing.T) {
	c, bodies := serveSources(t, "", linkRow)
	found, err := c.SourceLines(t.Context(), outboundQuery, []string{"SO1"})
	require.NoError(t, err)
	require.Empty(t, found)
	require.Len(t, *bodies, 1)
	_, err = c.SourceLines(t.Context(), outboundQuery, []string{""})
	require.NoError(t, err)
	require.Len(t, *bodies, 1)
}

// What can't be read is neither nothing nor zero.
func TestSourceLinesThatCannotBeRead(t *testing.T) {
	change := func(row string, cell int, value any) string {
		var cells []any
		require.NoError(t, json.Unmarshal([]byte(row), &cells))
		cells[cell] = value
		changed, err := json.Marshal(cells)
		require.NoError(t, err)
		return string(changed)
	}
	for _, c := range []struct {
		name           string
		sources, links string
		field, reason  string
	}{
		{"a hidden status", change(sourceRow, 3, nil), linkRow, "FDocumentStatus", ReasonUnreadable},
		{"a masked void mark", change(sourceRow, 4, "***"), linkRow, "FCancelStatus", ReasonUnreadable},
		{"a hidden material", change(sourceRow, 6, nil), linkRow, "FMaterialID.FNumber", ReasonUnreadable},
		{"no unit", change(sourceRow, 7, ""), linkRow, "FUnitID.FNumber", ReasonUnreadable},
		{"a masked quantity", change(sourceRow, 8, "***"), linkRow, "FRealQty", ReasonUnreadable},
		{"a hidden base quantity", change(sourceRow, 9, nil), linkRow, "FSALBASEQTY", ReasonUnreadable},
		{"a hidden quantity returned", change(sourceRow, 11, nil), linkRow, "FSumRetStockQty", ReasonUnreadable},
		{"no number", change(sourceRow, 8, "five"), linkRow, "", "malformed_reply"},
		{"an enormous number", change(sourceRow, 8, "1e999999"), linkRow, "", "malformed_reply"},
		{"an id that is no number", change(sourceRow, 0, "7) or (1=1"), linkRow, "", "malformed_reply"},
		{"too few cells", `[71,7]`, linkRow, "", "malformed_reply"},
		{"a masked number of a return", sourceRow, change(linkRow, 2, "***"), "FBillNo", ReasonUnreadable},
		{"a hidden void mark of a return", sourceRow, change(linkRow, 3, nil), "FCancelStatus", ReasonUnreadable},
		{"a hidden quantity of a return", sourceRow, change(linkRow, 5, nil), "FRealQty", ReasonUnreadable},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, _ := serveSources(t, c.sources, c.links)
			_, err := client.SourceLines(t.Context(), outboundQuery, []string{"SO1"})
			failed := fault.As(err)
			require.NotNil(t, failed)
			assert.Equal(t, c.reason, failed.Reason)
			assert.Equal(t, c.field, failed.Field)
		})
	}
	t.Run("a refused query", func(t *testing.T) {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
			write(w, `[[{"Result":{"ResponseStatus":{"IsSuccess":false,"Errors":[{"FieldName":"","Message":"字段“FThirdBillNo”不存在","DIndex":0}],"MsgCode":9}}}]]`)
		})
		_, err := newClient(t, vectorConfig(server.URL)).SourceLines(t.Context(), outboundQuery, []string{"SO1"})
		require.Equal(t, "bad_query", fault.As(err).Reason)
	})
}

func TestRules(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		assert.Contains(t, body, `"FormId":"BOS_ConvertRule"`)
		assert.Contains(t, body, `FNumber in ('OutStock-SalReturnStock')`)
		write(w, `[["OutStock-SalReturnStock","销售出库单-销售退货单"]]`)
	})
	known, err := newClient(t, vectorConfig(server.URL)).Rules(t.Context(), []string{"OutStock-SalReturnStock"})
	require.NoError(t, err)
	require.Equal(t, []string{"OutStock-SalReturnStock"}, known)
}
