package jushuitan

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"refundsync/internal/catalog"
)

const (
	testSecret  = "s3cr3t-of-the-app"
	testSession = "s3ss10n-of-the-merchant"

	emptyPage = `{"response":{"page_index":1,"page_size":50,"data_count":0,"page_count":0,"has_next":false,"datas":[]}}`
)

// refunds is the interface that most tests call.
var refunds = catalog.All()["jushuitan.refund.list.query"]

func settings(url string) Config {
	return Config{
		Qimen: &Qimen{
			URL: url, AppKey: "12345678", AppSecret: testSecret, CustomerID: "c1", TargetAppKey: "23060081",
			Session: testSession, SignMethod: SignHMACSHA256,
		},
		CallsPerSecond: rate.Inf,
		// Half a minute before a new day in Beijing.
		Now: func() time.Time { return time.Date(2024, 2, 29, 15, 59, 30, 0, time.UTC) },
	}
}

// gateway starts an HTTP server and a client for it.
func gateway(t *testing.T, handler http.HandlerFunc, changes ...func(*Config)) *Client {
	t.Helper()
	var config Config
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if config.Now != nil {
			w.Header().Set("Date", config.Now().UTC().Format(http.TimeFormat))
		}
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	config = settings(server.URL + "/router/qm")
	for _, change := range changes {
		change(&config)
	}
	client, err := New(config)
	require.NoError(t, err)
	return client
}

func replyWith(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}
