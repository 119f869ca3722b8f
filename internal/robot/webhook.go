package robot

import (
	"net/url"
	"strconv"
	"time"

	"refundsync/internal/alert"
)

// webhook is any address that accepts JSON: the notice and its text. Only the HTTP status
// of the reply counts.
type webhook struct{}

type webhookMessage struct {
	alert.Notice
	Text string `json:"text"`
}

func (webhook) request(address url.URL, _ string, _ time.Time, notice alert.Notice) (url.URL, any) {
	return address, webhookMessage{notice, notice.Message().String()}
}

func (webhook) answer(status int, _ []byte) (Answer, error) {
	if !succeeded(status) {
		return Answer{}, statusFailure(status)
	}
	return Answer{Code: "HTTP " + strconv.Itoa(status)}, nil
}
