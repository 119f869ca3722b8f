package main

import (
	"fmt"
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
		return nil, fmt.Errorf("连接不到 Temporal 服务器 %s；检查 TEMPORAL_ADDRESS 与 TEMPORAL_NAMESPACE。 The Temporal server can't be reached; check these settings: %w", options.HostPort, err)
	}
	return temporal, nil
}
