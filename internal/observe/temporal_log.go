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

// ForTemporal lets Temporal's SDK, and through it workflows and activities, log through
// zap. With discreet it tells of errors their reasons alone, and of other values those
// that can't hold anything of an order: what is encrypted in Temporal is not to stand
// in a log.
func ForTemporal(logger *zap.Logger, discreet bool) log.Logger {
	return temporalLogger{logger.WithOptions(zap.AddCallerSkip(1)).Sugar(), discreet}
}

// temporalLogger is a [log.Logger], with what the SDK asks for beyond it:
// [log.WithLogger] and [log.WithSkipCallers].
type temporalLogger struct {
	sugar    *zap.SugaredLogger
	discreet bool
}

func (l temporalLogger) Debug(message string, pairs ...any) {
	l.sugar.Debugw(message, l.told(pairs)...)
}
func (l temporalLogger) Info(message string, pairs ...any) { l.sugar.Infow(message, l.told(pairs)...) }
func (l temporalLogger) Warn(message string, pairs ...any) { l.sugar.Warnw(message, l.told(pairs)...) }

// Error makes a warning of a failure that has a reason: Temporal tries it again, or
// the workflow parks the order or fails, and tells of that itself.
func (l temporalLogger) Error(message string, pairs ...any) {
	for _, value := range pairs {
		var known *temporal.ApplicationError
		if err, ok := value.(error); ok && errors.As(err, &known) && known.Type() != "" {
			l.sugar.Warnw(message, l.told(pairs)...)
			return
		}
	}
	l.sugar.Errorw(message, l.told(pairs)...)
}

// With adds pairs of keys and values to every line.
func (l temporalLogger) With(pairs ...any) log.Logger {
	return temporalLogger{l.sugar.With(l.told(pairs)...), l.discreet}
}

// WithCallerSkip names a caller further up in every line.
func (l temporalLogger) WithCallerSkip(skip int) log.Logger {
	return temporalLogger{l.sugar.WithOptions(zap.AddCallerSkip(skip)), l.discreet}
}

// harmless are the keys of texts that hold nothing of an order. The ids of parked
// orders hold their as_id, as they do in Temporal.
var harmless = []string{
	"ActivityID", "ActivityType", "ActivityRunID", "LocalActivityType", "WorkflowID", "RunID", "WorkflowType", "ChildWorkflowID",
	"Namespace", "TaskQueue", "WorkerID", "WorkerType", "BuildID", "EventType", "TimerID", "QueryType", "UpdateName",
	"PanicStack", "StackTrace", "TraceID", "SpanID", "signal", "clocks",
}

func (l temporalLogger) told(pairs []any) []any {
	if !l.discreet {
		return pairs
	}
	told := slices.Clone(pairs)
	for i := 1; i < len(told); i += 2 {
		switch value := told[i].(type) {
		case error:
			told[i] = reasonOf(value)
		case bool, int, int32, int64, uint64, float64, time.Duration, time.Time:
		default:
			if key, ok := told[i-1].(string); !ok || !slices.Contains(harmless, key) {
				told[i] = fmt.Sprintf("%T", value)
			}
		}
	}
	return told
}

// reasonOf is what can be told of an error: all of it where it is Temporal's own, a
// panic, by which a worker tells of a key that it lacks, or about a key; else its
// reason.
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
