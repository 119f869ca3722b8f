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
)

const (
	// readable bounds what is read of a reply that is none.
	readable = 64 << 10
	replied  = "服务器回复： The server replied:"
)

// textFailure is for what came in place of a method's reply, with HTTP 2xx: an
// error of the framework or of a gateway, a page or another text. It is nil for
// anything that may be a reply. raw is unwrapped, here and below.
func textFailure(method string, raw []byte) *fault.Error {
	if text, found := bytes.CutPrefix(raw, []byte("response_error:")); found {
		return frameworkFailure(method, unwrap(text))
	}
	if isPage(raw) {
		return wrongAddress.failure(method, withTheirs("回复是一个网页。 The reply is a web page.", raw[:min(len(raw), readable)]))
	}
	isText := len(raw) > 0 && !bytes.ContainsAny(raw[:1], `{["`) && !json.Valid(raw)
	if isText {
		raw = raw[:min(len(raw), readable)]
	} else if !bytes.HasPrefix(raw, []byte("{")) {
		return nil
	}
	code, text := readError(raw)
	if !isText {
		if status, err := findStatus(raw); code == "" || err == nil && status != nil {
			return nil
		}
	}
	r, known := ruleOfText(text)
	switch {
	case known:
	case isText:
		return malformedReply.failure(method, withTheirs("看不懂的回复。 Reply not understood.", raw))
	default:
		r = gatewayRefused
	}
	return r.failure(method, withTheirs(replied, raw))
}

// httpFailure is for an HTTP status other than 2xx. What the body says comes before
// the status; a ResponseStatus with a success does not count, for it is not known to
// be true.
func httpFailure(method string, response *http.Response, raw []byte) *fault.Error {
	f := saidFailure(method, response.StatusCode, raw)
	if f == nil {
		f = completed(method, httpfault.OfStatus(response.StatusCode))
		f.Message = withTheirs(f.Message, raw)
	}
	f.Code = httpfault.Code(response.StatusCode)
	if f.Class != fault.Final {
		f.Delay = max(f.Delay, httpfault.RetryAfter(response.Header, longestWait))
	}
	return f
}

// saidFailure is what the body of an HTTP failure says; nil if it says nothing that
// is understood.
func saidFailure(method string, status int, raw []byte) *fault.Error {
	if f := failureWithin(method, raw); f != nil {
		return f
	}
	if isPage(raw) {
		return nil
	}
	code, text := readError(raw)
	r, known := ruleOfText(text)
	switch {
	case known && r.reason != exception.reason:
	case code != "" && http.StatusText(status) == "":
		r = gatewayRefused // the public gateway's 519
	default:
		return nil
	}
	return r.failure(method, withTheirs(replied, raw))
}

// failureWithin is that of a ResponseStatus where none belongs; nil if there is none,
// or none that is understood.
func failureWithin(method string, raw []byte) *fault.Error {
	// One that can't be read says nothing.
	status, err := findStatus(raw)
	if err != nil || status == nil || len(status.SuccessEntitys) > 0 {
		return nil
	}
	if f := status.failure(method, status.Errors); f.Reason != unknownError.reason {
		return f
	}
	return nil
}

// frameworkFailure reads an error that Kingdee's framework writes as text in place
// of a reply: "response_error:" and a JSON object with a Message. It may come before
// or after the work was done.
func frameworkFailure(method string, text []byte) *fault.Error {
	if f := failureWithin(method, text); f != nil {
		return f
	}
	_, message := readError(text)
	r, known := ruleOfText(message)
	if !known {
		r = exception
	}
	if message == "" {
		message = noReason
	}
	return r.failure(method, shorten(message))
}

// readError reads the code and the text of an error as gateways and frameworks write
// it. Without a code of failure it is ""; what is no such object is a text by itself.
func readError(raw []byte) (code, text string) {
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

// markup is what of a page is not for people.
var markup = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)>|<[^>]*>`)

// withTheirs adds to our sentence the beginning of what came.
func withTheirs(ours string, raw []byte) string {
	const longest = 300
	theirs := string(raw)
	if isPage(raw) {
		theirs = html.UnescapeString(markup.ReplaceAllString(theirs, " "))
	}
	theirs = shortenTo(strings.Join(strings.Fields(strings.ToValidUTF8(theirs, "�")), " "), longest)
	if theirs == "" {
		return ours
	}
	return ours + " “" + theirs + "”"
}
