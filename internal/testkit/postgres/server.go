//go:build linux

// Package postgres runs the server of docker-compose.yml without containers:
// PostgreSQL and Temporal as child processes, set up by the scripts and started with
// the environment of that file. Only addresses, ports and paths differ. It is for the
// tests that run on PostgreSQL.
package postgres

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"refundsync/internal/childprocess"
	"refundsync/internal/testkit/compose"
)

const (
	loopback = "127.0.0.1"
	// startTimeout is far more than the few seconds that a start takes.
	startTimeout = 2 * time.Minute
	stopTimeout  = 30 * time.Second
	pollInterval = 50 * time.Millisecond
)

// Options are the options of a server.
type Options struct {
	// Root is the checkout whose docker-compose.yml is used.
	Root string
	// Bin is the folder of Build.
	Bin string
	// Folder keeps the state: a server that was stopped or killed continues from it,
	// at the same address. "" is a new folder, which Stop removes.
	Folder string
	// DynamicConfig is added to that of docker-compose.yml, as KEY=VALUE.
	DynamicConfig []string
}

// Server is a running PostgreSQL with a Temporal server on it.
type Server struct {
	// Address is host:port of the gRPC frontend.
	Address string

	options            Options
	project            *types.Project
	installed          string // folder of PostgreSQL's programs
	folder             string
	state              state
	postgres, temporal *childprocess.Process
}

// state is what starts in the same folder share.
type state struct {
	// Password is that of the role temporal.
	Password string
	// PostgresPort is PostgreSQL's port; Ports are the Temporal server's, by the names
	// of its variables.
	PostgresPort int
	Ports        map[string]int
}

// Start starts PostgreSQL, sets up the databases, starts Temporal and creates the
// namespace. Both servers exit with the process that started them at the latest. ctx
// bounds only the start.
func Start(ctx context.Context, options Options) (_ *Server, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s := &Server{options: options, folder: options.Folder}
	if s.installed, err = findPostgres(); err != nil {
		return nil, err
	}
	if s.folder == "" {
		if s.folder, err = os.MkdirTemp("", "refundsync-pg"); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	if err := s.loadState(); err != nil {
		return nil, err
	}
	s.Address = hostPort(s.state.Ports["FRONTEND_GRPC_PORT"])
	if err := s.loadProject(ctx); err != nil {
		return nil, err
	}
	if err := s.startPostgres(ctx); err != nil {
		return nil, err
	}
	for _, service := range []string{"databases", "schema"} {
		if err := s.runService(ctx, service); err != nil {
			return nil, err
		}
	}
	if err := s.startTemporal(ctx); err != nil {
		return nil, err
	}
	return s, s.runService(ctx, "namespace")
}

// Stop stops both servers and removes the folder if Start made it.
func (s *Server) Stop() error {
	err := errors.Join(stop(s.temporal, syscall.SIGTERM), stop(s.postgres, syscall.SIGINT))
	if s.options.Folder == "" {
		err = errors.Join(err, os.RemoveAll(s.folder))
	}
	return err
}

// stop stops a process; it is a no-op if the process never started.
func stop(p *childprocess.Process, signal syscall.Signal) error {
	if p == nil {
		return nil
	}
	return p.Stop(signal, stopTimeout)
}

// loadState reads the folder's state, or creates it.
func (s *Server) loadState() error {
	data, err := os.ReadFile(s.stateFile())
	if err == nil {
		return json.Unmarshal(data, &s.state)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.state = state{Password: rand.Text(), Ports: map[string]int{}}
	names := s.portVariables()
	ports, err := freePorts(len(names) + 1)
	if err != nil {
		return err
	}
	for i, name := range names {
		s.state.Ports[name] = ports[i]
	}
	s.state.PostgresPort = ports[len(names)]
	return s.saveState()
}

func (s *Server) stateFile() string { return filepath.Join(s.folder, "state.json") }

func (s *Server) saveState() error {
	data, err := json.Marshal(s.state)
	if err != nil {
		return err
	}
	return os.WriteFile(s.stateFile(), data, 0o600)
}

// loadProject reads docker-compose.yml with the state's password filled in.
func (s *Server) loadProject(ctx context.Context) (err error) {
	s.project, err = compose.Load(ctx, s.options.Root, map[string]string{"DATABASE_PASSWORD": s.state.Password})
	return err
}

// ChangePassword changes the password of the role temporal in the order of
// `docker compose up -d` after a change of DATABASE_PASSWORD: first the role, while the
// server runs; then it restarts the server.
func (s *Server) ChangePassword(ctx context.Context, password string) error {
	s.state.Password = password
	if err := errors.Join(s.saveState(), s.loadProject(ctx)); err != nil {
		return err
	}
	for _, service := range []string{"databases", "schema"} {
		if err := s.runService(ctx, service); err != nil {
			return err
		}
	}
	if err := stop(s.temporal, syscall.SIGTERM); err != nil {
		return err
	}
	return s.startTemporal(ctx)
}

func (s *Server) portVariables() []string {
	var names []string
	for _, service := range []string{"FRONTEND", "HISTORY", "MATCHING", "WORKER"} {
		names = append(names, service+"_GRPC_PORT", service+"_MEMBERSHIP_PORT")
	}
	return append(names, "FRONTEND_HTTP_PORT", "PROMETHEUS_ENDPOINT")
}

// environment is that of a service of docker-compose.yml, with this machine's
// addresses, ports and paths.
func (s *Server) environment(service string) ([]string, error) {
	config, found := s.project.Services[service]
	if !found {
		return nil, fmt.Errorf("docker-compose.yml has no service %s", service)
	}
	environment := compose.Environment(config)
	here := map[string]string{
		"PGHOST":              s.socketFolder(),
		"POSTGRES_SEEDS":      loopback,
		"DB_PORT":             strconv.Itoa(s.state.PostgresPort),
		"BIND_ON_IP":          loopback,
		"PROMETHEUS_ENDPOINT": hostPort(s.state.Ports["PROMETHEUS_ENDPOINT"]),
		"TEMPORAL_ADDRESS":    s.Address,
	}
	for name := range environment {
		if value, other := here[name]; other {
			environment[name] = value
		}
	}
	if service == "temporal" {
		for name, port := range s.state.Ports {
			if name != "PROMETHEUS_ENDPOINT" {
				environment[name] = strconv.Itoa(port)
			}
		}
		file, err := s.dynamicConfig(config, environment["DYNAMIC_CONFIG_FILE_PATH"])
		if err != nil {
			return nil, err
		}
		environment["DYNAMIC_CONFIG_FILE_PATH"] = file
	}
	list := []string{
		"PATH=" + strings.Join([]string{s.options.Bin, s.installed, os.Getenv("PATH")}, string(os.PathListSeparator)),
		"HOME=" + s.folder,
		"PGPORT=" + strconv.Itoa(s.state.PostgresPort),
	}
	for name, value := range environment {
		list = append(list, name+"="+value)
	}
	return list, nil
}

// dynamicConfig writes docker-compose.yml's file with the options' settings added.
func (s *Server) dynamicConfig(service types.ServiceConfig, path string) (string, error) {
	original, err := compose.HostPath(service, path)
	if err != nil {
		return "", err
	}
	config, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	for _, keyValue := range s.options.DynamicConfig {
		key, value, _ := strings.Cut(keyValue, "=")
		config = append(config, fmt.Sprintf("%s:\n  - value: %s\n", key, value)...)
	}
	file := filepath.Join(s.folder, "dynamicconfig.yaml")
	return file, os.WriteFile(file, config, 0o600)
}

// runService runs the command of a one-shot service.
func (s *Server) runService(ctx context.Context, service string) error {
	environment, err := s.environment(service)
	if err != nil {
		return err
	}
	command := s.project.Services[service].Command
	script, err := compose.HostPath(s.project.Services[service], command[1])
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, command[0], append([]string{script}, command[2:]...)...)
	cmd.Env = environment
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("service %s: %w: %s", service, err, out)
	}
	return nil
}

