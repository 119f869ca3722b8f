package devserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"refundsync/internal/childprocess"
	"refundsync/internal/text"
)

const (
	pollInterval = 20 * time.Millisecond
	pollTimeout  = 5 * time.Second
)

// errStranger means that another server answers at our address.
var errStranger = text.Errorf("another server answers at this address")

// waitUntilServing returns once the frontend and the Web UI answer and the frontend
// has the mark.
func waitUntilServing(ctx context.Context, server *Server, mark string) error {
	// gRPC backs off for a second or more after a refused connection, so poll the bare
	// port first.
	checks := []func(context.Context) error{
		func(ctx context.Context) error { return accepts(ctx, server.Address) },
		func(ctx context.Context) error { return holdsMark(ctx, server.Address, mark) },
	}
	if server.UIURL != "" {
		checks = append(checks, func(ctx context.Context) error { return servesPage(ctx, server.UIURL) })
	}
	for _, check := range checks {
		if err := poll(ctx, server.process, check); err != nil {
			return err
		}
	}
	return nil
}

// poll repeats the check until it succeeds, the process exits or ctx is done.
func poll(ctx context.Context, process *childprocess.Process, check func(context.Context) error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		once, cancel := context.WithTimeout(ctx, pollTimeout)
		err := check(once)
		cancel()
		if process.Exited() {
			return exitedError(process)
		}
		if err == nil || errors.Is(err, errStranger) {
			return err
		}
		select {
		case <-process.Done():
		case <-ticker.C:
		case <-ctx.Done():
			return text.Errorf("the Temporal dev server is not ready: %w (%w): %s", ctx.Err(), err, process.Output())
		}
	}
}

func accepts(ctx context.Context, address string) error {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return connection.Close()
}

func holdsMark(ctx context.Context, address, mark string) error {
	connection, err := client.DialContext(ctx, client.Options{
		HostPort: address,
		Logger:   log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = connection.WorkflowService().DescribeNamespace(ctx,
		&workflowservice.DescribeNamespaceRequest{Namespace: mark})
	if notFound := new(serviceerror.NamespaceNotFound); errors.As(err, &notFound) {
		return fmt.Errorf("%w: %s", errStranger, address)
	}
	return err
}

func servesPage(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: HTTP %d", url, response.StatusCode)
	}
	return nil
}
