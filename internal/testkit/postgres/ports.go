//go:build linux

package postgres

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// The Temporal server keeps its ports in signed 16-bit columns, so none may be over
// 32767, as the ports that the system chooses are.
const lowestPort, highestPort, blockPorts = 15000, 32000, 100

// dealt are the ports of this process. A server listens on its ports only seconds after
// they were found free, so each is dealt once, from blocks that no other process deals
// from: this process listens on the first port of a block as long as it lives.
var dealt struct {
	mu        sync.Mutex
	blocks    []net.Listener
	next, end int
}

// freePorts deals ports that nobody listens on.
func freePorts(count int) ([]int, error) {
	dealt.mu.Lock()
	defer dealt.mu.Unlock()
	var ports []int
	for len(ports) < count {
		if dealt.next == dealt.end {
			if err := takeBlock(); err != nil {
				return nil, err
			}
		}
		port := dealt.next
		dealt.next++
		if listener, err := net.Listen("tcp", hostPort(port)); err == nil {
			_ = listener.Close()
			ports = append(ports, port)
		}
	}
	return ports, nil
}

func takeBlock() error {
	const blocks = (highestPort - lowestPort) / blockPorts
	for _, i := range rand.Perm(blocks) {
		first := lowestPort + i*blockPorts
		if listener, err := net.Listen("tcp", hostPort(first)); err == nil {
			dealt.blocks = append(dealt.blocks, listener)
			dealt.next, dealt.end = first+1, first+blockPorts
			return nil
		}
	}
	return errors.New("no free ports")
}

func hostPort(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
