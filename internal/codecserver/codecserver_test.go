package codecserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

const (
	token    = "6f1c0b5e9a7d4d2e8c3b1a0f5e6d7c8b"
	uiOrigin = "https://temporal.example.com"
)

// reversing is a codec whose work is seen at once.
type reversing struct{}

func (reversing) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	return nil, errors.New("not asked")
}

func (reversing) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded := []*commonpb.Payload{}
	for _, payload := range payloads {
		if string(payload.GetData()) == "of an unknown key" {
			return nil, errors.New("add key k1")
		}
		if string(payload.GetData()) == "a bomb" {
			payload = &commonpb.Payload{Data: make([]byte, mostDecoded/2)}
		}
		decoded = append(decoded, &commonpb.Payload{Data: append([]byte("decoded "), payload.GetData()...)})
	}
	return decoded, nil
}

func serve(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(New(Options{Codec: reversing{}, Token: token, UIOrigin: uiOrigin, Namespaces: []string{"default", "refunds"}}))
	t.Cleanup(server.Close)
	return server
}

// body is what the Web UI sends.
func body(t *testing.T, data ...string) string {
	t.Helper()
	payloads := &commonpb.Payloads{}
	for _, one := range data {
		payloads.Payloads = append(payloads.Payloads, &commonpb.Payload{Data: []byte(one)})
	}
	text, err := protojson.Marshal(payloads)
	require.NoError(t, err)
	return string(text)
}

// ask sends a request and gives its answer, with the text read.
func ask(t *testing.T, client *http.Client, method, address, content string, header map[string]string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(content))
	require.NoError(t, err)
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(text)
}

