package config

import (
	"cmp"
	"fmt"
	"net"
	"strings"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

// TemporalOptions reads the connection to Temporal from Temporal's own
// settings: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY,
// TEMPORAL_TLS_… or a profile in its configuration file. Without any, it is
// localhost:7233 and the namespace default.
func TemporalOptions() (client.Options, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err == nil && options.HostPort != "" {
		// dns:/// has gRPC spread the connections over all addresses of a name.
		_, _, err = net.SplitHostPort(strings.TrimPrefix(options.HostPort, "dns:///"))
	}
	if err != nil {
		return client.Options{}, fmt.Errorf("与 Temporal 的连接设置（TEMPORAL_… 或其配置文件）有误，TEMPORAL_ADDRESS 应如 temporal.example.com:7233，证书路径应可读。 "+
			"The settings of the connection to Temporal (TEMPORAL_… or its configuration file) are wrong; TEMPORAL_ADDRESS should be like temporal.example.com:7233, paths of certificates readable: %w", err)
	}
	// What the SDK would take, said here, since messages and calls name it.
	options.HostPort = cmp.Or(options.HostPort, client.DefaultHostPort)
	options.Namespace = cmp.Or(options.Namespace, client.DefaultNamespace)
	return options, nil
}
