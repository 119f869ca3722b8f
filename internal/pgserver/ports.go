//go:build linux

package pgserver

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// The Temporal server keeps its ports in columns of two bytes with a sign, so none
// may be over 32767, which the ports that the system chooses are.
const lowestPort, highestPort = 15000, 32000

// freePorts finds ports that nobody listens on. They are held together, so that
// none is found twice, and let go at the end.
func freePorts(count int) ([]int, error) {
	var ports []int
	for attempts := 0; len(ports) < count; attempts++ {
		if attempts > 100*count {
			return nil, errors.New("no free ports")
		}
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		listener, err := net.Listen("tcp", hostPort(port))
		if err != nil {
			continue
		}
		defer func() { _ = listener.Close() }()
		ports = append(ports, port)
	}
	return ports, nil
}

func hostPort(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
