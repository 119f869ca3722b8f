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
	// A code that nobody has described may pass by itself. Reading has no side
	// effect, so another try costs nothing, and the retry policy ends it.
	unknownCode = rule{fault.Retry, "unknown_code", 0,
		"不认识的错误码；查询没有副作用，所以先重试；一直如此时，请带着 request_id 联系聚水潭。 An unknown code; a query has no side effect, so it is tried again; if it lasts, ask Jushuitan and give the request_id."}
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
	"190": noPermission,
	"199": {fault.RateLimited, "call_limit", 2 * time.Second, adviseSlower}, // over 5 a second
	"200": {fault.RateLimited, "call_limit", time.Minute, adviseSlower},     // over 100 a minute
}

// ruleFor looks at the code first; 15 (remote service error) only wraps what
// sub_code says. The Qimen envelope may carry isv.* or isp.* as its code.
func ruleFor(code, subCode string) rule {
	known, ok := rules[code]
	if ok && code != "15" {
		return known
	}
	for _, text := range []string{subCode, code} {
		switch {
		case strings.HasPrefix(text, "isv."):
			return badArgument
		case strings.HasPrefix(text, "isp."):
			return unavailable
		}
	}
	if ok {
		return known
	}
	return unknownCode
}

// banSeconds matches what the platform adds to a call limit, such as "This ban
// will last for 2 more seconds". A spent daily allowance says hours.
var banSeconds = regexp.MustCompile(`(?i)ban will last for (\d{1,6}) more second`)

// vendorFailure reads a failure out of an envelope, or returns nil if the
// envelope tells of none: flag is "failure", issuccess is false, code is
// anything but absent, "" and 0, or there is a sub_code.
func vendorFailure(envelope map[string]any, isError bool) *fault.Error {
	code, subCode := text(envelope["code"]), text(envelope["sub_code"])
	success, told, err := truth(envelope["issuccess"])
	failed := isError ||
		strings.EqualFold(text(envelope["flag"]), "failure") ||
		err != nil || told && !success ||
		code != "" && code != "0" ||
		subCode != ""
	if !failed {
		return nil
	}
	var said []string
	for _, name := range []string{"msg", "message", "sub_code", "sub_msg", "sub_message"} {
		if part := text(envelope[name]); part != "" {
			said = append(said, part)
		}
	}
	if len(said) == 0 {
		said = append(said, "对方没有说明原因。 The vendor gave no reason.")
	}
	message := strings.Join(said, "; ")
	found := ruleFor(code, subCode)
	f := newFault(found.class, found.reason, shorten(message), found.advice)
	f.Code = shorten(code)
	f.Delay = found.delay
	if ban := banSeconds.FindStringSubmatch(message); ban != nil && f.Class == fault.RateLimited {
		if seconds, err := strconv.Atoi(ban[1]); err == nil {
			f.Delay = time.Duration(seconds+1) * time.Second
		}
	}
	if id := text(envelope["request_id"]); id != "" {
		f.Message += " (request_id " + shorten(id) + ")"
	}
	return f
}

// shorten keeps an error small enough for a workflow history.
func shorten(s string) string {
	const longest = 500
	if runes := []rune(s); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return s
}
