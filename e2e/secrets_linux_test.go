package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"refundsync/internal/encryption"
	"refundsync/internal/simulator"
	"refundsync/internal/testkit"
)

// quoter is a proxy in front of both systems. It fails calls as the vendors do, and
// quotes everything that it was sent in its answers.
type quoter struct {
	*httputil.ReverseProxy
	mu    sync.Mutex
	calls map[string]int
	seen  map[string]bool // the secret parts of the requests
}

func (q *quoter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	dump, err := httputil.DumpRequest(r, true)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	said := string(dump)
	method := r.URL.Path[strings.LastIndex(strings.TrimSuffix(r.URL.Path, ".common.kdsvc"), ".")+1:]
	q.mu.Lock()
	q.calls[method]++
	call := q.calls[method]
	q.seen[r.URL.Query().Get("sign")] = true
	q.seen[r.Header.Get("X-Kd-Signature")] = true
	q.seen[r.Header.Get("X-Api-Signature")] = true
	for _, cookie := range r.Cookies() {
		q.seen[cookie.Value] = true
	}
	q.mu.Unlock()

	quoted, err := json.Marshal(said)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	gateway, save := strings.HasPrefix(r.URL.Path, "/router/"), strings.HasPrefix(strings.ToLower(method), "batchsave")
	switch {
	case strings.HasPrefix(r.URL.Path, "/robots/"):
		fmt.Fprintf(w, `{"errcode":93000,"errmsg":%s}`, quoted)
	case call == 1 && (gateway || save):
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, said)
	case call == 2 && (gateway || save):
		panic(http.ErrAbortHandler)
	case call == 3 && (gateway || save):
		_, _ = io.WriteString(w, said)
	case call == 4 && gateway:
		fmt.Fprintf(w, `{"error_response":{"code":15,"msg":%s}}`, quoted)
	case call == 4 && save:
		fmt.Fprintf(w, `response_error:{"Message":%s}`, quoted)
	case save:
		fmt.Fprintf(w, `{"Result":{"ResponseStatus":{"Errors":[{"FieldName":"x","Message":%s,"DIndex":0},{"FieldName":"x","Message":%s,"DIndex":1}],"MsgCode":11}}}`, quoted, quoted)
	default:
		q.ReverseProxy.ServeHTTP(w, r)
	}
}

// secrets are the values that must not appear anywhere.
func (w *world) secrets(t *testing.T, q *quoter) map[string]string {
	t.Helper()
	secrets := map[string]string{}
	for name, value := range w.env {
		switch {
		case strings.HasSuffix(name, "_SECRET"), strings.HasSuffix(name, "_PASSWORD"), name == "JUSHUITAN_SESSION", name == "TEMPORAL_API_KEY",
			name == "REFUNDSYNC_CODEC_TOKEN":
			secrets[name] = value
		case name == "REFUNDSYNC_ENCRYPTION_KEYS":
			for _, key := range ring(t, value) {
				secrets[name+": "+key.ID] = base64.StdEncoding.EncodeToString(key.Secret)
				secrets[name+": bytes of "+key.ID] = string(key.Secret)
			}
		case name == "KINGDEE_APP_ID":
			_, secrets[name], _ = strings.Cut(value, "_")
		case name == "HTTPS_PROXY":
			secrets[name] = proxyPassword
		case strings.HasSuffix(name, "_ROBOT_URL"):
			secrets[name] = value[strings.LastIndexAny(value, "=/")+1:]
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for value := range q.seen {
		if value != "" {
			secrets["sent: "+value] = value
		}
	}
	return secrets
}

// ring returns the key ring of a setting.
func ring(t *testing.T, setting string) encryption.Keys {
	t.Helper()
	var keys encryption.Keys
	for entry := range strings.SplitSeq(setting, ",") {
		if id, encoded, named := strings.Cut(entry, ":"); named {
			secret, err := base64.StdEncoding.DecodeString(encoded)
			require.NoError(t, err)
			keys = append(keys, encryption.Key{ID: id, Secret: secret})
		}
	}
	return keys
}

// collector receives traces and keeps their bytes.
func collector(t *testing.T) (address string, traces func() string) {
	t.Helper()
	var mu sync.Mutex
	var kept strings.Builder
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		var message emptypb.Empty
		if err := stream.RecvMsg(&message); err != nil {
			return err
		}
		mu.Lock()
		kept.Write(message.ProtoReflect().GetUnknown())
		mu.Unlock()
		return stream.SendMsg(&emptypb.Empty{})
	}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return "http://" + listener.Addr().String(), func() string {
		mu.Lock()
		defer mu.Unlock()
		return kept.String()
	}
}

// histories returns the bytes of everything that Temporal keeps, decrypted if necessary:
// histories, memos, search attributes.
func (w *world) histories(t *testing.T) string {
	t.Helper()
	// The memo of the accounts is not encrypted.
	codec, err := encryption.NewCodec(append(ring(t, w.env["REFUNDSYNC_ENCRYPTION_KEYS"]), encryption.None))
	require.NoError(t, err)
	decrypt, err := converter.NewPayloadCodecGRPCClientInterceptor(converter.PayloadCodecGRPCClientInterceptorOptions{Codecs: []converter.PayloadCodec{codec}})
	require.NoError(t, err)
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort:          w.env["TEMPORAL_ADDRESS"],
		Namespace:         w.env["TEMPORAL_NAMESPACE"],
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(decrypt)}},
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	var all strings.Builder
	for _, info := range listed(t, c, "") {
		raw, err := proto.Marshal(info)
		require.NoError(t, err)
		all.Write(raw)
		for _, event := range events(t, c, info.GetExecution().GetWorkflowId(), info.GetExecution().GetRunId()) {
			raw, err := proto.Marshal(event)
			require.NoError(t, err)
			all.Write(raw)
		}
	}
	return all.String()
}