func TestDecode(t *testing.T) {
	server := serve(t)
	session := sessions{secret: []byte(token), now: time.Now}.begin()
	with := func(pairs ...string) map[string]string {
		header := map[string]string{"Content-Type": "application/json", "X-Namespace": "default", "Authorization": "Bearer " + token}
		for i := 0; i < len(pairs); i += 2 {
			header[pairs[i]] = pairs[i+1]
		}
		return header
	}
	for _, c := range []struct {
		name, method, path, content string
		header                      map[string]string
		status                      int
		says                        string
	}{
		{"a program with the token", "POST", "/decode", body(t, "x"), with(), 200, ""},
		{"the namespace in the path", "POST", "/refunds/decode", body(t, "x"), with("X-Namespace", ""), 200, ""},
		{"no namespace", "POST", "/decode", body(t, "x"), with("X-Namespace", ""), 403, "namespace"},
		{"a page of the Web UI", "POST", "/decode", body(t, "x"), with("Origin", uiOrigin), 200, ""},
		{"no token", "POST", "/decode", body(t, "x"), with("Authorization", ""), 401, "Sign in"},
		{"another token", "POST", "/decode", body(t, "x"), with("Authorization", "Bearer "+strings.ToUpper(token)), 401, "Sign in"},
		{"a token of another kind", "POST", "/decode", body(t, "x"), with("Authorization", "Basic "+token), 401, "Sign in"},
		{"a forged session", "POST", "/session/99999999999.AAAA/decode", body(t, "x"), with("Authorization", ""), 401, "Sign in"},
		{"a session in a cookie", "POST", "/decode", body(t, "x"), with("Authorization", "", "Cookie", "session="+session), 401, "Sign in"},
		{"a session", "POST", "/session/" + session + "/decode", body(t, "x"), with("Authorization", ""), 200, ""},
		{"a session, another page", "POST", "/session/" + session + "/decode", body(t, "x"), with("Authorization", "", "Origin", "https://evil.example.com"), 403, "Only pages"},
		{"a session without a namespace", "POST", "/session/" + session + "/decode", body(t, "x"), with("Authorization", "", "X-Namespace", ""), 403, "namespace"},
		{"a session, another namespace", "POST", "/session/" + session + "/decode", body(t, "x"), with("Authorization", "", "X-Namespace", "payroll"), 403, "namespace"},
		{"another page", "POST", "/decode", body(t, "x"), with("Origin", "https://evil.example.com"), 403, "Only pages"},
		{"a page of the same name without TLS", "POST", "/decode", body(t, "x"), with("Origin", "http://temporal.example.com"), 403, "Only pages"},
		{"a page without an origin", "POST", "/decode", body(t, "x"), with("Origin", "null"), 403, "Only pages"},
		{"another namespace", "POST", "/decode", body(t, "x"), with("X-Namespace", "payroll"), 403, "namespace"},
		{"another namespace in the path", "POST", "/payroll/decode", body(t, "x"), with(), 403, "namespace"},
		{"an unknown key", "POST", "/decode", body(t, "of an unknown key"), with(), 400, "add key k1"},
		{"no payloads", "POST", "/decode", "[", with(), 400, ""},
		{"too much", "POST", "/decode", body(t, strings.Repeat("x", mostBytes)), with(), 413, "too large"},
		{"too many payloads", "POST", "/decode", `{"payloads":[` + strings.Repeat("{},", mostObjects) + `{}]}`, with(), 413, "too large"},
		{"too much when decoded", "POST", "/decode", body(t, "a bomb", "a bomb", "a bomb"), with(), 400, "too large"},
		{"reading", "GET", "/decode", "", with(), 405, ""},
		{"another path", "POST", "/download", "{}", with(), 404, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, text := ask(t, server.Client(), c.method, server.URL+c.path, c.content, c.header)
			require.Equal(t, c.status, response.StatusCode, text)
			require.Contains(t, text, c.says)
			require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
			if c.header["Origin"] == uiOrigin {
				require.Equal(t, uiOrigin, response.Header.Get("Access-Control-Allow-Origin"))
			} else {
				require.Empty(t, response.Header.Get("Access-Control-Allow-Origin"))
			}
			if c.status == 200 {
				var decoded commonpb.Payloads
				require.NoError(t, protojson.Unmarshal([]byte(text), &decoded))
				require.Equal(t, "decoded x", string(decoded.GetPayloads()[0].GetData()))
			} else {
				require.NotContains(t, text, "decoded")
				require.False(t, json.Valid([]byte(text)))
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	server := serve(t)
	asks := map[string]string{"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-namespace"}
	asks["Origin"] = uiOrigin
	response, _ := ask(t, server.Client(), "OPTIONS", server.URL+"/decode", "", asks)
	require.Equal(t, 204, response.StatusCode)
	require.Equal(t, uiOrigin, response.Header.Get("Access-Control-Allow-Origin"))
	require.Empty(t, response.Header.Get("Access-Control-Allow-Credentials"))
	require.Equal(t, "POST", response.Header.Get("Access-Control-Allow-Methods"))
	require.Equal(t, "Content-Type, X-Namespace, Authorization, Authorization-Extras", response.Header.Get("Access-Control-Allow-Headers"))

	asks["Origin"] = "https://evil.example.com"
	response, _ = ask(t, server.Client(), "OPTIONS", server.URL+"/decode", "", asks)
	require.Equal(t, 403, response.StatusCode)
	require.Empty(t, response.Header.Get("Access-Control-Allow-Origin"))
}

func TestSignIn(t *testing.T) {
	server := serve(t)
	plain := server.Client()
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	response, text := ask(t, plain, "GET", server.URL+"/", "", nil)
	require.Equal(t, 200, response.StatusCode)
	require.Contains(t, text, `name="token"`)
	require.NotContains(t, text, `class="refused"`)
	require.Contains(t, response.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	response, text = ask(t, plain, "POST", server.URL+"/", url.Values{"token": {"wrong"}}.Encode(), form)
	require.Equal(t, 401, response.StatusCode)
	require.Contains(t, text, "Wrong token")
	require.Empty(t, response.Cookies())

	response, text = ask(t, plain, "POST", server.URL+"/", url.Values{"token": {token + "\n"}}.Encode(), form)
	require.Equal(t, 200, response.StatusCode)
	require.Contains(t, text, "You are signed in")
	require.NotContains(t, text, token)
	require.Empty(t, response.Cookies(), "a browser shows cookies to every port of the host")
	shown := regexp.MustCompile(`value="https(://[^"]+)"`).FindStringSubmatch(text)
	require.NotNil(t, shown, text)
	response, text = ask(t, plain, "POST", "http"+shown[1]+"/decode", body(t, "x"), map[string]string{"Origin": uiOrigin, "X-Namespace": "default"})
	require.Equal(t, 200, response.StatusCode, text)
}

func TestSessionsEnd(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s := sessions{secret: []byte(token), now: func() time.Time { return now }}
	session := s.begin()
	require.True(t, s.valid(session))
	require.False(t, sessions{secret: []byte("another token"), now: s.now}.valid(session))
	later := bytes.Replace([]byte(session), []byte("17"), []byte("18"), 1)
	require.False(t, s.valid(string(later)), "nobody can make it last longer")
	now = now.Add(sessionLength - time.Second)
	require.True(t, s.valid(session))
	now = now.Add(time.Second)
	require.False(t, s.valid(session))
	for _, odd := range []string{"", ".", "x", "x." + s.signature("x")} {
		require.False(t, s.valid(odd), odd)
	}
}

func TestHealth(t *testing.T) {
	server := serve(t)
	response, _ := ask(t, server.Client(), "GET", server.URL+"/healthz", "", nil)
	require.Equal(t, 200, response.StatusCode)
}
