package testkit

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/protobuf/types/known/durationpb"

	"refundsync/internal/devserver"
)

// sharedConfig makes new namespaces usable at once.
var sharedConfig = []string{
	// Otherwise the server looks for new search attributes only now and then.
	"system.forceSearchAttributesCacheRefreshOnRead=true",
	// The worker that runs a namespace's schedules starts when the server notices the
	// namespace; by default it looks every 2 s.
	`system.namespaceCacheRefreshInterval="200ms"`,
	// The default limit is 20 calls a second that create namespaces or search
	// attributes.
	"frontend.rps.namespaceReplicationInducingAPIs=1000",
	// Each task queue would have four partitions, between which the server forwards polls
	// and tasks.
	"matching.numTaskqueueReadPartitions=1",
	"matching.numTaskqueueWritePartitions=1",
}

// Temporal is the server that the tests of a package share. It starts with the first
// namespace.
type Temporal struct {
	// SearchAttributes are the search attributes of each namespace.
	SearchAttributes map[string]enumspb.IndexedValueType
	// Serve starts the server, with the dynamic configuration as KEY=VALUE, and gives
	// its address and how to stop it; nil starts the dev server.
	Serve func(ctx context.Context, dynamicConfig []string) (address string, stop func() error, err error)

	start   sync.Once
	making  sync.Mutex // the server refuses concurrent changes to namespaces
	failure error      // of the start
	address string
	stop    func() error
	client  client.Client
}

// Namespace creates a namespace for the test and gives it with the server's address.
// Workers, schedules and lists work in it at once.
func (s *Temporal) Namespace(t testing.TB) (address, namespace string) {
	t.Helper()
	return s.NamespaceWith(t, s.SearchAttributes)
}

// NamespaceWith is Namespace with other search attributes.
func (s *Temporal) NamespaceWith(t testing.TB, attributes map[string]enumspb.IndexedValueType) (address, namespace string) {
	t.Helper()
	SkipIfShort(t)
	// The server outlives the test that starts it.
	s.start.Do(func() { s.failure = s.serve(context.Background()) })
	require.NoError(t, s.failure)
	s.making.Lock()
	defer s.making.Unlock()
	namespace = namespaceName(t.Name(), rand.Text())
	_, err := s.client.WorkflowService().RegisterNamespace(t.Context(), &workflowservice.RegisterNamespaceRequest{
		Namespace: namespace, WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
	})
	require.NoError(t, err)
	if len(attributes) > 0 {
		_, err = s.client.OperatorService().AddSearchAttributes(t.Context(), &operatorservice.AddSearchAttributesRequest{
			Namespace: namespace, SearchAttributes: attributes,
		})
		require.NoError(t, err)
	}
	return s.address, namespace
}

func (s *Temporal) serve(ctx context.Context) (err error) {
	serve := s.Serve
	if serve == nil {
		serve = serveDev
	}
	if s.address, s.stop, err = serve(ctx, sharedConfig); err != nil {
		return err
	}
	s.client, err = client.DialContext(ctx, clientOptions(s.address, client.DefaultNamespace))
	return err
}

func serveDev(ctx context.Context, dynamicConfig []string) (address string, stop func() error, err error) {
	server, err := devserver.Start(ctx, devserver.Options{DynamicConfig: dynamicConfig})
	if err != nil {
		return "", nil, err
	}
	return server.Address, server.Stop, nil
}

// Run runs the tests of a package, stops the server, and gives the exit code. It is
// for TestMain.
func (s *Temporal) Run(m *testing.M) int {
	code := m.Run()
	if err := s.end(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

func (s *Temporal) end() error {
	if s.client != nil {
		s.client.Close()
	}
	if s.stop == nil {
		return nil
	}
	return s.stop()
}

// namespaceName names the test; the random part keeps several runs of it apart.
func namespaceName(test, random string) string {
	plain := func(r rune) rune {
		if r == '_' || r <= unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '-'
	}
	return strings.Map(plain, test) + "-" + random
}

// StartTemporal starts a dev server for one test.
func StartTemporal(t testing.TB, options devserver.Options) *devserver.Server {
	t.Helper()
	SkipIfShort(t)
	server, err := devserver.Start(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	return server
}

// Dial connects to a namespace until the end of the test.
func Dial(t testing.TB, address, namespace string) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), clientOptions(address, namespace))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func clientOptions(address, namespace string) client.Options {
	return client.Options{HostPort: address, Namespace: namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))}
}