// Both systems and the robots fail in every way and quote what they were sent. No secret
// appears in what the programs print and log, in what they send to Temporal, to
// Prometheus and to a trace collector, in the crash of a worker or of the codec server,
// or in the process list.
func TestSecretsAreShownNowhere(t *testing.T) {
	t.Parallel()
	testkit.SkipUnlessLong(t)
	for name, keys := range map[string]string{"in clear text": "", "encrypted": newKey + "," + oldKey} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each mostly waits for retries
			testSecretsAreShownNowhere(t, keys)
		})
	}
}

func testSecretsAreShownNowhere(t *testing.T, keys string) {
	w := newWorld(t, simulator.Options{Orders: 60, Auth: simulator.AuthAppSecret})
	inside, err := url.Parse(w.server.URL())
	require.NoError(t, err)
	q := &quoter{ReverseProxy: httputil.NewSingleHostReverseProxy(inside), calls: map[string]int{}, seen: map[string]bool{}}
	outside := httptest.NewServer(q)
	t.Cleanup(outside.Close)
	collect, traces := collector(t)
	for name, value := range w.env {
		w.env[name] = strings.Replace(value, w.server.URL(), outside.URL, 1)
	}
	for name, value := range map[string]string{
		"JUSHUITAN_SESSION":           "s3ssion-of-the-merchant",
		"TEMPORAL_API_KEY":            "k3y-of-temporal-cloud",
		"TEMPORAL_TLS":                "false",
		"REFUNDSYNC_ENCRYPTION_KEYS":  keys,
		"REFUNDSYNC_CODEC_TOKEN":      "6f1c0b5e9a7d4d2e8c3b1a0f5e6d7c8b",
		"REFUNDSYNC_CODEC_UI_ORIGIN":  "http://localhost:8233",
		"HTTPS_PROXY":                 "http://refundsync:" + proxyPassword + "@127.0.0.1:1",
		"OTEL_EXPORTER_OTLP_ENDPOINT": collect,
		"LOG_LEVEL":                   "debug",
		"GOTRACEBACK":                 "all",
		"REFUNDSYNC_FLOWS": changedFlows(t, "too_many_failures: 80", "too_many_failures: 0", "first: 2s", "first: 1s",
			"# alerts:\n", "alerts:\n  robots:\n    - { robot: wecom, url_from: WECOM_ROBOT_URL }\n    - { robot: dingtalk, url_from: DINGTALK_ROBOT_URL, secret_from: DINGTALK_ROBOT_SECRET }\n    - { robot: feishu, url_from: FEISHU_ROBOT_URL, secret_from: FEISHU_ROBOT_SECRET }\n"),
	} {
		w.env[name] = value
	}
	// Crashes and the process list need a process.
	address := testkit.FreeAddress(t)
	worker := w.with("REFUNDSYNC_HTTP_ADDRESS", address).startWorkerProcess(t)
	monitor := monitored{url: "http://" + address}
	shown := map[string]string{}
	say := func(code int, args ...string) {
		e := w.starter(t, code, args...)
		shown["starter "+strings.Join(args, " ")] = e.stdout + e.stderr
	}
	say(3, append([]string{"run", "--wait"}, w.rangeFlags()...)...)
	say(0, "parked", "list")
	say(0, "status")
	say(1, "alerts", "test", "--flow", "refund_to_return")
	say(0, "check")
	_, shown["metrics"] = monitor.get(t, "/metrics")
	_, shown["readiness"] = monitor.get(t, "/readyz")
	shown["histories"] = w.histories(t)
	require.Contains(t, shown["histories"], "***", "the systems were quoted")
	testkit.Wait(t, "traces arrive", func() bool { return strings.Contains(traces(), "RunActivity:SaveOrder") })
	shown["traces"] = traces()
	shown["process list"] = commandLine(t, worker)

	// A crash: the runtime prints the stacks of all goroutines.
	worker.Signal(t, syscall.SIGQUIT)
	worker.End(t)
	shown["log and crash"] = worker.Output()
	require.Contains(t, shown["log and crash"], "SIGQUIT: quit")
	require.Contains(t, shown["log and crash"], "goroutine ")
	if keys == "" { // with keys the log contains only the reasons
		require.Contains(t, shown["log and crash"], "***")
	}

	if keys != "" {
		server := w.start(t, "Web UI", "starter", "codec-server", "--listen", "127.0.0.1:0")
		shown["codec server"] = w.askCodecServer(t, between(server.Output(), "codec server: ", " ·"))
		shown["process list of the codec server"] = commandLine(t, server)
		server.Signal(t, syscall.SIGQUIT)
		server.End(t)
		shown["log and crash of the codec server"] = server.Output()
		require.Contains(t, server.Output(), "SIGQUIT: quit")
		shown["codec server with settings that are wrong"] = w.with("REFUNDSYNC_CODEC_UI_ORIGIN", "x").run(t, "starter", "codec-server").stderr
	}

	// Neither system is there.
	outside.Close()
	e := w.starter(t, 1, "check")
	shown["check without the systems"] = e.stdout + e.stderr
	shown["worker with settings that are wrong"] = w.with("KINGDEE_SESSIONS", "x").run(t, "worker").stderr

	secrets := w.secrets(t, q)
	require.Greater(t, len(secrets), 12, "%v", slices.Sorted(maps.Keys(secrets)))
	require.Contains(t, secrets, "REFUNDSYNC_CODEC_TOKEN")
	if keys != "" {
		require.Contains(t, secrets, "REFUNDSYNC_ENCRYPTION_KEYS: 2024-03")
	}
	for where, text := range shown {
		require.NotEmpty(t, text, where)
		for name, secret := range secrets {
			// The text itself is too long to print.
			assert.False(t, strings.Contains(text, secret), "%s is seen in: %s", name, where)
		}
	}
}

// askCodecServer returns its answers to authorised and to unauthorised callers.
func (w *world) askCodecServer(t *testing.T, address string) string {
	t.Helper()
	var all strings.Builder
	for _, token := range []string{"", "another", w.env["REFUNDSYNC_CODEC_TOKEN"]} {
		for _, body := range []string{`{"payloads":[]}`, `{"payloads":[{"metadata":{"encoding":"YmluYXJ5L2VuY3J5cHRlZA==","encryption-key-id":"MjAyNC0wMw=="},"data":"AAAA"}]}`, "x"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/"+w.env["TEMPORAL_NAMESPACE"]+"/decode", strings.NewReader(body))
			require.NoError(t, err)
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Authorization", "Bearer "+token)
			reply, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			dump, err := httputil.DumpResponse(reply, true)
			require.NoError(t, err)
			require.NoError(t, reply.Body.Close())
			all.Write(dump)
		}
	}
	return all.String()
}

func commandLine(t *testing.T, p *testkit.Process) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.PID()))
	require.NoError(t, err)
	return string(text)
}
