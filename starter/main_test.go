package main

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExitCodes(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	failed := errors.New("no longer waiting")
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		want int
	}{
		{"done", t.Context(), nil, exitDone},
		{"done, and then a signal", stopped, nil, exitDone},
		{"failed", t.Context(), failed, exitFailed},
		{"a signal while waiting", stopped, failed, exitInterrupted},
		{"a result, and then a signal", stopped, &exitError{code: exitWithFailures}, exitWithFailures},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, exitCode(interrupted(c.ctx, c.err))) })
	}
}
