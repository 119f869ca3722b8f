// Package chat simulates the robots of group chats: 企业微信 WeCom, 钉钉 DingTalk, 飞书 Feishu,
// and a plain webhook. They check the format and the signature of each message, answer as
// the vendors' robots do (HTTP 200 with a business code), and keep the messages that they
// accepted.
package chat

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"refundsync/internal/simulator/faults"
)

// Credentials are what the robots check. They protect nothing.
type Credentials struct {
	// WeComKey and DingTalkToken are in the robots' addresses; FeishuHook is the
	// end of the path.
	WeComKey, DingTalkToken, FeishuHook string
	// The secrets are for signatures.
	DingTalkSecret, FeishuSecret string
}

// Options configure the robots.
type Options struct {
	Credentials Credentials
	// Now is the robots' clock; nil is time.Now.
	Now    func() time.Time
	Faults *faults.Injector
}

// Message is a message that a robot accepted.
type Message struct {
	// Robot is wecom, dingtalk, feishu or webhook.
	Robot string    `json:"robot"`
	At    time.Time `json:"at"`
	// Text is what people see in the chat.
	Text string `json:"text"`
	// Body is the message as received.
	Body json.RawMessage `json:"body"`
}

// State is what the robots were sent.
type State struct {
	Messages []Message `json:"messages"`
	// Refusals counts the refused messages by robot.
	Refusals map[string]int `json:"refusals"`
}

// Robots are one robot of each kind.
type Robots struct {
	options Options

	mu       sync.Mutex
	messages []Message
	refusals map[string]int
}

// New makes the robots.
func New(options Options) *Robots {
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Robots{options: options, refusals: map[string]int{}}
}

// State shows what the robots were sent.
func (r *Robots) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := State{Messages: append([]Message{}, r.messages...), Refusals: map[string]int{}}
	for robot, count := range r.refusals {
		s.Refusals[robot] = count
	}
	return s
}

// refusal is why a robot refuses a message.
type refusal struct {
	code    int
	message string
}

// robot is what differs between the kinds.
type robot interface {
	// read checks a message and returns its text.
	read(o Options, r *http.Request, body []byte) (text string, refused *refusal)
	// limited and refusing are what the faults answer.
	limited() refusal
	refusing() refusal
	// answer is the reply; refused is nil if the message was accepted.
	answer(refused *refusal) (status int, body any)
}

var robots = map[string]robot{"wecom": wecom{}, "dingtalk": dingtalk{}, "feishu": feishu{}, "webhook": webhook{}}

// maxBody is in bytes, far above what any of the vendors allows.
const maxBody = 1 << 20

// ServeHTTP serves POST /robots/{robot}, with the rest of the vendor's path below it.
func (r *Robots) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	name, _, _ := strings.Cut(strings.TrimPrefix(request.URL.Path, "/robots/"), "/")
	kind, ok := robots[name]
	if !ok {
		http.NotFound(w, request)
		return
	}
	injector := r.options.Faults
	if injector.Strikes(faults.RobotServerError) {
		faults.ServerError(w, http.StatusBadGateway)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text, refused := kind.read(r.options, request, body)
	if injector.Strikes(faults.RobotCallLimit) {
		limited := kind.limited()
		refused = &limited
	} else if injector.Strikes(faults.RobotRefusal) {
		refusing := kind.refusing()
		refused = &refusing
	}
	r.keep(name, text, body, refused)
	if refused == nil && injector.Strikes(faults.RobotReplyLost) {
		faults.Cut()
	}
	status, answer := kind.answer(refused)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// If the caller has gone, there is nobody to report the error to.
	_ = json.NewEncoder(w).Encode(answer)
}

func (r *Robots) keep(name, text string, body []byte, refused *refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if refused != nil {
		r.refusals[name]++
		return
	}
	r.messages = append(r.messages, Message{Robot: name, At: r.options.Now(), Text: text, Body: body})
}

// isJSON reports whether a message is declared as JSON; the vendors' robots read nothing
// else.
func isJSON(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
}

// withinAnHour reports whether a signature's time is within an hour of now.
func withinAnHour(o Options, at time.Time) bool {
	return o.Now().Sub(at).Abs() <= time.Hour
}
