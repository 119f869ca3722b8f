// Package observe makes the running process visible: its log, its metrics, its
// health, and its traces.
package observe

import (
	"fmt"
	"io"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"refundsync/internal/literal"
)

// NewLogger logs to out. level is one of debug, info, warn and error, format is
// json or console.
func NewLogger(out io.Writer, level, format string) (*zap.Logger, error) {
	enabled, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, fmt.Errorf("日志级别应为 debug、info、warn 或 error。 The level of the log must be one of these: %w", err)
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
		return nil, fmt.Errorf("日志格式应为 json 或 console，不是 %[1]q。 The format of the log must be json or console, not %[1]q", format)
	}
	// A line may quote a reply, and a person looks at it on a terminal, in JSON too.
	// There is no sampling: the line that it would leave out is the one looked for.
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(&literal.Writer{To: out})), enabled), zap.AddCaller()), nil
}
