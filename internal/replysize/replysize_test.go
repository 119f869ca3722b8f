package replysize

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTooMany(t *testing.T) {
	require.False(t, TooMany(nil))
	require.False(t, TooMany(bytes.Repeat([]byte("x"), 32<<20)))
	for _, value := range []string{"{},", "1,", "[", `{"a":`} {
		require.False(t, TooMany(bytes.Repeat([]byte(value), MostValues/2)), value)
		require.True(t, TooMany(bytes.Repeat([]byte(value), MostValues+1)), value)
	}
}
