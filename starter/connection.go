package main

import (
	"log/slog"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"refundsync/internal/config"
)

// dial connects to the Temporal server that Temporal's own settings name.
func dial() (client.Client, error) {
	options, err := config.TemporalOptions()
	if err != nil {
		return nil, err
	}
	return dialWith(options)
}

// dialWith keeps the SDK's own log away from the terminal: what matters to a
// person is in the errors.
func dialWith(options client.Options) (client.Client, error) {
	options.Logger = log.NewStructuredLogger(slog.New(slog.DiscardHandler))
	temporal, err := client.Dial(options)
	if err != nil {
		return nil, config.TemporalUnreachable(options, err)
	}
	return temporal, nil
}
