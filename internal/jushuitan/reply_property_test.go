package jushuitan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/fault"
)

// Law: the decoder keeps every digit of a decimal, as a number or as text, however deep,
// and whatever control characters surround it.
func TestDecimalsKeepEveryDigit(t *testing.T) {
	decimal := rapid.StringMatching(`-?(0|[1-9][0-9]{0,39})(\.[0-9]{1,40})?`)
	noise := rapid.SampledFrom([]string{"", " ", "\t", "\r\n", "\x00", "\x0b", "\x1f"})
	rapid.Check(t, func(t *rapid.T) {
		wanted := rapid.SliceOfN(decimal, 1, 20).Draw(t, "decimals")
		var lines []string
		for _, number := range wanted {
			around := noise.Draw(t, "noise")
			lines = append(lines, fmt.Sprintf(`{"price":%s%s%s,%s"amount":"%s"}`, around, number, around, around, number))
		}
		raw := fmt.Sprintf(`{"response":{"page_index":1,"datas":[{"refund":%s,"items":[%s]}]}}`, wanted[0], strings.Join(lines, ","))

		page, err := call{key: "as_id", transport: qimenTransport{}}.readReply([]byte(raw), "")
		require.NoError(t, err)
		require.Equal(t, json.Number(wanted[0]), page.Datas[0]["refund"])
		items := page.Datas[0]["items"].([]any)
		require.Len(t, items, len(wanted))
		for i, item := range items {
			require.Equal(t, json.Number(wanted[i]), item.(map[string]any)["price"])
			require.Equal(t, wanted[i], item.(map[string]any)["amount"])
		}
	})
}

// Law: valid JSON is not changed.
func TestCleanControlsLeavesValidJSONAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw, err := json.MarshalIndent(rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "object"), "", "\t")
		require.NoError(t, err)
		require.Equal(t, string(raw), string(cleanControls(raw)))
	})
}

func FuzzReply(f *testing.F) {
	for _, seed := range []string{
		emptyPage,
		`{"error_response":{"code":7,"msg":"App Call Limited","sub_msg":"This ban will last for 2 more seconds"}}`,
		`{"response":{"flag":"failure","code":"25","message":"m","request_id":"r"}}`,
		`{"response":{"page_size":"2","page_index":1.0,"data_count":"5","has_next":"true","datas":[{"as_id":1,"items":[{"price":1.10}]}]}}`,
		`{"response":{"msg":"系统繁忙","has_next":false}}`,
		`{"response":{"data_count":0,"page_count":"","datas":{"data":[{"as_id":1}]}}}`,
		`<error_response><code>7</code><msg>App Call Limited</msg></error_response>`,
		"{\"response\":{\"datas\":[{\"name\":\"a\x01\\\"\tb\"}]}}",
		`{"response":{"page_index":1,"page_count":2147483647,"page_size":2147483647,"data_count":2147483647,"datas":[]}}`,
	} {
		f.Add([]byte(seed), "1", "50")
	}
	f.Fuzz(func(t *testing.T, raw []byte, index, size string) {
		page, err := call{key: "as_id", params: map[string]string{"page_index": index, "page_size": size}, transport: qimenTransport{}}.
			readReply(raw, "text/javascript")
		if err != nil {
			failure := fault.As(err)
			require.NotNil(t, failure, "%v", err)
			require.NotEmpty(t, failure.Class)
			require.NotEmpty(t, failure.Reason)
			require.NotEqual(t, failure.Message == "", failure.Err == nil, "what happened is said once")
			require.NotEmpty(t, failure.Advice.String())
			require.GreaterOrEqual(t, failure.Delay, time.Duration(0))
			return
		}
		require.True(t, utf8.Valid(raw))
		require.Positive(t, page.PageIndex)
		require.GreaterOrEqual(t, page.PageSize, 0)
		require.GreaterOrEqual(t, page.DataCount, 0)
		require.GreaterOrEqual(t, page.PageCount, 0)
		for _, order := range page.Datas {
			require.NotNil(t, order)
		}
		if len(page.Datas) == 0 {
			require.False(t, page.HasNext, "nothing follows an empty page, so paging ends")
		}
		if !page.HasNext && page.PageCount > 0 {
			require.GreaterOrEqual(t, page.PageIndex, page.PageCount)
		}
	})
}
