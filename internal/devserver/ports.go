package devserver

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// errPortTaken is a port that somebody else listens on.
var errPortTaken = errors.New("端口已被占用，请换一个。 The port is taken, choose another")

// choosePorts fills in the ports that are 0, and checks that all are free. They
// are held together, so that none is chosen twice, and let go at the end: the
// server has to listen on them itself.
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

// saysPortTaken recognises in the server's output, which is all it leaves, the
// system's message for a port in use: first Unix's, then Windows's.
func saysPortTaken(output string) bool {
	return strings.Contains(output, "address already in use") ||
		strings.Contains(output, "Only one usage of each socket address")
}
