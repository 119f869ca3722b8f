//go:build linux

package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMajorVersion(t *testing.T) {
	require.Equal(t, 15, majorVersion("/usr/lib/postgresql/15/bin/initdb"))
	require.Zero(t, majorVersion("/usr/lib/postgresql/devel/bin/initdb"))
}
