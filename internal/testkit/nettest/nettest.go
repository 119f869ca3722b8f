// Package nettest is an in-memory network for tests in a synctest bubble, whose clock
// stands still while anything waits for a real network.
package nettest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
)

// URL can be any: Dial ignores it.
const URL = "http://example.com"

// Server answers HTTP over pipes.
type Server struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

// Serve serves the handler until the test ends.
func Serve(t testing.TB, handler http.Handler) *Server {
	t.Helper()
	s := &Server{connections: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(s) // returns when it is closed
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return s
}

// Dial connects to the server; it is a [http.Transport]'s DialContext.
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case s.connections <- theirs:
		return ours, nil
	case <-s.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept, with Close and Addr, makes it the listener of its HTTP server.
func (s *Server) Accept() (net.Conn, error) {
	select {
	case connection := <-s.connections:
		return connection, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *Server) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *Server) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }
