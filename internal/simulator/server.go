package simulator

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"refundsync/internal/text"
)

// shutdownWait bounds how long requests in flight may take when a server shuts down.
const shutdownWait = 5 * time.Second

// Server serves both systems on one address.
type Server struct {
	simulator *Simulator
	url       string
	group     *errgroup.Group
	stop      context.CancelFunc
}

// Start serves both systems on an address such as 127.0.0.1:0, where port 0 picks a free
// port, until ctx is cancelled or the server is closed.
func (s *Simulator) Start(ctx context.Context, listen string) (*Server, error) {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, text.Errorf("can't listen on %s: %w", listen, err)
	}
	ctx, stop := context.WithCancel(ctx)
	server := &Server{simulator: s, url: "http://" + listener.Addr().String(), group: new(errgroup.Group), stop: stop}
	h := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}
	h.RegisterOnShutdown(s.faults.EndHangs)
	server.group.Go(func() error {
		if err := h.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			stop()
			return err
		}
		return nil
	})
	server.group.Go(func() error {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWait)
		defer cancel()
		if err := h.Shutdown(ending); err != nil {
			return h.Close()
		}
		return nil
	})
	return server, nil
}

// URL is the base of all addresses, without a trailing slash.
func (s *Server) URL() string { return s.url }

// Wait waits until the server has ended.
func (s *Server) Wait() error { return s.group.Wait() }

// Close ends the server and waits until it has.
func (s *Server) Close() error {
	s.stop()
	return s.Wait()
}

// Handler serves both systems and the simulator's own /_sim/ addresses.
func (s *Simulator) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /router/qm", s.gateway)
	mux.Handle("POST /router/qmtest", s.gateway)
	mux.Handle("POST /open/", s.platform)
	mux.Handle("POST /openWeb/", s.platform)
	mux.Handle("POST /robots/", s.robots)
	s.handleControl(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Kingdee's server ignores the case of paths, and some addresses in use are
		// written K3Cloud.
		if strings.HasPrefix(strings.ToLower(r.URL.Path), "/k3cloud/") {
			s.Tenant.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
