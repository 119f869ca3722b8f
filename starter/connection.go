package main

import (
	"errors"
	"log/slog"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"refundsync/internal/config"
	"refundsync/internal/encryption"
)

// dial connects to the Temporal server that Temporal's own settings name, and
// decrypts what it holds.
func dial() (client.Client, error) {
	options, optionsErr := config.TemporalOptions()
	keys, keysErr := config.LoadEncryption()
	if err := errors.Join(optionsErr, keysErr); err != nil {
		return nil, err
	}
	codec, err := encryption.NewCodec(keys)
	if err != nil {
		return nil, err
	}
	codec.Configure(&options)
	temporal, err := dialWith(options)
	if err != nil {
		return nil, err
	}
	return codec.Client(temporal), nil
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
