package devserver

import (
	"fmt"
	"net"
	"strings"

	"refundsync/internal/text"
)

// errPortTaken means that another program listens on the port.
var errPortTaken = text.Errorf("the port is taken; choose another")

// choosePorts fills in the ports that are 0 and checks that all are free. It holds
// all of them until the last is chosen, so that none is chosen twice, and then
// releases them for the server.
func choosePorts(options *Options) error {
	ports := []*int{&options.Port}
	if options.UI {
		ports = append(ports, &options.UIPort)
	}
	for _, port := range ports {
		listener, err := net.Listen("tcp", hostPort(*port))
		if err != nil {
			return fmt.Errorf("%w: %w", errPortTaken, err)
		}
		defer func() { _ = listener.Close() }()
		*port = listener.Addr().(*net.TCPAddr).Port
	}
	return nil
}

// saysPortTaken recognises the system's message for a port in use in the server's
// output: first that of Unix, then that of Windows.
func saysPortTaken(output string) bool {
	return strings.Contains(output, "address already in use") ||
		strings.Contains(output, "Only one usage of each socket address")
}
