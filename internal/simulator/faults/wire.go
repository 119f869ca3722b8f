package faults

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Wire names the faults of one system that are about HTTP alone.
type Wire struct {
	ServerError, Hang, MalformedJSON, TruncatedBody Name
}

// Before lets a call fail before the system has looked at it; false says that
// it has failed and is answered.
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

// Write writes a reply of JSON, or what the wire makes of it.
func (i *Injector) Write(w http.ResponseWriter, wire Wire, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	if i.Strikes(wire.TruncatedBody) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		// A caller that has gone does not read the reply; there is nobody to
		// tell, here and below.
		_, _ = w.Write(body[:i.Pick(wire.TruncatedBody, len(body))])
		_ = http.NewResponseController(w).Flush()
		Cut()
	}
	if i.Strikes(wire.MalformedJSON) {
		// An object or array without its end is no JSON.
		body = body[:1+i.Pick(wire.MalformedJSON, len(body)-1)]
	}
	_, _ = w.Write(body)
}

// ServerError answers as a proxy or server in trouble does: HTML with a 5xx.
func ServerError(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<html><head><title>%d %s</title></head><body></body></html>", status, http.StatusText(status))
}

// Cut cuts the connection of the call that runs in this goroutine. It does
// not return.
func Cut() { panic(http.ErrAbortHandler) }

// Hang leaves a call without an answer until the hang time is over, the caller
// has gone or all that hangs is ended, and cuts the connection. It does not
// return.
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

// EndHangs ends all that hangs, as a server does that is stopped.
func (i *Injector) EndHangs() {
	i.mu.Lock()
	defer i.mu.Unlock()
	close(i.hanging)
	i.hanging = make(chan struct{})
}
