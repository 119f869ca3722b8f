// Package observe provides the log, metrics, health checks and traces of a process.
package observe

import (
	"io"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"refundsync/internal/literal"
	"refundsync/internal/text"
)

// NewLogger makes a logger to out. level is debug, info, warn or error; format is json
// or console.
func NewLogger(out io.Writer, level, format string) (*zap.Logger, error) {
	enabled, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, text.Errorf("the log level must be debug, info, warn or error: %w", err)
	}
	fields := zap.NewProductionEncoderConfig()
	fields.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	fields.EncodeDuration = zapcore.StringDurationEncoder
	var encoder zapcore.Encoder
	switch format {
	case "json":
		encoder = zapcore.NewJSONEncoder(fields)
	case "console":
		fields.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(fields)
	default:
		return nil, text.Errorf("the log format must be json or console, not %q", format)
	}
	// A line may quote a reply, and people read JSON on a terminal too, so control
	// characters are masked. There is no sampling: it would drop the line one needs.
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(&literal.Writer{To: out})), enabled), zap.AddCaller()), nil
}
