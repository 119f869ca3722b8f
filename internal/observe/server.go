package observe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"
)

// Server serves /healthz, /readyz and /metrics.
type Server struct {
	http   *http.Server
	listen net.Listener
	ended  chan error
}

// Serve begins to serve on an address, host:port. From the moment that ctx is
// done the worker is not ready, and the server still answers.
func Serve(ctx context.Context, address string, metrics *Metrics, temporal client.Client) (*Server, error) {
	listen, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("无法在 %[1]s 提供 /healthz、/readyz 和 /metrics，检查 REFUNDSYNC_HTTP_ADDRESS。 They can't be served there; check that setting: %[2]w", address, err)
	}
	h := &health{metrics: metrics, temporal: temporal, stopping: ctx.Done()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", h.live)
	mux.HandleFunc("GET /readyz", h.ready)
	mux.Handle("GET /metrics", metrics)
	s := &Server{
		// Nobody has more to send than a few headers.
		http:   &http.Server{Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute},
		listen: listen,
		ended:  make(chan error, 1),
	}
	go func() { s.ended <- s.http.Serve(listen) }()
	return s, nil
}

// Address is where it serves: the port is a real one where 0 was asked for.
func (s *Server) Address() string { return s.listen.Addr().String() }

// Close ends it.
func (s *Server) Close() error {
	err := s.http.Close()
	if served := <-s.ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
