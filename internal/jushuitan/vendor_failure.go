package jushuitan

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"refundsync/internal/fault"
)

// limitDelay is the wait after a refusal for too many calls that does not say
// how long it lasts.
const limitDelay = 5 * time.Second

// rule says what a code of the vendor means.
type rule struct {
	class  fault.Class
	reason string
	delay  time.Duration
	advice string
}

const adviseSlower = "会等一会儿再试；经常出现时，请调低 JUSHUITAN_CALLS_PER_SECOND（各进程之和不能超过聚水潭给的额度：每秒 5 次、每分钟 100 次）。 Tried again after a wait; if it is frequent, lower JUSHUITAN_CALLS_PER_SECOND (all processes together must stay within Jushuitan's allowance: 5 a second, 100 a minute)."

var (
	callLimit   = rule{fault.RateLimited, "call_limit", limitDelay, adviseSlower}
	unavailable = rule{fault.Retry, "service_unavailable", 0,
		"会自动重试；一直如此时，请带着 request_id 联系聚水潭。 Tried again by itself; if it lasts, ask Jushuitan and give the request_id."}
	noPermission = rule{fault.Final, "no_permission", 0,
		"请在开放平台为应用（JUSHUITAN_APP_KEY）申请 jushuitan.refund.list.query 的权限，并让商家（JUSHUITAN_CUSTOMER_ID）授权。 Apply for jushuitan.refund.list.query for the application (JUSHUITAN_APP_KEY) and have the merchant (JUSHUITAN_CUSTOMER_ID) authorise it."}
	badMethod = rule{fault.Final, "bad_method", 0,
		"请检查 JUSHUITAN_URL 是否奇门网关 …/router/qm，以及 JUSHUITAN_TARGET_APP_KEY（聚水潭是 23060081）。 Check that JUSHUITAN_URL is the Qimen gateway …/router/qm, and JUSHUITAN_TARGET_APP_KEY (Jushuitan's is 23060081)."}
	badProtocol  = rule{fault.Final, "bad_protocol", 0, adviseURL}
	badSignature = rule{fault.Final, "bad_signature", 0,
		"请检查 JUSHUITAN_APP_SECRET 是否属于 JUSHUITAN_APP_KEY（注意首尾空格），再看 JUSHUITAN_SIGN_METHOD。 Check that JUSHUITAN_APP_SECRET belongs to JUSHUITAN_APP_KEY (mind spaces around it), then JUSHUITAN_SIGN_METHOD."}
	badSession = rule{fault.Final, "bad_session", 0,
		"授权缺失或已过期：请让商家重新授权，把新的值放进 JUSHUITAN_SESSION。 The authorisation is missing or has expired: have the merchant authorise again and put the new value into JUSHUITAN_SESSION."}
	badAppKey = rule{fault.Final, "bad_app_key", 0,
		"请检查 JUSHUITAN_APP_KEY，以及它属于正式环境还是测试环境（JUSHUITAN_URL）。 Check JUSHUITAN_APP_KEY, and whether it belongs to production or test (JUSHUITAN_URL)."}
	badTimestamp = rule{fault.Final, "bad_timestamp", 0,
		"请校准运行 worker 的机器的时钟（NTP）：与网关最多差 10 分钟。 Set the clock of the worker's machine (NTP): it may be at most 10 minutes off the gateway's."}
	badArgument = rule{fault.Final, "bad_argument", 0,
		"请检查流程文件的 source.parameters，以及 JUSHUITAN_CUSTOMER_ID 和 JUSHUITAN_TARGET_APP_KEY。 Check source.parameters of the flow file, and JUSHUITAN_CUSTOMER_ID and JUSHUITAN_TARGET_APP_KEY."}
	ipNotAllowed = rule{fault.Final, "ip_not_allowed", 0,
		"请把 worker 的出口 IP 加入聚水潭开放平台的白名单（应用 JUSHUITAN_APP_KEY）。 Add the worker's public IP to the allow list at Jushuitan's open platform (application JUSHUITAN_APP_KEY)."}
	// The two tables of Jushuitan's that are met disagree about 140.
	badArgumentOrTimestamp = rule{fault.Final, "bad_argument", 0, badArgument.advice + " " + badTimestamp.advice}
	// A code that nobody has described may pass by itself. Reading has no side
	// effect, so another try costs nothing, and the retry policy ends it.
	unknownCode = rule{fault.Retry, "unknown_code", 0,
		"不认识的错误码；查询没有副作用，所以先重试；一直如此时，请带着 request_id 联系聚水潭。 An unknown code; a query has no side effect, so it is tried again; if it lasts, ask Jushuitan and give the request_id."}
	// No page and no code, only a text. It may pass by itself as well.
	noCode = rule{fault.Retry, "no_code", 0,
		"回复里没有售后单，也没有错误码，只有这段话；会自动重试；一直如此时，请按它说的处理，或联系聚水潭。 The reply has no orders and no code, only this text; tried again by itself; if it lasts, do what it says, or ask Jushuitan."}
)

// rules by the vendor's code. Below 100 they are the Taobao Open Platform's
// (平台级错误码), from 100 on Jushuitan's own.
var rules = map[string]rule{
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
	"199": {fault.RateLimited, "call_limit", 2 * time.Second, adviseSlower}, // over 5 a second
	"200": {fault.RateLimited, "call_limit", time.Minute, adviseSlower},     // over 100 a minute
}

// limitWords are how the platforms say that there were too many calls where no
// code does: ApiCallLimit, isv.access-limited-by-app-access-count,
// accesscontrol.limited-by-…, isp.system-busy.
var limitWords = regexp.MustCompile(`(?i)call-?limit|limited-by|system-busy|ban will last|frequency exceeds|频率|频繁`)

// rule looks at the code first; 15 (remote service error) only wraps what
// sub_code says. The Qimen envelope may carry isv.* or isp.* as its code.
func (e envelope) rule() rule {
	if e.code == "10" && !e.gateway {
		return badSignature // Jushuitan's own 10
	}
	known, ok := rules[e.code]
	if ok && e.code != "15" {
		return known
	}
	if limitWords.MatchString(e.code) || limitWords.MatchString(e.words()) {
		return callLimit
	}
	for _, text := range []string{e.subCode, e.code} {
		switch {
		case strings.HasPrefix(text, "isv."):
			return badArgument
		case strings.HasPrefix(text, "isp."):
			return unavailable
		}
	}
	switch {
	case ok:
		return known
	case e.code == "" || e.code == "0":
		return noCode
	}
	return unknownCode
}

// waitNamed matches the wait that comes with a call limit, such as "This ban
// will last for 2 more seconds". A spent daily allowance says hours.
var waitNamed = regexp.MustCompile(`(?i)ban will last (?:for )?(\d+)|(\d+) ?秒(?:钟)?[之以]?后`)

// limitDelayFor is the wait that the vendor names, up to longestWait, or else
// what is usual.
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

// failure is what the envelope tells of, with the vendor's words.
func (e envelope) failure() *fault.Error {
	words := e.words()
	found := e.rule()
	f := newFault(found.class, found.reason, shorten(words), found.advice)
	if words == "" {
		f.Message = "对方没有说明原因。 The vendor gave no reason."
	}
	f.Code = shorten(e.code)
	f.Delay = found.delay
	if f.Class == fault.RateLimited {
		f.Delay = limitDelayFor(words, found.delay)
	}
	if e.requestID != "" {
		f.Message += " (request_id " + shorten(e.requestID) + ")"
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
