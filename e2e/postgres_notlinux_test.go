//go:build !linux

package e2e

import (
	"context"
	"errors"

	"refundsync/internal/devserver"
)

var errNotLinux = errors.New("the tests run on PostgreSQL on Linux only")

func buildForPostgres(context.Context, string, func(string)) error { return errNotLinux }

func serveOnPostgres(context.Context, string, devserver.Options) (string, func() error, error) {
	return "", nil, errNotLinux
}
