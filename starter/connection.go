package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"refundsync/internal/config"
	"refundsync/internal/encryption"
	"refundsync/internal/syncworker"
)

// dial connects to the Temporal server that Temporal's own settings name, and
// decrypts what it holds.
func dial() (client.Client, error) {
	options, optionsErr := config.FromProcess().TemporalOptions()
	codec, codecErr := loadCodec()
	if err := errors.Join(optionsErr, codecErr); err != nil {
		return nil, err
	}
	codec.Configure(&options)
	temporal, err := config.DialTemporal(context.Background(), options)
	if err != nil {
		return nil, err
	}
	return codec.Client(temporal), nil
}

// loadCodec makes the codec of the keys that are set.
func loadCodec() (encryption.Codec, error) {
	keys, err := config.FromProcess().LoadEncryption()
	if err != nil {
		return encryption.Codec{}, err
	}
	return encryption.NewCodec(keys)
}

// withTemporal connects for the time of a command.
func withTemporal(do func(client.Client) error) error {
	c, err := dial()
	if err != nil {
		return err
	}
	defer c.Close()
	return do(c)
}

// changeTemporal is withTemporal for a command that starts or changes something: it is
// refused where the task queue belongs to other accounts than those set here. A person
// who has none set compares nothing.
func changeTemporal(ctx context.Context, do func(client.Client) error) error {
	settings, err := config.FromProcess().LoadWorker()
	if err != nil {
		return err
	}
	return withTemporal(func(c client.Client) error {
		if err := syncworker.CheckAccounts(ctx, c, settings.TaskQueue, config.FromProcess().LoadAccounts()); err != nil {
			return err
		}
		return do(c)
	})
}

// A server that restarts is away for some seconds. A command waits that long for it,
// and asks that often.
const (
	readPatience = 20 * time.Second
	readInterval = 500 * time.Millisecond
)

// readTemporal is withTemporal for a command that changes nothing and prints what it
// has read at its end: it is done again while the server is away.
func readTemporal(cmd *cobra.Command, read func(client.Client) error) error {
	return readAgain(cmd.Context(), cmd.ErrOrStderr(), readPatience, readInterval, func() error { return withTemporal(read) })
}

// readAgain reads until the server answers, or has been away for as long as
// patience.
func readAgain(ctx context.Context, log io.Writer, patience, interval time.Duration, read func() error) error {
	begun := time.Now()
	for attempt := 1; ; attempt++ {
		err := read()
		if !isAway(err) {
			return err
		}
		if waited := time.Since(begun); waited >= patience {
			return fmt.Errorf("等了 %[1]s，Temporal 服务器没有答复，它可能在重启或太忙；请稍后再试，一直如此请看服务器的日志。"+
				" The Temporal server has not answered for %[1]s: it may be restarting or too busy. Try again in a moment; if it lasts, see the server's log: %[2]w", waited.Round(time.Second), err)
		}
		if attempt == 1 {
			fmt.Fprintf(log, "Temporal 服务器没有答复，最多再试 %[1]s… The Temporal server does not answer; trying for another %[1]s at most…\n", patience)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(interval):
		}
	}
}

// isAway tells whether the server could not be reached, or did not answer in time.
// What is wrong with a certificate looks the same to gRPC, but does not pass.
func isAway(err error) bool {
	var unavailable *serviceerror.Unavailable
	var late *serviceerror.DeadlineExceeded
	switch {
	case errors.As(err, &unavailable):
		text := unavailable.Error()
		return !strings.Contains(text, "x509:") && !strings.Contains(text, "tls:") && !strings.Contains(text, "authentication handshake failed")
	case errors.As(err, &late):
		return true
	}
	return errors.Is(err, context.DeadlineExceeded)
}
