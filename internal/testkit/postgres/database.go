//go:build linux

package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"refundsync/internal/childprocess"
	"refundsync/internal/testkit/compose"
)

var errNoPostgres = errors.New("PostgreSQL is not installed; on Debian: apt-get install postgresql")

// findPostgres gives the folder of PostgreSQL's programs: the newest of Debian's, or
// else that of the initdb on PATH.
func findPostgres() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return majorVersion(a) - majorVersion(b) })), nil
	}
	initdb, err := exec.LookPath("initdb")
	if err != nil {
		return "", errNoPostgres
	}
	return filepath.Dir(initdb), nil
}

// majorVersion is 15 of /usr/lib/postgresql/15/bin/initdb.
func majorVersion(initdb string) int {
	major, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(initdb))))
	if err != nil {
		return 0
	}
	return major
}

func (s *Server) dataFolder() string   { return filepath.Join(s.folder, "data") }
func (s *Server) socketFolder() string { return filepath.Join(s.folder, "socket") }

// Script makes a command that runs a script of deploy/compose as in PostgreSQL's
// container: as PostgreSQL's user, who is the superuser too, with its data.
func (s *Server) Script(ctx context.Context, name string) (*exec.Cmd, error) {
	script, err := compose.HostPath(s.project.Services["postgres"], "/setup/"+name)
	if err != nil {
		return nil, err
	}
	as, err := s.owner()
	if err != nil {
		return nil, err
	}
	cmd := s.command(ctx, "/bin/sh", script)
	cmd.Dir = s.folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	return cmd, nil
}

// Psql makes a command that runs a query as the superuser and writes bare values.
func (s *Server) Psql(ctx context.Context, database, query string) *exec.Cmd {
	return s.command(ctx, filepath.Join(s.installed, "psql"), "--no-psqlrc", "--tuples-only", "--no-align", "--dbname", database, "--command", query)
}

// command makes a command that connects to PostgreSQL as the superuser.
func (s *Server) command(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{
		"PATH=" + s.installed + string(os.PathListSeparator) + os.Getenv("PATH"),
		"PGDATA=" + s.dataFolder(), "PGHOST=" + s.socketFolder(), "PGPORT=" + strconv.Itoa(s.state.PostgresPort), "PGUSER=postgres",
	}
	return cmd
}

// startPostgres starts PostgreSQL, after creating its data if there is none.
// PostgreSQL refuses to run as root, so root runs it as the user postgres.
func (s *Server) startPostgres(ctx context.Context) error {
	as, err := s.owner()
	if err != nil {
		return err
	}
	if _, err := os.Stat(s.dataFolder()); errors.Is(err, fs.ErrNotExist) {
		if err := s.initData(ctx, as); err != nil {
			return err
		}
	}
	if err := s.waitForPredecessor(ctx); err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(s.installed, "postgres"), "-D", s.dataFolder(), "-p", strconv.Itoa(s.state.PostgresPort),
		"-c", "listen_addresses="+loopback, "-c", "unix_socket_directories="+s.socketFolder())
	cmd.Dir = s.folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	// SIGQUIT is an immediate shutdown: like a crash, but all its processes exit.
	if s.postgres, err = childprocess.Start(cmd, syscall.SIGQUIT); err != nil {
		return err
	}
	return s.poll(ctx, s.postgres, func(ctx context.Context) error {
		return s.command(ctx, filepath.Join(s.installed, "pg_isready"), "--quiet", "--host", loopback).Run()
	})
}

// owner is the user that PostgreSQL runs as; nil is the current one.
func (s *Server) owner() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	postgres, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL must not run as root, and there is no other user for it: %w", err)
	}
	uid, uidErr := strconv.ParseUint(postgres.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(postgres.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(uidErr, gidErr)
}

// initData does what the image's first start does, except that the superuser gets no
// password. Either way the superuser can log in only over the socket.
func (s *Server) initData(ctx context.Context, as *syscall.Credential) error {
	if err := os.Mkdir(s.socketFolder(), 0o755); err != nil {
		return err
	}
	if as != nil {
		if err := errors.Join(os.Chmod(s.folder, 0o755), os.Chown(s.folder, int(as.Uid), int(as.Gid)), os.Chown(s.socketFolder(), int(as.Uid), int(as.Gid))); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.installed, "initdb"), "--pgdata="+s.dataFolder(), "--username=postgres",
		"--auth-local=trust", "--auth-host=scram-sha-256", "--data-checksums", "--encoding=UTF8")
	cmd.Dir = s.folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// waitForPredecessor waits until a PostgreSQL on the same data has exited: one whose
// parent was killed may still be shutting down.
func (s *Server) waitForPredecessor(ctx context.Context) error {
	for {
		data, err := os.ReadFile(filepath.Join(s.dataFolder(), "postmaster.pid"))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		first, _, _ := bytes.Cut(data, []byte("\n"))
		pid, err := strconv.Atoi(string(first))
		if err != nil || syscall.Kill(pid, 0) != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL %d still runs on %s: %w", pid, s.dataFolder(), ctx.Err())
		case <-time.After(pollInterval):
		}
	}
}
