package chat

import (
	"encoding/json"
	"net/http"
)

// webhook accepts any JSON object with a text, and answers by its HTTP status.
type webhook struct{}

func (webhook) read(_ Options, r *http.Request, body []byte) (string, *refusal) {
	var message struct {
		Flow string `json:"flow"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(body, &message); err != nil || !isJSON(r) || message.Flow == "" || message.Text == "" {
		return "", &refusal{http.StatusBadRequest, "JSON with flow and text expected"}
	}
	return message.Text, nil
}

func (webhook) limited() refusal { return refusal{http.StatusTooManyRequests, "too many"} }

func (webhook) refusing() refusal { return refusal{http.StatusForbidden, "forbidden"} }

func (webhook) answer(refused *refusal) (int, any) {
	if refused == nil {
		return http.StatusOK, map[string]bool{"ok": true}
	}
	return refused.code, map[string]string{"error": refused.message}
}
