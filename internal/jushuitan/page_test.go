package jushuitan

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

func TestReplyOfTheVendor(t *testing.T) {
	reply, err := os.ReadFile("testdata/refund_list_reply.json")
	require.NoError(t, err)
	page, err := gateway(t, replyWith(http.StatusOK, string(reply))).List(t.Context(), refunds, seedParams())
	require.NoError(t, err)

	require.Equal(t, Page{PageIndex: 1, PageSize: 50, DataCount: 2, PageCount: 1, HasNext: false, Datas: page.Datas, Clock: page.Clock}, page)
	require.Len(t, page.Datas, 2)
	require.Equal(t, json.Number("9007199254740993"), page.Datas[0]["as_id"], "above 2^53")
	require.Equal(t, "9007199254740994", page.Datas[1]["as_id"])
	require.Nil(t, page.Datas[1]["confirm_date"])
	line := page.Datas[0]["items"].([]any)[0].(map[string]any)
	require.Equal(t, json.Number("19.90"), line["price"])
	require.Equal(t, "3.000", line["r_qty"])
}

func TestPageTolerance(t *testing.T) {
	const one, two = `{"as_id":1}`, `{"as_id":1},{"as_id":2}`
	asked := func(index, size string) map[string]string {
		return map[string]string{"page_index": index, "page_size": size}
	}
	for _, test := range []struct {
		name   string
		params map[string]string
		body   string
		want   Page // without Datas
		orders int
	}{
		{"numbers and bools as text", asked("2", "2"),
			`{"response":{"page_size":"2","page_index":"2","data_count":"5","page_count":" 3 ","has_next":"True","datas":[` + two + `]}}`,
			Page{PageIndex: 2, PageSize: 2, DataCount: 5, PageCount: 3, HasNext: true}, 2},
		{"has_next 1", asked("1", "2"), `{"response":{"has_next":1,"page_count":2,"data_count":3.0,"datas":[` + two + `]}}`,
			Page{PageIndex: 1, PageSize: 2, DataCount: 3, PageCount: 2, HasNext: true}, 2},
		{"has_next 0 as text", asked("1", "2"), `{"response":{"has_next":"0","page_count":1,"data_count":2,"datas":[` + two + `]}}`,
			Page{PageIndex: 1, PageSize: 2, DataCount: 2, PageCount: 1}, 2},
		{"any name of the root object", asked("1", "2"),
			`{"jushuitan_refund_list_query_response":{"page_index":1,"data_count":1,"has_next":false,"datas":[` + one + `]},"request_id":"r"}`,
			Page{PageIndex: 1, PageSize: 2, DataCount: 1, PageCount: 1}, 1},
		{"another object beside the page", asked("1", "2"), `{"code":0,"data":{"data_count":1,"datas":[` + one + `]},"extra":{}}`,
			Page{PageIndex: 1, PageSize: 2, DataCount: 1, PageCount: 1}, 1},
		{"two layers", asked("1", "2"), `{"response":{"code":0,"data":{"data_count":1,"datas":[` + one + `]}}}`,
			Page{PageIndex: 1, PageSize: 2, DataCount: 1, PageCount: 1}, 1},
		{"no root object", asked("1", "2"), `{"page_index":1,"data_count":1,"datas":[` + one + `]}`,
			Page{PageIndex: 1, PageSize: 2, DataCount: 1, PageCount: 1}, 1},
		{"byte-order mark", asked("1", "2"), "\xef\xbb\xbf" + `{"response":{"page_index":1,"data_count":1,"datas":[` + one + `]}}`,
			Page{PageIndex: 1, PageSize: 2, DataCount: 1, PageCount: 1}, 1},
		{"control characters", asked("1", "2"),
			"{\"response\":{\x00\t\r\n\"page_index\":1,\"data_count\":1,\"datas\":[{\"name\":\"a\x01\tb\x0b\nc\\\"\x1f\r\\\\\"}]}}",
			Page{PageIndex: 1, PageSize: 2, DataCount: 1, PageCount: 1}, 1},

		// is_get_total=false
		{"no counts, a full page", asked("1", "2"), `{"response":{"datas":[` + two + `]}}`,
			Page{PageIndex: 1, PageSize: 2, HasNext: true}, 2},
		{"no counts, a full page said to be the last", asked("1", "2"), `{"response":{"has_next":false,"datas":[` + two + `]}}`,
			Page{PageIndex: 1, PageSize: 2, HasNext: true}, 2},
		{"no counts, a page that is not full", asked("3", "2"), `{"response":{"datas":[` + one + `]}}`,
			Page{PageIndex: 3, PageSize: 2}, 1},
		{"no counts, said to have a next page", asked("3", "2"), `{"response":{"has_next":true,"datas":[` + one + `]}}`,
			Page{PageIndex: 3, PageSize: 2, HasNext: true}, 1},
		{"no counts, an empty page after full ones", asked("3", "2"), `{"response":{"has_next":true,"datas":[]}}`,
			Page{PageIndex: 3, PageSize: 2}, 0},
		{"counts of 0 beside orders", asked("1", "2"), `{"response":{"data_count":0,"page_count":0,"datas":[` + two + `]}}`,
			Page{PageIndex: 1, PageSize: 2, HasNext: true}, 2},
		{"counts below the orders of the page", asked("1", "2"), `{"response":{"data_count":1,"page_count":1,"datas":[` + two + `]}}`,
			Page{PageIndex: 1, PageSize: 2, HasNext: true}, 2},
		{"has_next N", asked("1", "2"), `{"response":{"has_next":"N","page_count":1,"data_count":2,"datas":[` + two + `]}}`,
			Page{PageIndex: 1, PageSize: 2, DataCount: 2, PageCount: 1}, 2},
		{"counts of -1", asked("1", "2"), `{"response":{"data_count":-1,"page_count":-1,"page_index":-1,"page_size":-1,"datas":[` + one + `]}}`,
			Page{PageIndex: 1, PageSize: 2}, 1},
		{"counts null and empty", asked("1", "2"), `{"response":{"data_count":null,"page_count":"","has_next":"","datas":[` + one + `]}}`,
			Page{PageIndex: 1, PageSize: 2}, 1},

		{"has_next denied, but more pages counted", asked("1", "2"), `{"response":{"has_next":false,"page_count":2,"datas":[` + two + `]}}`,
			Page{PageIndex: 1, PageSize: 2, PageCount: 2, HasNext: true}, 2},
		{"has_next absent, page_count worked out", asked("1", "2"), `{"response":{"data_count":3,"datas":[` + two + `]}}`,
			Page{PageIndex: 1, PageSize: 2, DataCount: 3, PageCount: 2, HasNext: true}, 2},
		{"page_size lowered by the gateway", asked("1", "500"), `{"response":{"page_size":2,"data_count":3,"datas":[` + two + `]}}`,
			Page{PageIndex: 1, PageSize: 2, DataCount: 3, PageCount: 2, HasNext: true}, 2},
		{"nothing asked, nothing said", nil, `{"response":{"datas":[` + one + `]}}`, Page{PageIndex: 1, HasNext: true}, 1},
		{"a page that has ceased to exist", asked("5", "2"), `{"response":{"page_index":2,"page_count":2,"data_count":3,"datas":[` + one + `]}}`,
			Page{PageIndex: 2, PageSize: 2, DataCount: 3, PageCount: 2}, 1},
		{"empty beyond the last page", asked("5", "2"), `{"response":{"page_index":5,"page_count":2,"data_count":3,"datas":[]}}`,
			Page{PageIndex: 5, PageSize: 2, DataCount: 3, PageCount: 2}, 0},
		{"nothing found, one page counted", asked("1", "2"), `{"response":{"page_count":1,"data_count":0,"datas":[]}}`,
			Page{PageIndex: 1, PageSize: 2, PageCount: 1}, 0},
		{"datas null, data_count 0", asked("1", "2"), `{"response":{"data_count":0,"datas":null}}`, Page{PageIndex: 1, PageSize: 2}, 0},
		{"datas absent, data_count 0", asked("1", "2"), `{"response":{"data_count":"0","has_next":"false"}}`, Page{PageIndex: 1, PageSize: 2}, 0},
		{"datas null beyond the last page", asked("5", "2"), `{"response":{"page_index":5,"page_count":2,"data_count":3,"datas":null}}`,
			Page{PageIndex: 5, PageSize: 2, DataCount: 3, PageCount: 2}, 0},
		{"a page shorter than counted", asked("1", "2"), `{"response":{"data_count":3,"page_count":2,"datas":[` + one + `]}}`,
			Page{PageIndex: 1, PageSize: 2, DataCount: 3, PageCount: 2, HasNext: true}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			page, err := gateway(t, replyWith(http.StatusOK, test.body)).List(t.Context(), refunds, test.params)
			require.NoError(t, err)
			require.Len(t, page.Datas, test.orders)
			test.want.Datas, test.want.Clock = page.Datas, page.Clock
			require.Equal(t, test.want, page)
		})
	}
}

