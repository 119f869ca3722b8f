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

// sharedConfig has a server take a new namespace up at once.
var sharedConfig = []string{
	// A search attribute is known as soon as it's made; else the server looks for
	// new ones by its interval.
	"system.forceSearchAttributesCacheRefreshOnRead=true",
	// The worker that runs a namespace's schedules starts when the server sees the
	// namespace: every 2 s by default.
	`system.namespaceCacheRefreshInterval="200ms"`,
	// By default, 20 calls a second may make namespaces and search attributes.
	"frontend.rps.namespaceReplicationInducingAPIs=1000",
}

// Temporal is the server that the tests of a package share. It starts when the first
// of them asks for a namespace.
type Temporal struct {
	// SearchAttributes are those of each namespace.
	SearchAttributes map[string]enumspb.IndexedValueType
	// Serve starts another server than the dev server, with the dynamic configuration
	// given as KEY=VALUE, and tells its address and what stops it.
	Serve func(ctx context.Context, dynamicConfig []string) (address string, stop func() error, err error)

	start   sync.Once
	making  sync.Mutex // namespaces: the server refuses changes to two at a time
	failure error      // of the start
	address string
	stop    func() error
	client  client.Client
}

// Namespace makes a namespace for the test, and tells it with the server's address.
// Workers, schedules and lists work in it at once.
func (s *Temporal) Namespace(t testing.TB) (address, namespace string) {
	t.Helper()
	return s.NamespaceWith(t, s.SearchAttributes)
}

// NamespaceWith is Namespace with other search attributes.
func (s *Temporal) NamespaceWith(t testing.TB, attributes map[string]enumspb.IndexedValueType) (address, namespace string) {
	t.Helper()
	SkipIfShort(t)
	// It outlives the test that starts it.
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

// Run runs the tests of a package and then ends the server. It's for TestMain, and
// gives the code to exit with.
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

// namespaceName shows whose namespace it is; the same test may run several times.
func namespaceName(test, random string) string {
	plain := func(r rune) rune {
		if r == '_' || r <= unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '-'
	}
	return strings.Map(plain, test) + "-" + random
}

// StartTemporal starts a dev server for a test that needs one of its own.
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
