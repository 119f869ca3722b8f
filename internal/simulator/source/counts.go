package source

import (
	"fmt"
	"maps"
	"sync"
)

// Counts counts the calls to a gateway.
type Counts struct {
	mu              sync.Mutex
	calls, refusals map[string]int
	refused         int
}

// Call counts a call of a method.
func (c *Counts) Call(method string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = map[string]int{}
	}
	c.calls[method]++
}

// Refusal counts a refusal and returns the id of its request.
func (c *Counts) Refusal(code any) (requestID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusals == nil {
		c.refusals = map[string]int{}
	}
	c.refusals[fmt.Sprint(code)]++
	c.refused++
	return fmt.Sprintf("sim%08d", c.refused)
}

// Calls counts the calls by method, including refused ones.
func (c *Counts) Calls() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls)
}

// Refusals counts the refused calls by code.
func (c *Counts) Refusals() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.refusals)
}
