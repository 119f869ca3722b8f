package fault

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "600": 10 * time.Minute, "601": 10 * time.Minute,
		"99999999999999999999": 0, "-1": 0, "1.5": 0, "Fri, 01 Mar 2024 09:00:00 GMT": 0,
	} {
		require.Equal(t, want, RetryAfter(header, 10*time.Minute), header)
	}
}

func TestWithoutURL(t *testing.T) {
	plain := errors.New("connection reset")
	require.Equal(t, plain, WithoutURL(plain))
	inURL := fmt.Errorf("call: %w", &url.Error{Op: "Post", URL: "https://gateway/?sign=secret", Err: context.DeadlineExceeded})
	require.Equal(t, context.DeadlineExceeded, WithoutURL(inURL))
}
