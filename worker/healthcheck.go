package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"refundsync/internal/config"
)

const (
	// healthcheckTimeout is over the three seconds that the worker gives Temporal
	// to answer.
	healthcheckTimeout = 8 * time.Second
	// healthcheckBytes is as much of an answer as is shown.
	healthcheckBytes = 4 << 10
)

// newHealthcheckCommand is for containers, whose image has no shell and no curl.
func newHealthcheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "healthcheck [URL]",
		Short: "询问本机 worker 的 /readyz（或给出的网址），就绪则退出码为 0 asks the worker on this machine for /readyz, or the URL; ends with 0 if it is ready",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return healthcheck(cmd.Context(), args[0])
			}
			settings, err := config.FromProcess().LoadWorker()
			if err != nil {
				return err
			}
			url, err := readyURL(settings.HTTPAddress)
			if err != nil {
				return err
			}
			return healthcheck(cmd.Context(), url)
		},
	}
}

// readyURL is where a worker on this machine that serves at the address says
// whether it is ready. One that serves at all addresses does so on loopback.
func readyURL(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("未设置 REFUNDSYNC_HTTP_ADDRESS，worker 不提供 /readyz。 It is not set, so the worker serves no /readyz: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/readyz", nil
}

// healthcheck returns an error with what is answered, unless that is a 200.
func healthcheck(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, healthcheckBytes))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: HTTP %d: %s", url, response.StatusCode, strings.TrimSpace(string(body)))
	}
	return nil
}
