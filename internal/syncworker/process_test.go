package syncworker

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/config"
)

func TestSetGarbageCollection(t *testing.T) {
	const before = 77
	for _, test := range []struct {
		name        string
		environment config.Environment
		want        int
	}{
		{"the environment says nothing", config.Environment{}, garbageCollection},
		{"it is empty, as Go has it", config.Environment{"GOGC": ""}, garbageCollection},
		{"the environment says how often", config.Environment{"GOGC": "50"}, before},
	} {
		t.Run(test.name, func(t *testing.T) {
			original := debug.SetGCPercent(before)
			defer debug.SetGCPercent(original)
			setGarbageCollection(test.environment)
			require.Equal(t, test.want, debug.SetGCPercent(original))
		})
	}
}
