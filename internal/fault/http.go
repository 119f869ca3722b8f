package fault

import (
	"errors"
	"net/url"
	"strconv"
	"time"
)

// RetryAfter reads the form in seconds of an HTTP header Retry-After, up to a
// longest wait; 0 if there is none.
func RetryAfter(header string, longest time.Duration) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(longest/time.Second))) * time.Second
}

// WithoutURL takes the cause out of an HTTP client's error, whose text holds the
// address, and with it what was signed.
func WithoutURL(err error) error {
	var inURL *url.Error
	if errors.As(err, &inURL) {
		return inURL.Err
	}
	return err
}
