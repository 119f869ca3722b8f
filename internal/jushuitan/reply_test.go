package jushuitan

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

// Replies of the kinds that integrators report.
func TestReportedReplies(t *testing.T) {
	type want struct {
		orders, pages int
		next          bool

		class  fault.Class
		reason string
		delay  time.Duration
		quote  string
	}
	replies := map[string]want{
		"counts_zero_with_rows": {orders: 1},
		"pages_zero_count_text": {orders: 1},
		"has_next_yes":          {orders: 1, pages: 1, next: true},
		"datas_wrapped_list":    {orders: 1, pages: 1},
		"page_size_capped":      {orders: 30, pages: 2, next: true},

		"empty_no_evidence": {class: fault.Retry, reason: "malformed_reply"},
		"no_datas_with_msg": {class: fault.Retry, reason: "no_code", quote: "系统繁忙，请稍后再试"},
		"empty_only_count":  {class: fault.Retry, reason: "no_code", quote: "customer_id 未授权"},
		"success_false_msg": {class: fault.Retry, reason: "no_code", quote: "店铺授权已过期，请重新授权"},
		"gbk":               {class: fault.Retry, reason: "malformed_reply", quote: "text/html;charset=GBK"},
		"jst_10_sign":       {class: fault.Final, reason: "bad_signature", quote: "验证失败！无效签名"},

		"limit_api_call_text_code": {class: fault.RateLimited, reason: "call_limit", delay: 2 * time.Second, quote: "E005: frequency exceeds the limit"},
		"limit_isv_code15":         {class: fault.RateLimited, reason: "call_limit", delay: limitDelay, quote: "isv.access-limited-by-app-access-count; limit"},
		"limit_daily":              {class: fault.RateLimited, reason: "call_limit", delay: 10*time.Hour + time.Second, quote: "36000 more seconds"},
	}
	files, err := filepath.Glob("testdata/replies/*.json")
	require.NoError(t, err)
	require.Len(t, files, len(replies))
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			want, known := replies[name]
			require.True(t, known)
			body, err := os.ReadFile(file)
			require.NoError(t, err)
			client := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				if name == "gbk" {
					w.Header().Set("Content-Type", "text/html;charset=GBK")
				}
				_, _ = w.Write(body)
			})
			page, err := client.List(t.Context(), refunds, seedParams())
			if want.class == "" {
				require.NoError(t, err)
				require.Equal(t, []any{want.orders, want.pages, want.next}, []any{len(page.Datas), page.PageCount, page.HasNext})
				return
			}
			f := requireFault(t, err, want.class, want.reason)
			require.Contains(t, f.Error(), want.quote)
			require.Equal(t, want.delay, f.Delay)
		})
	}
}

// Whatever the envelope, the vendor's words are quoted, and never an empty page.
func TestTheVendorsWordsAreQuoted(t *testing.T) {
	const words = "店铺授权已过期"
	for name, c := range map[string]struct {
		status int
		body   string
	}{
		"beside nothing":             {200, `{"response":{"msg":"%s"}}`},
		"beside has_next":            {200, `{"response":{"message":"%s","has_next":false}}`},
		"beside a count of 0":        {200, `{"response":{"data_count":0,"msg":"%s"}}`},
		"beside an empty list":       {200, `{"response":{"data_count":0,"page_count":0,"has_next":false,"datas":[],"msg":"%s"}}`},
		"beside a code of success":   {200, `{"response":{"code":0,"issuccess":true,"msg":"%s","datas":[]}}`},
		"beside unreadable counts":   {200, `{"response":{"data_count":"many","msg":"%s","datas":null}}`},
		"beside a list that is none": {200, `{"response":{"datas":{"error":1},"msg":"%s"}}`},
		"outside the page":           {200, `{"msg":"%s","response":{"data_count":0,"datas":[]}}`},
		"beside data null":           {200, `{"code":0,"msg":"%s","data":null}`},
		"in the root":                {200, `{"errMsg":"%s"}`},
		"as the root's text":         {200, `{"response":"%s"}`},
		"two layers down":            {200, `{"qimen_response":{"response":{"error_msg":"%s"}}}`},
		"beside another object":      {200, `{"response":{"msg":"%s"},"extra":{}}`},
		"success false":              {200, `{"response":{"success":"N","sub_msg":"%s"}}`},
		"flag of another word":       {200, `{"response":{"flag":"fail","message":"%s","datas":[]}}`},
		"error_response of text":     {200, `{"error_response":"%s"}`},
		"error_response within":      {200, `{"response":{"error_response":{"code":15,"msg":"%s"}}}`},
		"XML":                        {200, `<?xml version="1.0" encoding="utf-8" ?><error_response><code>15</code><msg>%s</msg></error_response>`},
		"XML without a code":         {200, `<response><flag>failure</flag><message><![CDATA[%s]]></message></response>`},
		"HTTP 500":                   {500, `{"error_response":{"code":15,"msg":"%s"}}`},
		"HTTP 503 with a text":       {503, `{"message":"%s"}`},
		"HTTP 429":                   {429, `{"message":"%s"}`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gateway(t, replyWith(c.status, strings.Replace(c.body, "%s", words, 1))).List(t.Context(), refunds, seedParams())
			f := fault.As(err)
			require.NotNil(t, f, "%v", err)
			require.NotEqual(t, fault.Final, f.Class)
			require.Contains(t, f.Error(), words)
		})
	}
}

