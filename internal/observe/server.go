package observe

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"

	"refundsync/internal/text"
)

// Server serves /healthz, /readyz and /metrics.
type Server struct {
	http   *http.Server
	listen net.Listener
	ended  chan error
}

// Serve starts a server on an address, host:port. Once ctx is done, it keeps answering
// and reports that the worker is not ready.
func Serve(ctx context.Context, address string, metrics *Metrics, temporal client.Client) (*Server, error) {
	listen, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, text.Errorf("can't serve /healthz, /readyz and /metrics on %s; check REFUNDSYNC_HTTP_ADDRESS: %w", address, err)
	}
	h := &health{metrics: metrics, temporal: temporal, stopping: ctx.Done()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", h.live)
	mux.HandleFunc("GET /readyz", h.ready)
	mux.Handle("GET /metrics", metrics)
	s := &Server{
		// Clients send no more than a few headers.
		http:   &http.Server{Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute},
		listen: listen,
		ended:  make(chan error, 1),
	}
	go func() { s.ended <- s.http.Serve(listen) }()
	return s, nil
}

// Address is where it serves, with the actual port if that of Serve was 0.
func (s *Server) Address() string { return s.listen.Addr().String() }

// Close stops the server.
func (s *Server) Close() error {
	err := s.http.Close()
	if served := <-s.ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
