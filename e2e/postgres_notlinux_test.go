//go:build !linux

package e2e

import (
	"context"
	"errors"
	"io"

	"refundsync/internal/devserver"
)

var errNotLinux = errors.New("the tests run on PostgreSQL on Linux only")

func buildForPostgres(context.Context, string, io.Writer) error { return errNotLinux }

func serveOnPostgres(context.Context, string, devserver.Options) (string, func() error, error) {
	return "", nil, errNotLinux
}
