package config

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc"

	"refundsync/internal/text"
)

const apiKeySetting = "TEMPORAL_API_KEY"

// TemporalOptions reads the connection to Temporal from Temporal's own settings:
// TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, TEMPORAL_TLS_… or a profile in
// its configuration file. The defaults are localhost:7233 and the namespace default.
// The files of the API key and of the client's certificate and key are read whenever
// they are used, so that they can be renewed while a worker runs.
func (e Environment) TemporalOptions() (client.Options, error) {
	options, err := e.temporalOptions()
	if err != nil {
		return client.Options{}, text.Errorf("check the settings of the connection to Temporal (TEMPORAL_… or its configuration file); TEMPORAL_ADDRESS should look like temporal.example.com:7233, and the paths of certificates be readable: %w", err)
	}
	// The SDK's defaults, because our messages and calls name them.
	options.HostPort = cmp.Or(options.HostPort, client.DefaultHostPort)
	options.Namespace = cmp.Or(options.Namespace, client.DefaultNamespace)
	// A server without TLS is close by, where compression would cost both sides a tenth
	// of their CPU time and save nothing.
	if options.ConnectionOptions.TLS == nil {
		options.ConnectionOptions.GrpcCompression = &client.GrpcCompressionNone{}
	}
	// gRPC would ask the DNS for settings too, beside the address, and wait ten seconds
	// where no DNS answers: in a container without internet.
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, grpc.WithDisableServiceConfig())
	return options, nil
}

func (e Environment) temporalOptions() (client.Options, error) {
	if err := errors.Join(e.proxyProblems()...); err != nil {
		return client.Options{}, err
	}
	profile, err := envconfig.LoadClientConfigProfile(envconfig.LoadClientConfigProfileOptions{EnvLookup: setVariables{e}})
	if err != nil {
		return client.Options{}, err
	}
	keyInFile := strings.TrimSpace(e[apiKeySetting+fileSuffix]) != ""
	if keyInFile {
		key, problem := e.readSecret(apiKeySetting)
		if problem != nil {
			return client.Options{}, problem
		}
		profile.APIKey = key
	}
	options, err := profile.ToClientOptions(envconfig.ToClientOptionsRequest{})
	if err != nil {
		return client.Options{}, err
	}
	if keyInFile {
		options.Credentials = client.NewAPIKeyDynamicCredentials(func(context.Context) (string, error) {
			key, problem := e.readSecret(apiKeySetting)
			if problem != nil {
				return "", problem
			}
			return key, nil
		})
	}
	if encryption := options.ConnectionOptions.TLS; encryption != nil && profile.TLS != nil && profile.TLS.ClientCertPath != "" {
		certificate, key := profile.TLS.ClientCertPath, profile.TLS.ClientKeyPath
		encryption.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(certificate, key)
			return &pair, err
		}
	}
	return options, checkTemporal(profile, options)
}

// checkTemporal refuses what would reveal a key or the orders on the way to the server.
func checkTemporal(profile envconfig.ClientConfigProfile, options client.Options) error {
	address := cmp.Or(options.HostPort, client.DefaultHostPort)
	// dns:/// makes gRPC use all addresses of a name.
	host, _, err := net.SplitHostPort(strings.TrimPrefix(address, "dns:///"))
	if err != nil {
		return err
	}
	encryption := options.ConnectionOptions.TLS
	if encryption != nil && encryption.InsecureSkipVerify {
		return text.Errorf("TEMPORAL_TLS_DISABLE_HOST_VERIFICATION is not supported; set TEMPORAL_TLS_SERVER_CA_CERT_PATH to the server's CA, and TEMPORAL_TLS_SERVER_NAME to the name in its certificate")
	}
	sendsKey := profile.APIKey != "" || profile.GRPCMeta["authorization"] != ""
	if encryption == nil && sendsKey && !isLoopback(host) {
		return text.Errorf("the key (TEMPORAL_API_KEY) must not be sent to %s in clear text; set TEMPORAL_TLS=true", address)
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// setVariables hides blank variables, which compose files pass if they aren't set: a
// blank TEMPORAL_TLS_… would enable TLS.
type setVariables struct{ Environment }

func (v setVariables) LookupEnv(name string) (string, bool) {
	value, ok := v.Environment[name]
	return value, ok && strings.TrimSpace(value) != ""
}

func (v setVariables) Environ() []string {
	var variables []string
	for name, value := range v.Environment {
		variables = append(variables, name+"="+value)
	}
	return variables
}

// DialTemporal connects to Temporal. Without a logger in the options, the SDK logs
// nothing: the errors have what people need.
func DialTemporal(ctx context.Context, options client.Options) (client.Client, error) {
	if options.Logger == nil {
		options.Logger = log.NewStructuredLogger(slog.New(slog.DiscardHandler))
	}
	c, err := client.DialContext(ctx, options)
	if err != nil {
		return nil, temporalUnreachable(options, err)
	}
	return c, nil
}

// temporalUnreachable adds advice to the error of a failed connection.
func temporalUnreachable(options client.Options, err error) error {
	return text.Errorf("can't reach the Temporal server %s; %s: %w", options.HostPort, temporalAdvice(options, err.Error()), err)
}

// temporalAdvice goes by the words of the error: gRPC does not wrap the cause of a
// failed connection.
func temporalAdvice(options client.Options, says string) text.Text {
	for _, cause := range []struct {
		says   string
		advice text.Text
	}{
		{"unknown authority",
			text.New("its certificate is not trusted: put the path of the CA that signed it into TEMPORAL_TLS_SERVER_CA_CERT_PATH")},
		{"has expired or is not yet valid",
			text.New("its certificate has expired or is not valid yet: check the certificate and this machine's clock")},
		{"failed to verify certificate",
			text.New("its certificate is for another name: change TEMPORAL_ADDRESS to a name in it, or set TEMPORAL_TLS_SERVER_NAME")},
		{"does not look like a TLS handshake",
			text.New("it does not speak TLS: check the port in TEMPORAL_ADDRESS, and TEMPORAL_TLS…")},
		{"Unauthenticated",
			text.New("it refuses the key: check that TEMPORAL_API_KEY (or TEMPORAL_API_KEY_FILE) is valid and belongs to the namespace")},
		{"PermissionDenied",
			text.New("the key or certificate has no permission for the namespace: check TEMPORAL_NAMESPACE and the account's permissions")},
	} {
		if strings.Contains(says, cause.says) {
			return cause.advice
		}
	}
	// A server that refuses the client's certificate says so, or closes the connection
	// before its answer is read.
	broken := slices.ContainsFunc([]string{"remote error: tls", "server preface", "EOF", "broken pipe", "connection reset"},
		func(cause string) bool { return strings.Contains(says, cause) })
	switch {
	case broken && options.ConnectionOptions.TLS == nil:
		return text.New("it may accept only TLS: set TEMPORAL_TLS=true")
	case broken:
		return text.New("it closed the connection, most likely because it doesn't accept the client certificate: check that TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH are set, from a CA that it trusts, and not expired")
	}
	return text.New("check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, and the proxy in HTTPS_PROXY and NO_PROXY")
}
