package jushuitan

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/testkit/golden"
	"refundsync/internal/version"
)

// seedParams are the request parameters of the integration page that this
// project implements, all seven.
func seedParams() map[string]string {
	return map[string]string{
		"page_index": "1", "page_size": "50", "date_type": "0", "status": "Confirmed", "good_status": "SELLER_RECEIVED",
		"start_time": "2024-03-01 00:00:00", "end_time": "2024-03-01 06:00:00",
	}
}

func TestRequestOnTheWire(t *testing.T) {
	var wire string
	client := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, version.UserAgent(), r.Header.Get("User-Agent"))
		wire = fmt.Sprintf("%s %s\nContent-Type: %s\nAccept: %s\n\n%s\n",
			r.Method, r.RequestURI, r.Header.Get("Content-Type"), r.Header.Get("Accept"), body)
		_, _ = io.WriteString(w, emptyPage)
	})
	_, err := client.List(t.Context(), refunds, seedParams())
	require.NoError(t, err)

	golden.Equal(t, "refund_list_request.golden", wire)
}

// receive makes one call and gives what the gateway got: the query, the body,
// and both merged.
func receive(t *testing.T, params map[string]string, changes ...func(*Config)) (query, form, merged url.Values) {
	t.Helper()
	client := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, r.ParseForm())
		query, form, merged = r.URL.Query(), r.PostForm, r.Form
		_, _ = io.WriteString(w, emptyPage)
	}, changes...)
	_, err := client.List(t.Context(), refunds, params)
	require.NoError(t, err)
	return query, form, merged
}

func TestBusinessParametersPassThroughAsTheyAre(t *testing.T) {
	params := seedParams()
	for name, value := range map[string]string{
		"shop_id": "10001", "wms_co_id": "20001", "as_ids": "1,2,3", "so_ids": "A&B=C,中文 +%", "o_ids": "7",
		"type": "普通退货", "start_ts": "123456789012345678", "end_ts": "9", "is_get_total": "false",
	} {
		params[name] = value
	}
	_, form, _ := receive(t, params)
	want := url.Values{}
	for name, value := range params {
		want.Set(name, value)
	}
	require.Equal(t, want, form)
}

func TestEveryMethodSignsWhatItSends(t *testing.T) {
	for _, method := range []SignMethod{SignMD5, SignHMAC, SignHMACSHA256} {
		t.Run(string(method), func(t *testing.T) {
			params := seedParams()
			params["as_ids"], params["so_ids"] = "", "  "
			query, form, merged := receive(t, params, func(c *Config) { c.Qimen.SignMethod = method })

			require.NotContains(t, form, "as_ids", "blank values are not sent")
			require.NotContains(t, form, "so_ids")
			require.Equal(t, string(method), query.Get("sign_method"))
			got := map[string]string{}
			for name, values := range merged {
				require.Len(t, values, 1, name)
				got[name] = values[0]
			}
			want, err := Sign(method, testSecret, got)
			require.NoError(t, err)
			require.Equal(t, want, got["sign"])
		})
	}
}

func TestWithoutSessionNoneIsSent(t *testing.T) {
	_, _, merged := receive(t, seedParams(), func(c *Config) { c.Qimen.Session = "" })
	require.NotContains(t, merged, "session")
}

func TestSystemParametersAreRefusedFromTheFlow(t *testing.T) {
	for _, name := range []string{"method", "app_key", "target_app_key", "customer_id", "session", "timestamp",
		"format", "v", "sign_method", "sign"} {
		t.Run(name, func(t *testing.T) {
			client := gateway(t, func(http.ResponseWriter, *http.Request) { t.Error("a call was made") })
			_, err := client.List(t.Context(), refunds, map[string]string{name: "x"})
			f := fault.As(err)
			require.NotNil(t, f, "%v", err)
			require.Equal(t, fault.Final, f.Class)
			require.Equal(t, "reserved_parameter", f.Reason)
			require.Equal(t, name, f.Field)
		})
	}
}
