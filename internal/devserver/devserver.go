// Package devserver runs the real Temporal development server, Web UI included,
// as a child process on ports of its own, for the demo and the tests. Nothing
// is downloaded but source code, through the Go module proxy: the server is the
// `temporal` found on PATH, or else the one pinned in tools/go.mod, built once.
package devserver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
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
)

const (
	loopback = "127.0.0.1"
	// startTimeout is far over the second or so that a start takes, for machines
	// that compile and test at the same time.
	startTimeout = 2 * time.Minute
	// startAttempts bounds how often a start is tried again on other ports: a
	// port found free, by us or by the server for its inner services, can be
	// taken by a stranger before the server listens on it.
	startAttempts = 3
)

// Options says how the server runs. Its zero value is a server without Web UI
// on a free port, whose state is in memory.
type Options struct {
	// Namespace is made at the start; "" is "default".
	Namespace string
	// DBFile keeps the state in an SQLite file, made when absent together with
	// its folder; "" keeps it in memory. One server at a time may use a file.
	DBFile string
	// UI serves the Web UI too.
	UI bool
	// Port and UIPort are TCP ports on 127.0.0.1; 0 takes a free one.
	Port, UIPort int
	// SearchAttributes are registered when the namespace is made; a DBFile
	// keeps the ones it was made with.
	SearchAttributes map[string]enumspb.IndexedValueType
	// Plain leaves all settings that a server has by itself as they are, as who starts
	// one by hand has them.
	Plain bool
	// DynamicConfig holds the server's dynamic configuration as KEY=VALUE,
	// VALUE being JSON.
	DynamicConfig []string
	// Log is told, in lines for people, what takes long; on a terminal a bar shows
	// it. nil keeps quiet.
	Log io.Writer
}

// Server is a running development server.
type Server struct {
	// Address is host:port of the gRPC frontend.
	Address string
	// Namespace is the one of Options.
	Namespace string
	// UIURL is the Web UI's root without a slash at the end; "" without UI.
	UIURL string

	process *childprocess.Process
	dbLock  *flock.Flock
	stop    func() error
}

// Start finds or builds the server, starts it and returns once it serves. ctx
// bounds the start alone; the server runs until Stop, and on Linux no longer
// than the program that started it. The error carries the server's own words
// where it had any.
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

// Stop ends the server that Start started, and only that, and waits until it is
// gone. It is an error if the server had ended before, by itself or by another's
// hand. Further calls return what the first one did.
func (s *Server) Stop() error { return s.stop() }

// PID is the process id of the server, for those who measure what it takes.
func (s *Server) PID() int { return s.process.PID() }

// Done is closed when the server has ended, for whatever reason.
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
		// By its default of 20 a second, which is for each of hundreds of shards, the
		// one shard of this server lets every step of a workflow wait 50 ms.
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

// ownMark names a namespace by which the server that answers is known to be the
// one that was started. A namespace in a file stays there, so a file has one
// mark and not one a start; the lock on the file keeps it to one server.
func ownMark(dbFile string) string {
	if dbFile == "" {
		return "devserver-" + rand.Text()
	}
	sum := sha256.Sum256([]byte(dbFile))
	return "devserver-" + hex.EncodeToString(sum[:8])
}

// lockDBFile makes the folder of the state file, and keeps other servers off
// the file until the lock is closed: two on one SQLite file would each work on
// the other's workflows. Without a file the lock is one that nobody holds.
func lockDBFile(options *Options) (*flock.Flock, error) {
	if options.DBFile == "" {
		return flock.New(""), nil
	}
	file, err := filepath.Abs(options.DBFile)
	if err != nil {
		return nil, fmt.Errorf("无法确定状态文件 %s 的路径。 Can't tell the path of the state file: %w", options.DBFile, err)
	}
	options.DBFile = file
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, fmt.Errorf("无法创建状态文件的目录。 Can't make the folder of the state file: %w", err)
	}
	lock := flock.New(file + ".lock")
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("无法锁定状态文件 %s。 Can't lock the state file: %w", file, err)
	}
	if !locked {
		return nil, fmt.Errorf("状态文件 %s 正被另一个进程使用，请先停止它，或换一个目录。 "+
			"Another process uses the state file: stop it, or choose another folder", file)
	}
	return lock, nil
}

func hostPort(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
