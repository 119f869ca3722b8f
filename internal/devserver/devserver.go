// Package devserver runs the real Temporal development server, including its Web UI,
// as a child process on its own ports, for the demo and the tests. It runs the
// `temporal` on PATH, or else builds the one pinned in tools/go.mod, once; only
// source code is downloaded, through the Go module proxy.
package devserver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/gofrs/flock"
	enumspb "go.temporal.io/api/enums/v1"

	"refundsync/internal/childprocess"
	"refundsync/internal/text"
)

const (
	loopback = "127.0.0.1"
	// startTimeout is far more than the second or so that a start takes, for machines
	// that compile and test at the same time.
	startTimeout = 2 * time.Minute
	// startAttempts is how often a start is attempted, each time on other ports:
	// another program can take a free port before the server listens on it.
	startAttempts = 3
)

// Options are the options of a server. The zero value is a server without Web UI on
// a free port, with its state in memory.
type Options struct {
	// Namespace is created at the start; "" is "default".
	Namespace string
	// DBFile is an SQLite file that keeps the state, created together with its folder
	// if absent; "" keeps the state in memory. Only one server at a time can use a file.
	DBFile string
	// UI serves the Web UI too.
	UI bool
	// Port and UIPort are TCP ports on 127.0.0.1; 0 takes a free one.
	Port, UIPort int
	// SearchAttributes are registered when the namespace is created; a DBFile keeps
	// those it was created with.
	SearchAttributes map[string]enumspb.IndexedValueType
	// Plain keeps all of the server's own defaults, as `temporal server start-dev` has
	// them.
	Plain bool
	// DynamicConfig holds the server's dynamic configuration as KEY=VALUE, with VALUE
	// in JSON.
	DynamicConfig []string
	// Log receives messages for people about what takes long, and on a terminal a
	// progress bar; nil discards them.
	Log io.Writer
}

// Server is a running development server.
type Server struct {
	// Address is host:port of the gRPC frontend.
	Address string
	// Namespace is that of Options.
	Namespace string
	// UIURL is the root of the Web UI without a trailing slash; "" without UI.
	UIURL string

	process *childprocess.Process
	dbLock  *flock.Flock
	stop    func() error
}

// Start finds or builds the server, starts it and returns once it serves. ctx
// bounds only the start; the server runs until Stop, and on Linux no longer than
// the program that started it. The error quotes the server's output, if any.
func Start(ctx context.Context, options Options) (*Server, error) {
	if options.Namespace == "" {
		options.Namespace = "default"
	}
	if options.Log == nil {
		options.Log = io.Discard
	}
	executable, err := Executable(ctx, options.Log)
	if err != nil {
		return nil, err
	}
	dbLock, err := lockDBFile(&options)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		server, err := startOnce(ctx, executable, options)
		if err == nil {
			server.dbLock = dbLock
			return server, nil
		}
		if !errors.Is(err, errPortTaken) || attempt == startAttempts {
			return nil, errors.Join(err, dbLock.Close())
		}
	}
}

// Stop stops the server and waits until it has exited. It returns an error if the
// server had already exited. Further calls return what the first returned.
func (s *Server) Stop() error { return s.stop() }

// PID is the process id of the server, for measuring its use of resources.
func (s *Server) PID() int { return s.process.PID() }

// Done is closed when the server has exited, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

func startOnce(ctx context.Context, executable string, options Options) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := choosePorts(&options); err != nil {
		return nil, err
	}
	mark := ownMark(options.DBFile)
	process, err := startProcess(executable, arguments(options, mark))
	if err != nil {
		return nil, err
	}
	server := &Server{
		Address:   hostPort(options.Port),
		Namespace: options.Namespace,
		process:   process,
	}
	server.stop = sync.OnceValue(func() error {
		return errors.Join(stop(process), server.dbLock.Close())
	})
	if options.UI {
		server.UIURL = "http://" + hostPort(options.UIPort)
	}
	if err := waitUntilServing(ctx, server, mark); err != nil {
		return nil, errors.Join(err, discard(process))
	}
	return server, nil
}

func arguments(options Options, mark string) []string {
	args := []string{
		"server", "start-dev",
		"--ip", loopback,
		"--port", strconv.Itoa(options.Port),
		"--namespace", options.Namespace,
		"--namespace", mark,
		"--log-level", "error",
	}
	if !options.Plain {
		// The default of 20 a second is meant for each of hundreds of shards; with the
		// one shard of this server, every step of a workflow would wait 50 ms.
		args = append(args, "--dynamic-config-value", "history.transferProcessorMaxPollRPS=200")
	}
	if options.UI {
		args = append(args, "--ui-port", strconv.Itoa(options.UIPort))
	} else {
		args = append(args, "--headless")
	}
	if options.DBFile != "" {
		args = append(args, "--db-filename", options.DBFile)
	}
	for name, valueType := range options.SearchAttributes {
		args = append(args, "--search-attribute", name+"="+valueType.String())
	}
	for _, keyValue := range options.DynamicConfig {
		args = append(args, "--dynamic-config-value", keyValue)
	}
	return args
}

// ownMark names a namespace that identifies the server that was started among all
// that may answer. A namespace stays in the file, so the mark is one for each file
// rather than each start; the lock on the file keeps it to one server.
func ownMark(dbFile string) string {
	if dbFile == "" {
		return "devserver-" + rand.Text()
	}
	sum := sha256.Sum256([]byte(dbFile))
	return "devserver-" + hex.EncodeToString(sum[:8])
}

// lockDBFile creates the folder of the state file and keeps other servers off the
// file until the lock is closed: two on one SQLite file would work on each other's
// workflows. Without a file, the lock locks nothing.
func lockDBFile(options *Options) (*flock.Flock, error) {
	if options.DBFile == "" {
		return flock.New(""), nil
	}
	file, err := filepath.Abs(options.DBFile)
	if err != nil {
		return nil, text.Errorf("can't resolve the path of the state file %s: %w", options.DBFile, err)
	}
	options.DBFile = file
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, text.Errorf("can't create the folder of the state file: %w", err)
	}
	lock := flock.New(file + ".lock")
	locked, err := lock.TryLock()
	if err != nil {
		return nil, text.Errorf("can't lock the state file %s: %w", file, err)
	}
	if !locked {
		return nil, text.Errorf("another process uses the state file %s; stop that process, or choose another folder", file)
	}
	return lock, nil
}

func hostPort(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
