package observe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.uber.org/zap"

	"refundsync/internal/encryption"
	"refundsync/internal/fault"
	"refundsync/internal/literal"
)

// jsonLogger logs at the level; the returned function gives its lines so far.
func jsonLogger(t *testing.T, level string) (*zap.Logger, func() []map[string]any) {
	t.Helper()
	var out bytes.Buffer
	logger, err := NewLogger(&out, level, "json")
	require.NoError(t, err)
	return logger, func() []map[string]any {
		var lines []map[string]any
		for decoder := json.NewDecoder(&out); decoder.More(); {
			var line map[string]any
			require.NoError(t, decoder.Decode(&line))
			lines = append(lines, line)
		}
		return lines
	}
}

func TestLevels(t *testing.T) {
	for level, want := range map[string][]string{
		"debug": {"debug", "info", "warn", "error"},
		"info":  {"info", "warn", "error"},
		"warn":  {"warn", "error"},
		"error": {"error"},
	} {
		t.Run(level, func(t *testing.T) {
			logger, lines := jsonLogger(t, level)
			temporalLog := ForTemporal(logger, false)
			temporalLog.Debug("one")
			temporalLog.Info("two")
			temporalLog.Warn("three")
			temporalLog.Error("four")
			var got []string
			for _, line := range lines() {
				got = append(got, line["level"].(string))
			}
			assert.Equal(t, want, got)
		})
	}
}

func TestLogLinesDriveNoTerminal(t *testing.T) {
	const odd = "退\x1b[2J\u009b31m\r\u202e\x9b"
	for _, format := range []string{"json", "console"} {
		var out bytes.Buffer
		logger, err := NewLogger(&out, "info", format)
		require.NoError(t, err)
		logger.Info(odd, zap.String(odd, odd), zap.Error(errors.New(odd)))
		require.Equal(t, literal.Terminal(out.String()), out.String(), format)
		require.Contains(t, out.String(), "退", format)
	}
}

func TestJSONLine(t *testing.T) {
	logger, lines := jsonLogger(t, "info")
	logger.Info("saved", zap.Duration("took", 1500*time.Millisecond))
	line := lines()[0]
	assert.Equal(t, "saved", line["msg"])
	assert.Equal(t, "1.5s", line["took"])
	assert.Regexp(t, `^observe/log_test\.go:\d+$`, line["caller"])
	_, err := time.Parse(time.RFC3339Nano, line["ts"].(string))
	assert.NoError(t, err)
}

func TestConsoleLine(t *testing.T) {
	var out bytes.Buffer
	logger, err := NewLogger(&out, "info", "console")
	require.NoError(t, err)
	logger.Warn("slow", zap.Int("orders", 3))
	assert.Regexp(t, `^\S+T\S+\tWARN\tobserve/log_test\.go:\d+\tslow\t\{"orders": 3\}\n$`, out.String())
}

func TestNewLoggerRefuses(t *testing.T) {
	for name, setting := range map[string]struct{ level, format string }{
		"an unknown level":  {"verbose", "json"},
		"an unknown format": {"info", "xml"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewLogger(io.Discard, setting.level, setting.format)
			assert.Error(t, err)
		})
	}
}

func TestTemporalPairsBecomeFields(t *testing.T) {
	logger, lines := jsonLogger(t, "info")
	parent := ForTemporal(logger, false)
	child := log.With(parent, "WorkflowID", "refund_to_return/1")
	child.Info("done", "Attempt", 2, "Error", errors.New("broken"))
	parent.Info("other")

	got := lines()
	assert.Equal(t, "refund_to_return/1", got[0]["WorkflowID"])
	assert.EqualValues(t, 2, got[0]["Attempt"])
	assert.Equal(t, "broken", got[0]["Error"])
	assert.NotContains(t, got[1], "WorkflowID", "the parent is as it was")
}

// What is encrypted in Temporal must not be in the log.
func TestADiscreetLogTellsReasonsAlone(t *testing.T) {
	logger, lines := jsonLogger(t, "info")
	discreet := ForTemporal(logger, true)
	order := temporal.NewNonRetryableApplicationError("SKU-1 red is unknown", "unknown_material", nil)
	key := &fault.Error{Reason: encryption.ReasonUnknownKey, Message: "key k1 is not known"}
	log.With(discreet, "WorkflowID", "parked/f/7", "Input", "SKU-1").Error("Activity error.", "Attempt", 2, "Error", order)
	discreet.Warn("wrapped", "error", fmt.Errorf("SKU-1: %w", &fault.Error{Reason: "missing_value", Message: "SKU-1"}))
	discreet.Error("other", "Error", errors.New("SKU-1"), "Result", map[string]string{"sku_id": "SKU-1"}, "took", time.Second)
	discreet.Error("key", "Error", fmt.Errorf("input: %w", key))
	discreet.Error("server", "Error", serviceerror.NewUnavailable("no server"))
	got := lines()
	for _, line := range got {
		assert.NotContains(t, fmt.Sprint(line), "SKU-1")
	}
	assert.Equal(t, "unknown_material", got[0]["Error"])
	assert.Equal(t, "parked/f/7", got[0]["WorkflowID"])
	assert.EqualValues(t, 2, got[0]["Attempt"])
	assert.Equal(t, "missing_value", got[1]["error"])
	assert.Equal(t, "*errors.errorString", got[2]["Error"])
	assert.Equal(t, "1s", got[2]["took"])
	assert.Contains(t, got[3]["Error"], "key k1 is not known")
	assert.Equal(t, "no server", got[4]["Error"])
}

func TestParkedOrderIsWarning(t *testing.T) {
	logger, lines := jsonLogger(t, "info")
	temporalLog := ForTemporal(logger, false)
	temporalLog.Error("Activity error.", "Error", temporal.NewNonRetryableApplicationError("no such code", "unknown_material", nil))
	temporalLog.Error("Activity error.", "Error", errors.New("broken"))
	got := lines()
	assert.Equal(t, "warn", got[0]["level"])
	assert.Equal(t, "no such code (type: unknown_material, retryable: false)", got[0]["Error"])
	assert.Equal(t, "error", got[1]["level"])
}

func TestKeyWithoutValueDoesNotPanic(t *testing.T) {
	logger, lines := jsonLogger(t, "info")
	ForTemporal(logger, false).Info("odd", "key")
	got := lines()
	assert.Equal(t, "odd", got[len(got)-1]["msg"])
}

// logOnBehalf logs with its caller as the caller.
func logOnBehalf(logger log.Logger) { log.Skip(logger, 1).Info("helped") }

func TestCallerIsTheLine(t *testing.T) {
	logger, lines := jsonLogger(t, "info")
	temporalLog := ForTemporal(logger, false)
	temporalLog.Info("here")
	here := lines()[0]["caller"]
	logOnBehalf(temporalLog)
	helped := lines()[0]["caller"]
	require.Regexp(t, `^observe/log_test\.go:\d+$`, here)
	// Both lines are in this function, not in the helper above.
	assert.Equal(t, line(t, here)+2, line(t, helped))
}

func line(t *testing.T, caller any) int {
	t.Helper()
	_, number, found := bytes.Cut([]byte(caller.(string)), []byte(":"))
	require.True(t, found)
	var parsed int
	require.NoError(t, json.Unmarshal(number, &parsed))
	return parsed
}
