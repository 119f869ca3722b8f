package jushuitan

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

// limitDelay is the wait after a refusal for too many calls that names none.
const limitDelay = 5 * time.Second

// rule says what a code of the vendor means.
type rule struct {
	class  fault.Class
	reason string
	delay  time.Duration
	advice text.Text
}

var adviseSlower = text.New("It is retried after a wait; if it is frequent, lower JUSHUITAN_CALLS_PER_SECOND (all processes together must stay within Jushuitan's allowance of 5 calls a second and 100 a minute).")

var (
	callLimit      = rule{fault.RateLimited, "call_limit", limitDelay, adviseSlower}
	tooManyASecond = rule{fault.RateLimited, "call_limit", 2 * time.Second, adviseSlower} // over 5
	tooManyAMinute = rule{fault.RateLimited, "call_limit", time.Minute, adviseSlower}     // over 100
	unavailable    = rule{fault.Retry, "service_unavailable", 0,
		text.New("It is retried; if it keeps failing, contact Jushuitan with the request_id.")}
	noPermission = rule{fault.Final, "no_permission", 0,
		text.New("At the open platform, apply for this interface for the application (JUSHUITAN_APP_KEY), and have the merchant (JUSHUITAN_CUSTOMER_ID) authorise it.")}
	badMethod = rule{fault.Final, "bad_method", 0,
		text.New("Check that JUSHUITAN_URL is the Qimen gateway …/router/qm, and JUSHUITAN_TARGET_APP_KEY (Jushuitan's is 23060081).")}
	badProtocol  = rule{fault.Final, "bad_protocol", 0, qimenAdvice.url}
	badSignature = rule{fault.Final, "bad_signature", 0,
		text.New("Check that JUSHUITAN_APP_SECRET belongs to JUSHUITAN_APP_KEY (mind spaces around it), then JUSHUITAN_SIGN_METHOD.")}
	badSession = rule{fault.Final, "bad_session", 0,
		text.New("The authorisation is missing or has expired: have the merchant authorise the application anew, and put the new value into JUSHUITAN_SESSION.")}
	badAppKey = rule{fault.Final, "bad_app_key", 0,
		text.New("Check JUSHUITAN_APP_KEY, and whether it belongs to production or to test (JUSHUITAN_URL).")}
	badTimestamp = rule{fault.Final, "bad_timestamp", 0,
		text.New("Set the clock of the worker's machine (NTP): it may be at most 10 minutes off Jushuitan's.")}
	badArgument = rule{fault.Final, "bad_argument", 0,
		text.New("Check source.parameters of the flow file, JUSHUITAN_CUSTOMER_ID and JUSHUITAN_TARGET_APP_KEY.")}
	ipNotAllowed = rule{fault.Final, "ip_not_allowed", 0,
		text.New("Add the worker's public IP to the allowlist at Jushuitan's open platform (application JUSHUITAN_APP_KEY).")}
	// Jushuitan's two published tables disagree about 140.
	badArgumentOrTimestamp = rule{fault.Final, "bad_argument", 0, text.Join(" ", badArgument.advice, badTimestamp.advice)}
	// An undocumented code may be transient. Reading has no side effect, so a retry
	// costs nothing, and the retry policy ends it.
	unknownCode = rule{fault.Retry, "unknown_code", 0,
		text.New("The code is unknown; a query has no side effect, so it is retried. If it keeps failing, contact Jushuitan with the request_id.")}
	// No page and no code, only a text. It may be transient as well.
	noCode = rule{fault.Retry, "no_code", 0,
		text.New("The reply has neither orders nor a code, only this text. It is retried; if it keeps failing, do what the text says, or contact Jushuitan.")}
)

