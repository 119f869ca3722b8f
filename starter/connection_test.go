package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
)

func TestIsAway(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		away bool
	}{
		{"none", nil, false},
		{"refused", serviceerror.NewUnavailable("connection error: dial tcp 127.0.0.1:7233: connect: connection refused"), true},
		{"refused while connecting", fmt.Errorf("failed reaching server: %w", serviceerror.NewUnavailable("connection refused")), true},
		{"a proxy before it is there", serviceerror.NewUnavailable("error reading server preface: EOF"), true},
		{"too busy", serviceerror.NewDeadlineExceeded("context deadline exceeded"), true},
		{"too busy to connect", fmt.Errorf("failed reaching server: %w", context.DeadlineExceeded), true},
		{"of an unknown CA", serviceerror.NewUnavailable("tls: failed to verify certificate: x509: certificate signed by unknown authority"), false},
		{"that wants a certificate", serviceerror.NewUnavailable("remote error: tls: certificate required"), false},
		{"that knows no such workflow", serviceerror.NewNotFound("workflow not found"), false},
		{"that refuses the key", serviceerror.NewPermissionDenied("unauthorized", ""), false},
		{"given up by a person", context.Canceled, false},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.away, isAway(c.err)) })
	}
}

func TestRetryRead(t *testing.T) {
	away := serviceerror.NewUnavailable("connection refused")
	other := errors.New("no such flow")
	for _, c := range []struct {
		name     string
		ends     []error // of the attempts
		patience time.Duration
		want     error
		says     string
		told     bool
	}{
		{"the server is there", []error{nil}, time.Hour, nil, "", false},
		{"the server comes back", []error{away, away, nil}, time.Hour, nil, "", true},
		{"another error", []error{other}, time.Hour, other, "no such flow", false},
		{"another error after the server came back", []error{away, other}, time.Hour, other, "no such flow", true},
		{"the server stays away", []error{away}, 0, away, "has not answered", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			attempts := 0
			err := retryRead(t.Context(), &log, c.patience, 0, func() error {
				attempts++
				return c.ends[attempts-1]
			})
			require.Equal(t, len(c.ends), attempts)
			require.ErrorIs(t, err, c.want)
			if c.want != nil {
				require.ErrorContains(t, err, c.says)
			}
			require.Equal(t, c.told, log.Len() > 0, "told once, and only if it waits")
		})
	}

	t.Run("given up by a person", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		err := retryRead(ctx, &bytes.Buffer{}, time.Hour, time.Hour, func() error {
			cancel()
			return away
		})
		require.ErrorIs(t, err, away)
	})
}
