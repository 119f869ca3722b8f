package observe

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.uber.org/zap"

	"refundsync/internal/encryption"
	"refundsync/internal/fault"
)

// ForTemporal makes a logger for Temporal's SDK, and so for workflows and activities.
// A discreet one logs only the reasons of errors, and no value that could hold data of
// an order: what is encrypted in Temporal must not be in a log.
func ForTemporal(logger *zap.Logger, discreet bool) log.Logger {
	return temporalLogger{logger.WithOptions(zap.AddCallerSkip(1)).Sugar(), discreet}
}

// temporalLogger implements [log.Logger], [log.WithLogger] and [log.WithSkipCallers].
type temporalLogger struct {
	sugar    *zap.SugaredLogger
	discreet bool
}

func (l temporalLogger) Debug(message string, pairs ...any) {
	l.sugar.Debugw(message, l.shown(pairs)...)
}
func (l temporalLogger) Info(message string, pairs ...any) { l.sugar.Infow(message, l.shown(pairs)...) }
func (l temporalLogger) Warn(message string, pairs ...any) { l.sugar.Warnw(message, l.shown(pairs)...) }

// Error logs a failure with a reason as a warning: Temporal retries it, or the workflow
// parks the order or fails, and logs that itself.
func (l temporalLogger) Error(message string, pairs ...any) {
	for _, value := range pairs {
		var known *temporal.ApplicationError
		if err, ok := value.(error); ok && errors.As(err, &known) && known.Type() != "" {
			l.sugar.Warnw(message, l.shown(pairs)...)
			return
		}
	}
	l.sugar.Errorw(message, l.shown(pairs)...)
}

// With adds pairs of keys and values to every line.
func (l temporalLogger) With(pairs ...any) log.Logger {
	return temporalLogger{l.sugar.With(l.shown(pairs)...), l.discreet}
}

// WithCallerSkip logs a caller further up the stack.
func (l temporalLogger) WithCallerSkip(skip int) log.Logger {
	return temporalLogger{l.sugar.WithOptions(zap.AddCallerSkip(skip)), l.discreet}
}

// harmless are the keys of strings without data of an order. The workflow ids of parked
// orders contain their key, in Temporal too.
var harmless = []string{
	"ActivityID", "ActivityType", "ActivityRunID", "LocalActivityType", "WorkflowID", "RunID", "WorkflowType", "ChildWorkflowID",
	"Namespace", "TaskQueue", "WorkerID", "WorkerType", "BuildID", "EventType", "TimerID", "QueryType", "UpdateName",
	"PanicStack", "StackTrace", "TraceID", "SpanID", "signal",
}

// shown gives the pairs as they may be logged.
func (l temporalLogger) shown(pairs []any) []any {
	if !l.discreet {
		return pairs
	}
	shown := slices.Clone(pairs)
	for i := 1; i < len(shown); i += 2 {
		switch value := shown[i].(type) {
		case error:
			shown[i] = reasonOf(value)
		case bool, int, int32, int64, uint64, float64, time.Duration, time.Time:
		default:
			if key, ok := shown[i-1].(string); !ok || !slices.Contains(harmless, key) {
				shown[i] = fmt.Sprintf("%T", value)
			}
		}
	}
	return shown
}

// reasonOf is what a discreet log shows of an error: all of an error of Temporal, about
// an encryption key, or of a panic, which is how a worker reports a missing key; of any
// other only the reason.
func reasonOf(err error) string {
	var known *temporal.ApplicationError
	var server serviceerror.ServiceError
	var panicked interface {
		error
		StackTrace() string
	}
	f := fault.As(err)
	switch {
	case f != nil && slices.Contains([]string{encryption.ReasonUnknownKey, encryption.ReasonUndecryptable, encryption.ReasonClearText}, f.Reason):
		return f.Error()
	case f != nil:
		return f.Reason
	case errors.As(err, &known) && known.Type() != "":
		return known.Type()
	case errors.As(err, &server), errors.As(err, &panicked):
		return err.Error()
	}
	return fmt.Sprintf("%T", err)
}
