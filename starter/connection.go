package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/config"
	"refundsync/internal/encryption"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
	"refundsync/internal/syncworker"
	"refundsync/internal/text"
)

// dial connects to the Temporal server of the settings, with a client that decrypts.
func dial() (client.Client, error) {
	c, _, err := dialWith(context.Background())
	return c, err
}

// dialWith is dial, and gives the options of the connection as well.
func dialWith(ctx context.Context) (client.Client, client.Options, error) {
	options, optionsErr := config.FromProcess().TemporalOptions()
	codec, codecErr := loadCodec()
	if err := errors.Join(optionsErr, codecErr); err != nil {
		return nil, options, err
	}
	codec.Configure(&options)
	temporal, err := config.DialTemporal(ctx, options)
	if err != nil {
		return nil, options, err
	}
	return codec.Client(temporal), options, nil
}

// vendors makes the clients of both systems for a command that calls them itself about a flow.
// Without a Temporal server, it asks Jushuitan's open platform for an access token of its own.
func vendors(f *flow.Flow) (source *jushuitan.Client, ledger *kingdee.Client, done func(), err error) {
	settings, err := config.FromProcess().Of(f.Company).Load(f.Source.Interface.Transport)
	if err != nil {
		return nil, nil, nil, err
	}
	var temporal client.Client
	done = func() {}
	if settings.Jushuitan.Open.AppKey != "" {
		if c, err := dial(); err == nil {
			temporal, done = c, c.Close
		}
	}
	if source, ledger, err = syncworker.Clients(settings, temporal); err != nil {
		done()
	}
	return source, ledger, done, err
}

// loadCodec makes the codec of the configured keys.
func loadCodec() (encryption.Codec, error) {
	keys, err := config.FromProcess().LoadEncryption()
	if err != nil {
		return encryption.Codec{}, err
	}
	return encryption.NewCodec(keys)
}

// withTemporal connects for the duration of a command.
func withTemporal(do func(client.Client) error) error {
	c, err := dial()
	if err != nil {
		return err
	}
	defer c.Close()
	return do(c)
}

// changeTemporal is withTemporal for a command that starts or changes something, with the
// settings that it shares with workers. It refuses if the task queue belongs to other accounts
// than those set here; accounts that are not set are not compared.
func changeTemporal(ctx context.Context, do func(client.Client, config.Worker) error) error {
	chosen := scopeOf(ctx)
	if err := chosen.known(); err != nil {
		return err
	}
	environment := chosen.environment
	settings, err := environment.LoadWorker()
	if err != nil {
		return err
	}
	return withTemporal(func(c client.Client) error {
		if err := syncworker.CheckAccounts(ctx, c, settings.TaskQueue, environment.LoadAccounts()); err != nil {
			return err
		}
		return do(c, settings)
	})
}

// changeOne is changeTemporal for a command about one workflow or schedule. Its task queue
// tells its company even while the flows that name the companies can't be read.
func changeOne(ctx context.Context, taskQueueOf func(client.Client) (string, error), do func(client.Client) error) error {
	chosen := scopeOf(ctx)
	if chosen.unknown == nil {
		return changeTemporal(ctx, func(c client.Client, _ config.Worker) error { return do(c) })
	}
	environment := config.FromProcess()
	settings, err := environment.LoadWorker()
	if err != nil {
		return err
	}
	return withTemporal(func(c client.Client) error {
		taskQueue, err := taskQueueOf(c)
		if err != nil {
			return err
		}
		company, ok := settings.CompanyOf(taskQueue)
		if !ok {
			return chosen.known()
		}
		if err := syncworker.CheckAccounts(ctx, c, taskQueue, environment.Of(company).LoadAccounts()); err != nil {
			return err
		}
		return do(c)
	})
}

// changeWorkflow is changeOne for a workflow.
func changeWorkflow(ctx context.Context, id string, do func(client.Client) error) error {
	return changeOne(ctx, func(c client.Client) (string, error) {
		described, err := describeWorkflow(ctx, c, id)
		return described.GetTaskQueue(), err
	}, do)
}

// describeWorkflow looks up a workflow that a person named.
func describeWorkflow(ctx context.Context, c client.Client, id string) (*workflowpb.WorkflowExecutionInfo, error) {
	described, err := c.DescribeWorkflow(ctx, id, "")
	if isNotFound(err) {
		return nil, text.Errorf("there is no workflow %q; compare the id with the Web UI, or with what starter run printed", id)
	}
	if err != nil {
		return nil, text.Errorf("the workflow can't be looked up: %w", err)
	}
	return described.RawResponse.GetWorkflowExecutionInfo(), nil
}

// How long a command waits for a server that does not answer, because it may be
// restarting, and how often it asks.
const (
	readPatience = 20 * time.Second
	readInterval = 500 * time.Millisecond
)

// readTemporal is withTemporal for a command that changes nothing and prints once it has
// read everything: it is retried while the server does not answer.
func readTemporal(cmd *cobra.Command, read func(client.Client) error) error {
	return retryRead(cmd.Context(), cmd.ErrOrStderr(), readPatience, readInterval, func() error { return withTemporal(read) })
}

// retryRead reads until the server answers, or has not done so for as long as patience.
func retryRead(ctx context.Context, log io.Writer, patience, interval time.Duration, read func() error) error {
	begun := time.Now()
	for attempt := 1; ; attempt++ {
		err := read()
		if !isAway(err) {
			return err
		}
		if waited := time.Since(begun); waited >= patience {
			return text.Errorf("the Temporal server has not answered for %s; it may be restarting or overloaded. Try again in a moment; if that does not help, see the server's log: %w", waited.Round(time.Second), err)
		}
		if attempt == 1 {
			text.Fprintf(log, "The Temporal server does not answer; retrying for up to %s…\n", patience)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(interval):
		}
	}
}

// isAway reports whether the server could not be reached or did not answer in time. A
// certificate that is not accepted looks the same to gRPC, but retrying does not help.
func isAway(err error) bool {
	var unavailable *serviceerror.Unavailable
	var late *serviceerror.DeadlineExceeded
	switch {
	case errors.As(err, &unavailable):
		message := unavailable.Error()
		return !strings.Contains(message, "x509:") && !strings.Contains(message, "tls:") && !strings.Contains(message, "authentication handshake failed")
	case errors.As(err, &late):
		return true
	}
	return errors.Is(err, context.DeadlineExceeded)
}
