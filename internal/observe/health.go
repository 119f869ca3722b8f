package observe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"google.golang.org/grpc"

	"refundsync/internal/beijing"
	"refundsync/internal/text"
)

const (
	// temporalPatience bounds the check whether Temporal answers.
	temporalPatience = 3 * time.Second
	// pollPatience is how long after an answer to a poll the next answer may come. The
	// server answers a poll without work after a minute.
	pollPatience = 2 * time.Minute
)

// polls are the worker's polls of Temporal for tasks.
type polls struct{ begun, answered moment }

// WatchPolls makes the connection to Temporal record when a poll is answered.
func (m *Metrics) WatchPolls() grpc.DialOption {
	return grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, request, reply any,
		connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
		poll := strings.HasSuffix(method, "/PollWorkflowTaskQueue") || strings.HasSuffix(method, "/PollActivityTaskQueue")
		if poll && m.polls.begun.time().IsZero() {
			m.polls.begun.isNow()
		}
		err := invoke(ctx, method, request, reply, connection, options...)
		if poll && err == nil {
			m.polls.answered.isNow()
		}
		return err
	})
}

// last is when Temporal last answered a poll, with a task or without; zero if it has
// not yet.
func (p *polls) last() time.Time { return p.answered.time() }

// problem says what is wrong with the polls; "" if nothing is.
func (p *polls) problem() string {
	last := p.last()
	if last.IsZero() {
		last = p.begun.time() // the first may still be waiting for a task
	}
	if last.IsZero() {
		return text.Sprintf("the worker has not started polling Temporal for tasks")
	}
	if quiet := time.Since(last); quiet > pollPatience {
		return text.Sprintf("Temporal has answered no poll for tasks for %s", quiet.Round(time.Second))
	}
	return ""
}

// readiness is the answer of /readyz. Times are Beijing time, null if it hasn't
// happened since the worker started.
type readiness struct {
	// Ready means that the worker can do work: it isn't stopping, and Temporal answers
	// it and its polls. An outside system that is down doesn't matter: its orders are
	// retried.
	Ready bool `json:"ready"`
	// Problems say why the worker is not ready, for people.
	Problems []string `json:"problems"`
	// LastPoll is when Temporal last answered a poll for tasks.
	LastPoll *time.Time `json:"last_poll"`
	// LastSuccess is when a call to each system last succeeded, by the system's name, behind
	// that of its company, if any, and a slash.
	LastSuccess map[string]*time.Time `json:"last_success"`
}

// health answers for one worker.
type health struct {
	metrics  *Metrics
	temporal client.Client
	stopping <-chan struct{}
}

// live reports that the process answers. It checks nothing that a restart can't fix.
func (h *health) live(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "ok")
}

func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	answer := h.look(r.Context())
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if !answer.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	// The client may have disconnected.
	_ = json.NewEncoder(w).Encode(answer)
}

func (h *health) look(ctx context.Context) readiness {
	answer := readiness{Problems: []string{}, LastPoll: shown(h.metrics.polls.last()), LastSuccess: map[string]*time.Time{}}
	for _, calls := range h.metrics.calls {
		for _, system := range systems {
			name := system
			if calls.company != "" {
				name = calls.company + "/" + system
			}
			answer.LastSuccess[name] = shown(calls.last(system))
		}
	}
	select {
	case <-h.stopping:
		answer.Problems = append(answer.Problems, text.Sprintf("the worker is stopping and accepts no new tasks"))
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, temporalPatience)
	defer cancel()
	if _, err := h.temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		answer.Problems = append(answer.Problems, text.Sprintf("can't reach Temporal: %v", err))
	}
	if problem := h.metrics.polls.problem(); problem != "" {
		answer.Problems = append(answer.Problems, problem)
	}
	answer.Ready = len(answer.Problems) == 0
	return answer
}

func shown(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.In(beijing.Zone).Truncate(time.Second)
	return &t
}