func TestWordsOfSuccessAreNoFailure(t *testing.T) {
	for _, words := range []string{"success", "OK", "成功", "查询成功", "获取数据成功！", "Successful."} {
		t.Run(words, func(t *testing.T) {
			page, err := gateway(t, replyWith(http.StatusOK, `{"code":0,"msg":"`+words+`","data":{"data_count":0,"datas":[]}}`)).
				List(t.Context(), refunds, seedParams())
			require.NoError(t, err)
			require.Empty(t, page.Datas)
		})
	}
	for _, words := range []string{"不成功", "成功率过低", "success rate too low", "未能查询成功"} {
		t.Run(words, func(t *testing.T) {
			_, err := gateway(t, replyWith(http.StatusOK, `{"code":0,"msg":"`+words+`","data":{"data_count":0,"datas":[]}}`)).
				List(t.Context(), refunds, seedParams())
			require.ErrorContains(t, err, words)
		})
	}
}

func TestAMessageBesideOrdersTakesNoneAway(t *testing.T) {
	page, err := gateway(t, replyWith(http.StatusOK, `{"response":{"msg":"部分字段已脱敏","datas":[{"as_id":1}]}}`)).
		List(t.Context(), refunds, seedParams())
	require.NoError(t, err)
	require.Len(t, page.Datas, 1)
}

func TestListsOfEachSpelling(t *testing.T) {
	for name, c := range map[string]struct {
		datas, count string
		orders       int
		refused      bool
	}{
		"a list":                       {`[{"as_id":1},{"as_id":2}]`, `2`, 2, false},
		"a list of none":               {`[]`, `0`, 0, false},
		"one order":                    {`{"as_id":1,"items":[]}`, `1`, 1, false},
		"wrapped":                      {`{"data":[{"as_id":1},{"as_id":2}]}`, `2`, 2, false},
		"wrapped in a list":            {`[[{"as_id":1},{"as_id":2}]]`, `2`, 2, false},
		"one order, wrapped":           {`{"data":{"as_id":1}}`, `1`, 1, false},
		"none, wrapped":                {`{"data":[]}`, `0`, 0, false},
		"empty text, none counted":     {`""`, `0`, 0, false},
		"empty object, none counted":   {`{}`, `"0"`, 0, false},
		"null, none counted":           {`null`, `0`, 0, false},
		"empty text":                   {`""`, `null`, 0, true},
		"empty object":                 {`{}`, `""`, 0, true},
		"null":                         {`null`, `-1`, 0, true},
		"empty object, one counted":    {`{}`, `1`, 0, true},
		"text":                         {`"[]"`, `0`, 0, true},
		"an object that is no order":   {`{"name":"x","n":1}`, `0`, 0, true},
		"wrapped in two fields":        {`{"data":[{"as_id":1}],"more":[]}`, `1`, 0, true},
		"a list wrapped beside orders": {`[[{"as_id":1}],{"as_id":2}]`, `2`, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := gateway(t, replyWith(http.StatusOK, `{"response":{"has_next":false,"data_count":`+c.count+`,"datas":`+c.datas+`}}`)).
				List(t.Context(), refunds, seedParams())
			if c.refused {
				requireFault(t, err, fault.Retry, "malformed_reply")
				return
			}
			require.NoError(t, err)
			require.Len(t, page.Datas, c.orders)
		})
	}
}

func TestBytesThatAreNotUTF8(t *testing.T) {
	const gbk = "\xcc\xec\xc3\xa8" // 天猫
	for name, c := range map[string]struct {
		body, reason string
		class        fault.Class
	}{
		"in an order":     {`{"response":{"data_count":1,"datas":[{"as_id":1,"shop_name":"` + gbk + `"}]}}`, "malformed_reply", fault.Retry},
		"in a failure":    {`{"error_response":{"code":25,"msg":"` + gbk + `"}}`, "bad_signature", fault.Final},
		"in a name":       {`{"response":{"data_count":0,"datas":[],"` + gbk + `":1}}`, "malformed_reply", fault.Retry},
		"in an HTML page": {`<html>` + gbk + `</html>`, "malformed_reply", fault.Retry},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gateway(t, replyWith(http.StatusOK, c.body)).List(t.Context(), refunds, seedParams())
			requireFault(t, err, c.class, c.reason)
		})
	}
}