// startTemporal starts the Temporal server and waits until it serves.
func (s *Server) startTemporal(ctx context.Context) error {
	environment, err := s.environment("temporal")
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(s.options.Bin, "temporal-server"), "start")
	cmd.Env = environment
	if s.temporal, err = childprocess.Start(cmd, syscall.SIGKILL); err != nil {
		return err
	}
	return s.poll(ctx, s.temporal, s.checkOwnTemporal)
}

// Crash kills both servers. Start with the same folder continues from their state.
func (s *Server) Crash() error {
	return errors.Join(stop(s.temporal, syscall.SIGKILL), stop(s.postgres, syscall.SIGQUIT))
}

// checkOwnTemporal checks that the server at the address is the one on our database,
// which holds its cluster id.
func (s *Server) checkOwnTemporal(ctx context.Context) error {
	connection, err := client.DialContext(ctx, client.Options{HostPort: s.Address, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return err
	}
	defer connection.Close()
	info, err := connection.WorkflowService().GetClusterInfo(ctx, &workflowservice.GetClusterInfoRequest{})
	if err != nil {
		return err
	}
	found, err := s.Psql(ctx, "temporal",
		"SELECT count(*) FROM cluster_metadata_info WHERE position(convert_to('"+info.GetClusterId()+"', 'UTF8') IN data) > 0").Output()
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(found)) != "1" {
		return fmt.Errorf("%w: %s", errStranger, s.Address)
	}
	return nil
}

// errStranger means that another server answers at our address.
var errStranger = errors.New("another server answers at this address")

// poll repeats the check until it succeeds, the process exits or ctx is done.
func (s *Server) poll(ctx context.Context, p *childprocess.Process, check func(context.Context) error) error {
	for {
		once, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := check(once)
		cancel()
		if err == nil || errors.Is(err, errStranger) {
			return err
		}
		select {
		case <-p.Done():
			return fmt.Errorf("it exited by itself: %s", p.Output())
		case <-ctx.Done():
			return fmt.Errorf("%w (%w): %s", ctx.Err(), err, p.Output())
		case <-time.After(pollInterval):
		}
	}
}