// qimenRules by the vendor's code. Below 100 they are the Taobao Open Platform's
// (平台级错误码), others Jushuitan's own.
var qimenRules = map[string]rule{
	"4": callLimit, "5": callLimit, "6": callLimit, "7": callLimit, "8": callLimit,
	"10": unavailable, "15": unavailable,
	"11": noPermission, "12": noPermission, "13": noPermission, "42": noPermission,
	"21": badMethod, "22": badMethod,
	"23": badProtocol, "32": badProtocol, "33": badProtocol, "34": badProtocol,
	"24": badSignature, "25": badSignature,
	"26": badSession, "27": badSession,
	"28": badAppKey, "29": badAppKey,
	"30": badTimestamp, "31": badTimestamp,
	"40": badArgument, "41": badArgument, "43": badArgument,
	"100": badSession,
	"110": ipNotAllowed,
	"120": badSignature,
	"130": badArgument,
	"140": badArgumentOrTimestamp,
	"170": badArgument,
	"180": badTimestamp,
	"190": noPermission,
	"199": tooManyASecond, "200": tooManyAMinute,
	"10015": badArgument, "-4": badArgument,
}

// limitWords are how the platforms report too many calls without a code of it:
// ApiCallLimit, isv.access-limited-by-app-access-count, accesscontrol.limited-by-…,
// isp.system-busy.
var limitWords = regexp.MustCompile(`(?i)call-?limit|limited-by|system-busy|ban will last|frequency exceeds|频率|频繁`)

// rule goes by the code first; 15 (remote service error) only wraps sub_code. The
// Qimen envelope may have isv.* or isp.* as its code.
func (qimenTransport) rule(e envelope) rule {
	if e.code == "10" && !e.gateway {
		return badSignature // Jushuitan's own 10
	}
	known, ok := qimenRules[e.code]
	if ok && e.code != "15" {
		return known
	}
	if e.limits() {
		return callLimit
	}
	for _, code := range []string{e.subCode, e.code} {
		switch {
		case strings.HasPrefix(code, "isv."):
			return badArgument
		case strings.HasPrefix(code, "isp."):
			return unavailable
		}
	}
	if ok {
		return known
	}
	return e.otherRule()
}

// limits reports whether the words are about too many calls.
func (e envelope) limits() bool {
	return limitWords.MatchString(e.code) || limitWords.MatchString(e.words())
}

// otherRule is that of a code without a meaning.
func (e envelope) otherRule() rule {
	if e.code == "" || e.code == "0" {
		return noCode
	}
	return unknownCode
}

// waitNamed matches the wait that comes with a call limit, such as "This ban
// will last for 2 more seconds". A spent daily allowance says hours.
var waitNamed = regexp.MustCompile(`(?i)ban will last (?:for )?(\d+)|(\d+) ?秒(?:钟)?[之以]?后`)

// limitDelayFor is the wait that the vendor names, up to longestWait, or else the
// usual one.
func limitDelayFor(words string, usual time.Duration) time.Duration {
	found := waitNamed.FindStringSubmatch(words)
	if found == nil {
		return usual
	}
	seconds, err := strconv.Atoi(found[1] + found[2]) // one of them is empty
	if err != nil || seconds >= int(longestWait/time.Second) {
		return longestWait
	}
	return time.Duration(seconds+1) * time.Second
}

// failure is the failure that the envelope reports, with the vendor's words.
func (c call) failure(e envelope) *fault.Error {
	words, id := e.words(), shorten(e.requestID)
	found := c.rule(e)
	f := c.newFault(found.class, found.reason, nil, found.advice)
	f.Code = shorten(e.code)
	f.Delay = found.delay
	if f.Class == fault.RateLimited {
		f.Delay = limitDelayFor(words, found.delay)
	}
	switch {
	case words == "" && id == "":
		f.Err = text.Errorf("Jushuitan gave no reason")
	case words == "":
		f.Err = text.Errorf("Jushuitan gave no reason (request_id %s)", id)
	case id == "":
		f.Message = shorten(words)
	default:
		f.Message = shorten(words) + " (request_id " + id + ")"
	}
	return f
}

func (e envelope) words() string { return strings.Join(e.said, "; ") }

// shorten keeps an error small enough for a workflow history.
func shorten(s string) string {
	const longest = 500
	if runes := []rune(s); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return s
}
