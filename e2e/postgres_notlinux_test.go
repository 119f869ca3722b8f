//go:build !linux

package e2e

import (
	"context"
	"testing"
)

func onPostgres() bool { return false }

var serveShared func(context.Context, []string) (string, func() error, error)

func startKillablePostgres(t *testing.T) killable {
	t.Fatal("the tests run on PostgreSQL on Linux only")
	return killable{}
}
