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
)

const (
	// temporalPatience bounds the question whether Temporal is there.
	temporalPatience = 3 * time.Second
	// pollPatience is how long after a poll came back the next one has to. The
	// server ends one without work after a minute.
	pollPatience = 2 * time.Minute
)

// polls are the worker's questions to Temporal for work.
type polls struct{ begun, answered moment }

// WatchPolls has the connection to Temporal note when a poll for work comes back.
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

// last is when Temporal last answered, with work or without; zero if it has not
// yet.
func (p *polls) last() time.Time { return p.answered.time() }

// problem says why the polls do not do; "" if they do.
func (p *polls) problem() string {
	last := p.last()
	if last.IsZero() {
		last = p.begun.time() // the first may still be waiting for work
	}
	if last.IsZero() {
		return "还没有开始取任务。 Polling for work has not begun"
	}
	if quiet := time.Since(last); quiet > pollPatience {
		return fmt.Sprintf("已 %[1]s 没有取到 Temporal 的应答。 No poll for work has come back for %[1]s", quiet.Round(time.Second))
	}
	return ""
}

// readiness is the answer of /readyz. Times are Beijing time, null where nothing
// has happened since the worker was started.
type readiness struct {
	// Ready says that the worker can be given work: it is not being stopped,
	// Temporal answers, and so do its polls. An outside system that does not is
	// no reason: its orders wait and are tried again.
	Ready bool `json:"ready"`
	// Problems say why it is not ready, for a person.
	Problems []string `json:"problems"`
	// LastPoll is when Temporal last answered a question for work.
	LastPoll *time.Time `json:"last_poll"`
	// LastSuccess is when a call to each system last succeeded.
	LastSuccess map[string]*time.Time `json:"last_success"`
}

// health answers for one worker.
type health struct {
	metrics  *Metrics
	temporal client.Client
	stopping <-chan struct{}
}

// live says that the process runs and answers. What can't be mended by starting
// it anew is none of it.
func (h *health) live(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "ok")
}

func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	answer := h.look(r.Context())
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if !answer.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	// Who asked may have gone.
	_ = json.NewEncoder(w).Encode(answer)
}

func (h *health) look(ctx context.Context) readiness {
	answer := readiness{Problems: []string{}, LastPoll: shown(h.metrics.polls.last()), LastSuccess: map[string]*time.Time{}}
	for _, system := range systems {
		answer.LastSuccess[system] = shown(h.metrics.calls.last(system))
	}
	select {
	case <-h.stopping:
		answer.Problems = append(answer.Problems, "正在停止，不再接新任务。 The worker is being stopped and takes nothing new")
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, temporalPatience)
	defer cancel()
	if _, err := h.temporal.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		answer.Problems = append(answer.Problems, fmt.Sprintf("连接不到 Temporal。 Temporal can't be reached: %v", err))
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
