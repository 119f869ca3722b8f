package e2e

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"refundsync/activities"
	"refundsync/internal/syncworker"
	"refundsync/internal/testkit"
)

// On Temporal Cloud, and on a server with roles, a worker may not manage search
// attributes: it starts if an administrator has registered them, and otherwise says which
// are missing.
func TestWorkerWithoutTheRightsOfAnOperator(t *testing.T) {
	t.Parallel()
	for _, denied := range []codes.Code{codes.PermissionDenied, codes.Unimplemented} {
		for name, attributes := range map[string]map[string]enumspb.IndexedValueType{
			"registered": syncworker.SearchAttributes(), "not registered": nil,
		} {
			t.Run(denied.String()+" "+name, func(t *testing.T) {
				t.Parallel()
				address, namespace := shared.NamespaceWith(t, attributes)
				ctx, stop := context.WithTimeout(t.Context(), testkit.Patience)
				defer stop()
				var polled atomic.Bool
				c, err := client.DialContext(ctx, client.Options{
					HostPort: address, Namespace: namespace,
					Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
					ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(
						func(ctx context.Context, method string, request, reply any, connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
							switch {
							case strings.Contains(method, "OperatorService"):
								return grpcstatus.Error(denied, "Request unauthorized.")
							case strings.Contains(method, "/Poll"):
								polled.Store(true)
								stop()
							}
							return invoke(ctx, method, request, reply, connection, options...)
						})}},
				})
				require.NoError(t, err)
				t.Cleanup(c.Close)
				err = syncworker.Run(ctx, syncworker.Options{
					Temporal: c, Namespace: namespace, TaskQueue: "q", Activities: &activities.Activities{CallsPerSecond: 1}, DrainTimeout: testkit.Patience,
				})
				if attributes != nil {
					require.NoError(t, err)
					require.True(t, polled.Load())
					return
				}
				for name := range syncworker.SearchAttributes() {
					require.ErrorContains(t, err, name)
				}
				require.False(t, polled.Load())
			})
		}
	}
}

// A missing namespace is reported by name, not as missing attributes.
func TestWorkerInAMissingNamespace(t *testing.T) {
	t.Parallel()
	address, _ := newNamespace(t)
	c, err := client.DialContext(t.Context(), client.Options{
		HostPort: address, Namespace: "nobody-made-it", Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	err = syncworker.Run(t.Context(), syncworker.Options{
		Temporal: c, Namespace: "nobody-made-it", TaskQueue: "q", Activities: &activities.Activities{CallsPerSecond: 1}, DrainTimeout: testkit.Patience,
	})
	require.ErrorContains(t, err, "temporal operator namespace create --namespace nobody-made-it")
}
