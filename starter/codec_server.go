package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"refundsync/internal/codecserver"
	"refundsync/internal/config"
	"refundsync/internal/encryption"
	"refundsync/internal/text"
)

type codecServerFlags struct {
	listen, certificate, key string
	namespaces               []string
}

func newCodecServerCommand() *cobra.Command {
	var flags codecServerFlags
	cmd := &cobra.Command{
		Use:   "codec-server",
		Short: text.Sprintf("Decrypt for the Temporal Web UI and the temporal command"),
		Long: text.Sprintf("Decrypts for the Temporal Web UI and the temporal command, as Temporal's codec server. " +
			"It uses the worker's keys. People sign in with REFUNDSYNC_CODEC_TOKEN, and only pages of REFUNDSYNC_CODEC_UI_ORIGIN may ask. See docs/encryption.md."),
		Example: `  REFUNDSYNC_CODEC_UI_ORIGIN=http://localhost:8233 \
    starter codec-server --listen 127.0.0.1:8234`,
		RunE: func(cmd *cobra.Command, _ []string) error { return serveCodec(cmd, flags) },
	}
	cmd.Flags().StringVar(&flags.listen, "listen", "127.0.0.1:8234", text.Sprintf("address to listen on, as host:port"))
	cmd.Flags().StringVar(&flags.certificate, "tls-cert", "", text.Sprintf("file of a TLS certificate; without one the server speaks HTTP and needs a TLS proxy in front"))
	cmd.Flags().StringVar(&flags.key, "tls-key", "", text.Sprintf("file of the certificate's key"))
	cmd.Flags().StringSliceVar(&flags.namespaces, "namespace", nil, text.Sprintf("namespace to serve, may be repeated; by default TEMPORAL_NAMESPACE"))
	cmd.MarkFlagsRequiredTogether("tls-cert", "tls-key")
	return cmd
}

func serveCodec(cmd *cobra.Command, flags codecServerFlags) error {
	settings, keys, settingsErr := config.FromProcess().LoadCodecServer()
	options, optionsErr := config.FromProcess().TemporalOptions()
	if err := errors.Join(settingsErr, optionsErr); err != nil {
		return err
	}
	codec, err := encryption.NewCodec(keys)
	if err != nil {
		return err
	}
	if len(flags.namespaces) == 0 {
		flags.namespaces = []string{options.Namespace}
	}
	listen, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", flags.listen)
	if err != nil {
		return text.Errorf("--listen %s: can't listen there: %w", flags.listen, err)
	}
	server := &http.Server{
		Handler: codecserver.New(codecserver.Options{
			Codec: codec.AcceptClearText(), Token: settings.Token, UIOrigin: settings.UIOrigin, Namespaces: flags.namespaces,
		}),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10,
	}
	ended := make(chan error, 1)
	go func() {
		if flags.certificate != "" {
			ended <- server.ServeTLS(listen, flags.certificate, flags.key)
		} else {
			ended <- server.Serve(listen)
		}
	}()
	text.Fprintf(cmd.ErrOrStderr(), "codec server: %s · keys %s · namespaces %v · Web UI %s\n", listen.Addr(), codec, flags.namespaces, settings.UIOrigin)
	select {
	case err := <-ended:
		return err
	case <-cmd.Context().Done():
	}
	drained, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), 10*time.Second)
	defer cancel()
	return server.Shutdown(drained)
}
