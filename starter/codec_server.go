package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"refundsync/internal/codecserver"
	"refundsync/internal/config"
	"refundsync/internal/encryption"
)

type codecServerFlags struct {
	listen, certificate, key string
	namespaces               []string
}

func newCodecServerCommand() *cobra.Command {
	var flags codecServerFlags
	cmd := &cobra.Command{
		Use:   "codec-server",
		Short: "让 Temporal Web UI 与 temporal 命令能解密 decrypt for the Temporal Web UI and the temporal command",
		Long: `为 Temporal Web UI 与 temporal 命令解密（Temporal 的 codec server）。密钥与 worker 相同；用 REFUNDSYNC_CODEC_TOKEN 登录；只允许 REFUNDSYNC_CODEC_UI_ORIGIN 的页面访问。用法见 docs/encryption.md。
Decrypts for the Temporal Web UI and the temporal command: Temporal's codec server. The keys are the worker's; people sign in with REFUNDSYNC_CODEC_TOKEN; only pages of REFUNDSYNC_CODEC_UI_ORIGIN may ask. See docs/encryption.md.`,
		Example: `  REFUNDSYNC_CODEC_UI_ORIGIN=http://localhost:8233 starter codec-server --listen 127.0.0.1:8234`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return serveCodec(cmd, flags) },
	}
	cmd.Flags().StringVar(&flags.listen, "listen", "127.0.0.1:8234", "监听地址，主机:端口 where to listen, as host:port")
	cmd.Flags().StringVar(&flags.certificate, "tls-cert", "", "TLS 证书文件；不给则用 HTTP，前面应有 TLS 代理 file of a TLS certificate; without one it speaks HTTP, for a proxy with TLS in front")
	cmd.Flags().StringVar(&flags.key, "tls-key", "", "证书的私钥文件 file of the certificate's key")
	cmd.Flags().StringSliceVar(&flags.namespaces, "namespace", nil, "服务的命名空间，可重复；省略时为 TEMPORAL_NAMESPACE namespaces that it serves, may be repeated; TEMPORAL_NAMESPACE if left out")
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
		return fmt.Errorf("--listen %[1]s: 无法监听。 It can't listen there: %[2]w", flags.listen, err)
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
	fmt.Fprintf(cmd.ErrOrStderr(), "codec server: %s · 密钥 keys %s · 命名空间 namespaces %v · Web UI %s\n", listen.Addr(), codec, flags.namespaces, settings.UIOrigin)
	select {
	case err := <-ended:
		return err
	case <-cmd.Context().Done():
	}
	drained, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), 10*time.Second)
	defer cancel()
	return server.Shutdown(drained)
}
