package kingdee

import (
	"bytes"
	"cmp"
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strings"

	"refundsync/internal/fault"
	"refundsync/internal/httpfault"
	"refundsync/internal/text"
)

// readable bounds what is read of a failed reply, in bytes.
const readable = 64 << 10

// textFailure is for what replaced a method's reply, with HTTP 2xx: an error of the
// framework or a gateway, a page or another text. It is nil for anything that may be a
// reply. raw is unwrapped, here and below.
func textFailure(method string, raw []byte) *fault.Error {
	if message, found := bytes.CutPrefix(raw, []byte("response_error:")); found {
		return frameworkFailure(method, unwrap(message))
	}
	if isPage(raw) {
		return wrongAddress.failure(method, quoteReply(text.Errorf("the reply is a web page"), raw[:min(len(raw), readable)]))
	}
	isText := len(raw) > 0 && !bytes.ContainsAny(raw[:1], `{["`) && !json.Valid(raw)
	if isText {
		raw = raw[:min(len(raw), readable)]
	} else if !bytes.HasPrefix(raw, []byte("{")) {
		return nil
	}
	code, message := readError(raw)
	if !isText {
		if status, err := findStatus(raw); code == "" || err == nil && status != nil {
			return nil
		}
	}
	r, known := ruleOfText(message)
	switch {
	case known:
	case isText:
		return malformedReply.failure(method, quoteReply(text.Errorf("reply not understood"), raw))
	default:
		r = gatewayRefused
	}
	return r.failure(method, quoteReply(text.Errorf("the server replied"), raw))
}

// httpFailure is for an HTTP status other than 2xx. The body takes precedence over the
// status, except that a ResponseStatus with a success is not trusted.
func httpFailure(method string, response *http.Response, raw []byte) *fault.Error {
	f := saidFailure(method, response.StatusCode, raw)
	if f == nil {
		f = completed(method, httpfault.OfStatus(response.StatusCode))
		f.Err = quoteReply(f.Err, raw)
	}
	f.Code = httpfault.Code(response.StatusCode)
	if f.Class != fault.Final {
		f.Delay = max(f.Delay, httpfault.RetryAfter(response.Header, longestWait))
	}
	return f
}

// saidFailure is the failure that the body of an HTTP failure reports; nil if none is
// understood.
func saidFailure(method string, status int, raw []byte) *fault.Error {
	if f := failureWithin(method, raw); f != nil {
		return f
	}
	if isPage(raw) {
		return nil
	}
	code, message := readError(raw)
	r, known := ruleOfText(message)
	switch {
	case known && r.reason != exception.reason:
	case code != "" && http.StatusText(status) == "":
		r = gatewayRefused // the public gateway's 519
	default:
		return nil
	}
	return r.failure(method, quoteReply(text.Errorf("the server replied"), raw))
}

// failureWithin is the failure of a ResponseStatus in an unexpected place; nil if none
// is understood.
func failureWithin(method string, raw []byte) *fault.Error {
	// A status that can't be read is ignored.
	status, err := findStatus(raw)
	if err != nil || status == nil || len(status.SuccessEntitys) > 0 {
		return nil
	}
	if f := status.failure(method, status.Errors); f.Reason != unknownError.reason {
		return f
	}
	return nil
}

// frameworkFailure reads an error that Kingdee's framework writes as text instead of a
// reply: "response_error:" and a JSON object with a Message. The call may have taken
// effect.
func frameworkFailure(method string, raw []byte) *fault.Error {
	if f := failureWithin(method, raw); f != nil {
		return f
	}
	_, message := readError(raw)
	r, known := ruleOfText(message)
	if !known {
		r = exception
	}
	return r.quoting(method, message)
}

// readError reads the code and the message of an error as gateways and frameworks write
// it. code is "" if it is not that of a failure; anything but an object is a message.
func readError(raw []byte) (code, message string) {
	var e struct {
		ErrCode                           looseText
		ErrorCode                         looseText `json:"error_code"`
		Code                              looseText
		Description, Message, Msg, ErrMsg looseText
	}
	if json.Unmarshal(raw, &e) != nil {
		return "", string(raw)
	}
	code = string(cmp.Or(e.ErrCode, e.ErrorCode, e.Code))
	if code == "0" || code == "200" {
		code = ""
	}
	return code, string(cmp.Or(e.Description, e.Message, e.Msg, e.ErrMsg, looseText(raw)))
}

// isPage reports whether a reply is HTML or XML.
func isPage(raw []byte) bool { return bytes.HasPrefix(raw, []byte("<")) }

// markup is what people don't see of a page.
var markup = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)>|<[^>]*>`)

// quoteReply adds the beginning of a reply to our words.
func quoteReply(ours error, raw []byte) error {
	const longest = 300
	theirs := string(raw)
	if isPage(raw) {
		theirs = html.UnescapeString(markup.ReplaceAllString(theirs, " "))
	}
	return quote(ours, shortenTo(strings.Join(strings.Fields(strings.ToValidUTF8(theirs, "�")), " "), longest))
}

// quote adds Kingdee's words, if there are any, to ours.
func quote(ours error, theirs string) error {
	if theirs == "" {
		return ours
	}
	return text.Errorf("%w: “%s”", ours, theirs)
}
