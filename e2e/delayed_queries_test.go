package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/proto"

	"refundsync/workflows"
)

// delayedQueries stands between a worker and its Temporal server.
type delayedQueries struct {
	*httptest.Server
	temporal client.Client
	// delayed counts the queries that came late.
	delayed atomic.Int64
}

// delayQueries gives a worker each query of a window when the window has ended, as
// if both were short of time.
func delayQueries(t *testing.T, temporal client.Client, address string) *delayedQueries {
	t.Helper()
	d := &delayedQueries{temporal: temporal}
	http2 := &http.Protocols{}
	http2.SetUnencryptedHTTP2(true)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	proxy.Transport = &http.Transport{Protocols: http2}
	proxy.ErrorLog = log.New(io.Discard, "", 0) // polls are broken off when the worker ends
	proxy.ModifyResponse = d.delay
	d.Server = httptest.NewUnstartedServer(proxy)
	d.Config.ErrorLog = proxy.ErrorLog
	d.Config.Protocols = http2
	d.Start()
	t.Cleanup(d.Close)
	return d
}

func (d *delayedQueries) delay(reply *http.Response) error {
	if !strings.HasSuffix(reply.Request.URL.Path, "/PollWorkflowTaskQueue") {
		return nil
	}
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return err
	}
	reply.Body = io.NopCloser(bytes.NewReader(body))
	// Without compression, a reply is a zero, the length of its message, and that.
	const prefix = 5
	if len(body) == 0 {
		return nil // an error, in the trailers
	}
	if len(body) < prefix || body[0] != 0 || int(binary.BigEndian.Uint32(body[1:])) != len(body)-prefix {
		return fmt.Errorf("a reply of %d bytes is not one message", len(body))
	}
	var task workflowservice.PollWorkflowTaskQueueResponse
	if err := proto.Unmarshal(body[prefix:], &task); err != nil {
		return err
	}
	if task.GetQuery() == nil || task.GetWorkflowType().GetName() != workflows.SyncWindowName {
		return nil
	}
	d.delayed.Add(1)
	ctx, window := reply.Request.Context(), task.GetWorkflowExecution()
	// How the window ends does not matter.
	_ = d.temporal.GetWorkflow(ctx, window.GetWorkflowId(), window.GetRunId()).
		GetWithOptions(ctx, nil, client.WorkflowRunGetOptions{DisableFollowingRuns: true})
	return ctx.Err()
}
