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
	"refundsync/internal/text"
)

const (
	// healthcheckTimeout is more than the three seconds that the worker gives Temporal to
	// answer.
	healthcheckTimeout = 8 * time.Second
	// healthcheckBytes is how much of an answer is shown.
	healthcheckBytes = 4 << 10
)

// newHealthcheckCommand makes a command for containers, whose image has neither a shell
// nor curl.
func newHealthcheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "healthcheck [URL]",
		Short: text.Sprintf("Check /readyz of the worker on this machine, or a URL; exit code 0 if it is ready"),
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

// readyURL gives the URL of /readyz of a worker on this machine that serves at the
// address; of one that serves at all addresses, on loopback.
func readyURL(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", text.Errorf("the worker serves no /readyz, because REFUNDSYNC_HTTP_ADDRESS is not set: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/readyz", nil
}

// healthcheck returns an error with the answer unless it is a 200.
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
