package kingdee

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The signatures are those of the published vector.
func TestSignedRequest(t *testing.T) {
	var got *http.Request
	server := serve(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		got = r
		write(w, savedReply)
	})
	_, err := newClient(t, vectorConfig(server.URL)).BatchSave(t.Context(), oneBill)
	require.NoError(t, err)

	want := map[string]string{
		"Content-Type":       "application/json",
		"X-Api-Clientid":     "123456",
		"X-Api-Auth-Version": "2.0",
		"X-Api-Timestamp":    "1700000000",
		"X-Api-Nonce":        "1700000000",
		"X-Api-Signheaders":  "x-api-timestamp,x-api-nonce",
		"X-Api-Signature":    "MDAyOTM2NjVjNDMxYjA5OWE2MWZkZDUxN2MxNGUyY2UyN2JkMmI3NmQ3N2ZiMzc3NGY3ZGE1YzMwZWEwZmRjNQ==",
		"X-Kd-Appkey":        "123456_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY",
		"X-Kd-Appdata":       "NWYwMDAwMDAwMDAwYTEsZGVtbywyMDUyLDEwMA==", // 5f0000000000a1,demo,2052,100
		"X-Kd-Signature":     "OWVhMjg2MWZkMWI0ZjRlYjZlMDkwNjhiYjI2OTkxNjVkNjJkOGYzODIxZmI5YWM5MGUyMzNmNWRjNTcwMDgwYg==",
	}
	for name, value := range want {
		assert.Equal(t, value, got.Header.Get(name), name)
	}
	assert.Equal(t, http.MethodPost, got.Method)
	assert.Equal(t, "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.BatchSave.common.kdsvc", got.URL.Path)
	assert.NotContains(t, got.Header, "Idempotency-Key", "Go's transport would resend the POST")
	assert.NotContains(t, got.Header, "X-Idempotency-Key", "Go's transport would resend the POST")
}

func TestEscapePath(t *testing.T) {
	for name, test := range map[string]struct{ path, want string }{
		"slashes":    {"/k3cloud/A.B", "%2Fk3cloud%2FA.B"},
		"unreserved": {"a-b_c~d", "a-b_c~d"},
		"a space":    {"a b", "a%20b"},
		"a plus":     {"a+b", "a%2Bb"},
		"Chinese":    {"云", "%E4%BA%91"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, escapePath(test.path))
		})
	}
}
