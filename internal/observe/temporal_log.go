package observe

import (
	"go.temporal.io/sdk/log"
	"go.uber.org/zap"
)

// ForTemporal lets Temporal's SDK log through zap.
func ForTemporal(logger *zap.Logger) log.Logger {
	return temporalLogger{logger.WithOptions(zap.AddCallerSkip(1)).Sugar()}
}

// temporalLogger is a [log.Logger], with what the SDK asks for beyond it:
// [log.WithLogger] and [log.WithSkipCallers].
type temporalLogger struct{ sugar *zap.SugaredLogger }

func (l temporalLogger) Debug(message string, pairs ...any) { l.sugar.Debugw(message, pairs...) }
func (l temporalLogger) Info(message string, pairs ...any)  { l.sugar.Infow(message, pairs...) }
func (l temporalLogger) Warn(message string, pairs ...any)  { l.sugar.Warnw(message, pairs...) }
func (l temporalLogger) Error(message string, pairs ...any) { l.sugar.Errorw(message, pairs...) }

// With adds pairs of keys and values to every line.
func (l temporalLogger) With(pairs ...any) log.Logger { return temporalLogger{l.sugar.With(pairs...)} }

// WithCallerSkip names a caller further up in every line.
func (l temporalLogger) WithCallerSkip(skip int) log.Logger {
	return temporalLogger{l.sugar.WithOptions(zap.AddCallerSkip(skip))}
}
