package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/beijing"
)

func at(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05.999", text, beijing.Zone)
	if err != nil {
		panic(err)
	}
	return t
}

func TestWindowHolds(t *testing.T) {
	window := Window{From: at("2024-03-01 06:00:00"), To: at("2024-03-01 11:59:59")}
	for _, c := range []struct {
		name string
		time string
		want bool
	}{
		{"second before", "2024-03-01 05:59:59", false},
		{"first second", "2024-03-01 06:00:00", true},
		{"last second", "2024-03-01 11:59:59", true},
		{"fraction of the last second", "2024-03-01 11:59:59.900", true},
		{"second after", "2024-03-01 12:00:00", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, window.Holds(at(c.time)))
		})
	}
}

func TestWindowAsksForASecondMoreOnEachSide(t *testing.T) {
	start, end := Window{From: at("2024-03-01 06:00:00"), To: at("2024-03-01 11:59:59")}.Asked()
	require.Equal(t, at("2024-03-01 05:59:59"), start)
	require.Equal(t, at("2024-03-01 12:00:00"), end)
}

func TestWindowIsCutWithoutGapOrRepeat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds, parts := rapid.IntRange(1, 10_000).Draw(t, "seconds"), rapid.IntRange(1, 30).Draw(t, "parts")
		whole := Window{From: at("2024-03-01 00:00:00")}
		whole.To = whole.From.Add(time.Duration(seconds-1) * time.Second)
		windows := whole.cut(parts)
		require.Len(t, windows, min(parts, seconds))
		next := whole.From
		for _, window := range windows {
			require.Equal(t, next, window.From)
			require.False(t, window.To.Before(window.From))
			next = window.To.Add(time.Second)
		}
		require.Equal(t, whole.To.Add(time.Second), next)
	})
}

// However a span is cut, every second of it lies in exactly one window, and no
// window is longer than allowed.
func TestWindowsHaveNoGapAndNoRepeat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		longest := time.Duration(rapid.IntRange(1, 100_000).Draw(t, "longest")) * time.Second
		span := Window{From: at("2024-03-01 00:00:00")}
		span.To = span.From.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "windows"))*longest +
			time.Duration(rapid.IntRange(0, 100).Draw(t, "rest"))*time.Second)

		next, count := span.From, 0
		for !next.After(span.To) {
			window := FirstWindow(Window{From: next, To: span.To}, longest)
			require.Equal(t, next, window.From)
			require.False(t, window.To.Before(window.From))
			require.LessOrEqual(t, window.To.Sub(window.From), longest-time.Second)
			next, count = window.To.Add(time.Second), count+1
		}
		require.Equal(t, span.To.Add(time.Second), next)
		require.Equal(t, count, windowCount(span, longest))
	})
}
