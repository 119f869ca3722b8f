package faults

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Wire names the faults of one system that concern HTTP only.
type Wire struct {
	ServerError, Hang, MalformedJSON, TruncatedBody Name
}

// Before fails a call before the system has looked at it; false means that it has failed
// and been answered.
func (i *Injector) Before(w http.ResponseWriter, r *http.Request, wire Wire) bool {
	if i.Strikes(wire.Hang) {
		i.Hang(r)
	}
	if !i.Strikes(wire.ServerError) {
		return true
	}
	status := []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable}[i.Pick(wire.ServerError, 3)]
	ServerError(w, status)
	return false
}

// Write writes a JSON reply, truncated or malformed if such a fault strikes.
func (i *Injector) Write(w http.ResponseWriter, wire Wire, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	if i.Strikes(wire.TruncatedBody) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		// If the caller has gone, there is nobody to report the error to, here and below.
		_, _ = w.Write(body[:i.Pick(wire.TruncatedBody, len(body))])
		_ = http.NewResponseController(w).Flush()
		Cut()
	}
	if i.Strikes(wire.MalformedJSON) {
		// An object or array without its end is malformed JSON.
		body = body[:1+i.Pick(wire.MalformedJSON, len(body)-1)]
	}
	_, _ = w.Write(body)
}

// ServerError answers as a proxy or server in trouble does: with HTML and a 5xx.
func ServerError(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<html><head><title>%d %s</title></head><body></body></html>", status, http.StatusText(status))
}

// Cut cuts the connection of the call running in this goroutine. It does not return.
func Cut() { panic(http.ErrAbortHandler) }

// Hang leaves a call unanswered until the hang time is over, the caller has gone or
// EndHangs is called, and then cuts the connection. It does not return.
func (i *Injector) Hang(r *http.Request) {
	i.mu.Lock()
	ended := i.hanging
	i.mu.Unlock()
	timer := time.NewTimer(i.options.HangTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-ended:
	}
	Cut()
}

// EndHangs ends all hangs, as a server that shuts down does.
func (i *Injector) EndHangs() {
	i.mu.Lock()
	defer i.mu.Unlock()
	close(i.hanging)
	i.hanging = make(chan struct{})
}