func TestControlCharactersInText(t *testing.T) {
	for _, test := range []struct{ name, raw, want string }{
		{"stripped", "a\x00\x01\x08\x0b\x0c\x0e\x1fb", "ab"},
		{"tab and line breaks kept", "a\tb\r\nc", "a\tb\r\nc"},
		{"after an escaped quote", `a\"` + "\x02\t" + `b`, "a\"\tb"},
		{"after an escaped backslash", `a\\` + "\n", "a\\\n"},
		{"escaped by the vendor", `a\u0001\tb`, "a\x01\tb"},
		{"chinese", "退\x03货\n单", "退货\n单"},
	} {
		t.Run(test.name, func(t *testing.T) {
			page, err := call{key: "as_id", params: seedParams(), transport: qimenTransport{}}.
				readReply([]byte(`{"response":{"datas":[{"name":"`+test.raw+`"}]}}`), "")
			require.NoError(t, err)
			require.Equal(t, test.want, page.Datas[0]["name"])
		})
	}
}

func TestMalformedReplies(t *testing.T) {
	const secretName = "张三丰"
	for name, body := range map[string]string{
		"empty":                        ``,
		"blank":                        ` `,
		"html":                         `<html>` + secretName + `</html>`,
		"xml":                          `<response><flag>success</flag></response>`,
		"null":                         `null`,
		"a list":                       `[{"datas":[]}]`,
		"a string":                     `"` + secretName + `"`,
		"cut":                          `{"response":{"datas":[{"shop_buyer_id":"` + secretName,
		"two objects":                  emptyPage + emptyPage,
		"text after the object":        emptyPage + `<!-- ` + secretName + ` -->`,
		"empty object":                 `{}`,
		"empty root object":            `{"response":{}}`,
		"root object null":             `{"response":null}`,
		"datas absent":                 `{"response":{"page_index":1,"has_next":true}}`,
		"datas absent, no next page":   `{"response":{"has_next":false}}`,
		"datas null, no next page":     `{"response":{"has_next":"false","datas":null}}`,
		"datas empty, a next page":     `{"response":{"page_index":1,"has_next":true,"datas":[]}}`,
		"datas null, orders counted":   `{"response":{"data_count":3,"has_next":false,"datas":null}}`,
		"datas absent, a next page":    `{"response":{"data_count":0,"has_next":true}}`,
		"datas an object":              `{"response":{"datas":{"name":"` + secretName + `"}}}`,
		"datas of texts":               `{"response":{"datas":["` + secretName + `"]}}`,
		"datas with null":              `{"response":{"datas":[null]}}`,
		"has_next unreadable":          `{"response":{"has_next":"perhaps","datas":[]}}`,
		"has_next a list":              `{"response":{"has_next":[],"datas":[]}}`,
		"page_count unreadable":        `{"response":{"page_count":"many","datas":[]}}`,
		"page_count broken":            `{"response":{"page_count":1.5,"datas":[]}}`,
		"data_count enormous":          `{"response":{"data_count":1e999999999,"datas":[]}}`,
		"data_count an object":         `{"response":{"data_count":{},"datas":[]}}`,
		"page_size over 32 bits":       `{"response":{"page_size":9999999999,"datas":[]}}`,
		"another page":                 `{"response":{"page_index":2,"page_count":9,"datas":[{"as_id":1}]}}`,
		"another page, counts absent":  `{"response":{"page_index":2,"datas":[{"as_id":1}]}}`,
		"empty, orders counted":        `{"response":{"page_index":1,"data_count":3,"datas":[]}}`,
		"empty, pages after it":        `{"response":{"page_index":1,"page_count":3,"datas":[]}}`,
		"more pages than orders":       `{"response":{"page_index":1,"page_count":2000000000,"data_count":3,"datas":[{"as_id":1}]}}`,
		"more orders than a page has":  `{"response":{"datas":[` + strings.Repeat(`{},`, mostDatas) + `{}]}}`,
		"more than one object in root": `{"a":{"datas":[]},"b":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gateway(t, replyWith(http.StatusOK, body)).List(t.Context(), refunds, seedParams())
			f := requireFault(t, err, fault.Retry, "malformed_reply")
			require.NotContains(t, f.Error(), secretName, "nothing of the reply is quoted")
		})
	}
}
