package devserver

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
)

func start(t *testing.T, options Options) *Server {
	t.Helper()
	options.Log = t.Output()
	server, err := Start(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Stop() })
	return server
}

// skipIfShort is a copy of testkit's: testkit imports this package.
func skipIfShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts processes")
	}
}

func dial(t *testing.T, server *Server) client.Client {
	t.Helper()
	connection, err := client.DialContext(t.Context(), client.Options{
		HostPort:  server.Address,
		Namespace: server.Namespace,
		Logger:    log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(connection.Close)
	return connection
}

// startWorkflow starts a workflow that no worker picks up.
func startWorkflow(t *testing.T, connection client.Client, id string) {
	t.Helper()
	_, err := connection.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: id, TaskQueue: "nobody"}, "Nothing")
	require.NoError(t, err)
}

func TestStartServesWorkflowsAndWebUI(t *testing.T) {
	skipIfShort(t)
	t.Parallel()
	server := start(t, Options{
		Namespace:        "returns",
		UI:               true,
		SearchAttributes: map[string]enumspb.IndexedValueType{"Shop": enumspb.INDEXED_VALUE_TYPE_KEYWORD},
		DynamicConfig:    []string{"frontend.enableExecuteMultiOperation=true"},
	})
	assert.NotEqual(t, "127.0.0.1:7233", server.Address)
	assert.Equal(t, "returns", server.Namespace)

	connection := dial(t, server)
	startWorkflow(t, connection, "one")
	described, err := connection.DescribeWorkflow(t.Context(), "one", "")
	require.NoError(t, err)
	assert.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, described.RawResponse.WorkflowExecutionInfo.Status)

	attributes, err := connection.OperatorService().ListSearchAttributes(t.Context(),
		&operatorservice.ListSearchAttributesRequest{Namespace: server.Namespace})
	require.NoError(t, err)
	assert.Equal(t, enumspb.INDEXED_VALUE_TYPE_KEYWORD, attributes.CustomAttributes["Shop"])

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.UIURL+"/namespaces/returns/workflows", nil)
	require.NoError(t, err)
	page, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = page.Body.Close() }()
	body, err := io.ReadAll(page.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, page.StatusCode)
	assert.Contains(t, string(body), "<html")
	http.DefaultClient.CloseIdleConnections()

	assert.ErrorIs(t, waitUntilServing(t.Context(), server, "devserver-of-somebody-else"), errStranger)

	require.NoError(t, server.Stop())
	<-server.Done()
	assert.NoError(t, server.Stop(), "a second Stop returns what the first did")
}

func TestStateInAFileOutlivesAServerThatWasKilled(t *testing.T) {
	skipIfShort(t)
	t.Parallel()
	options := Options{DBFile: filepath.Join(t.TempDir(), "new folder", "temporal.db")}
	first := start(t, options)
	startWorkflow(t, dial(t, first), "kept")

	_, err := Start(t.Context(), options)
	require.ErrorContains(t, err, "another process uses the state file")

	require.NoError(t, first.process.Kill())
	<-first.Done()
	require.ErrorContains(t, first.Stop(), "exited by itself")

	described, err := dial(t, start(t, options)).DescribeWorkflow(t.Context(), "kept", "")
	require.NoError(t, err)
	assert.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, described.RawResponse.WorkflowExecutionInfo.Status)
}

func TestStartFails(t *testing.T) {
	skipIfShort(t)
	t.Parallel()
	taken := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(taken.Close)
	takenPort := taken.Listener.Addr().(*net.TCPAddr).Port
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()

	tests := []struct {
		name    string
		ctx     context.Context
		options Options
		message string
	}{
		{"port taken", t.Context(), Options{Port: takenPort}, fmt.Sprint(takenPort)},
		{"UI port taken", t.Context(), Options{UI: true, UIPort: takenPort}, fmt.Sprint(takenPort)},
		{"refused by the server, whose message is quoted", t.Context(), Options{DynamicConfig: []string{"nonsense"}}, "nonsense"},
		{"state file in a folder that is a file", t.Context(), Options{DBFile: filepath.Join("ports.go", "temporal.db")}, "ports.go"},
		{"cancelled", cancelled, Options{}, context.Canceled.Error()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Start(test.ctx, test.options)
			assert.ErrorContains(t, err, test.message)
		})
	}
}

// The bench measures a server as `temporal server start-dev` starts it, except for
// ports, names and the log level.
func TestPlainServerHasNoSettings(t *testing.T) {
	require.NotContains(t, arguments(Options{Plain: true}, "mark"), "--dynamic-config-value")
	require.Contains(t, arguments(Options{}, "mark"), "--dynamic-config-value")
}
