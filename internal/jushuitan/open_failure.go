package jushuitan

import (
	"refundsync/internal/fault"
	"refundsync/internal/text"
)

var openAdvice = advice{
	retry:       text.New("It is retried; if it keeps failing, check the network, the proxy (HTTPS_PROXY, NO_PROXY), JUSHUITAN_OPEN_URL and the state of Jushuitan's open platform."),
	certificate: text.New("Check the host of JUSHUITAN_OPEN_URL, and this machine's CA certificates and clock."),
	url:         text.New("Check JUSHUITAN_OPEN_URL: it should be https://openapi.jushuitan.com"),
}

// badTokenReason is the reason of a call whose token the open platform has rejected.
const badTokenReason = "bad_token"

// NotSelfBuilt is the reason of a token that can't be asked for, because the application is
// a service provider's: the merchant has to authorise it in a browser.
const NotSelfBuilt = "not_self_built"

var (
	openBadSignature = rule{fault.Final, "bad_signature", 0,
		text.New("Check that JUSHUITAN_OPEN_APP_SECRET belongs to JUSHUITAN_OPEN_APP_KEY (mind spaces around it).")}
	badToken = rule{fault.Retry, badTokenReason, 0,
		text.New("It is retried with a new token; if it keeps failing, check JUSHUITAN_OPEN_ACCESS_TOKEN if it is set, and the authorisation of the application JUSHUITAN_OPEN_APP_KEY.")}
	openIPNotAllowed = rule{fault.Final, "ip_not_allowed", 0,
		text.New("Add the worker's public IP to the allowlist at Jushuitan's open platform (application JUSHUITAN_OPEN_APP_KEY).")}
	openBadArgument = rule{fault.Final, "bad_argument", 0,
		text.New("Check source.parameters of the flow file.")}
	// One of Jushuitan's two published tables has 140 for parameters.
	openBadTimestamp = rule{fault.Final, badTimestamp.reason, 0, text.Join(" ", badTimestamp.advice, openBadArgument.advice)}
	openNoPermission = rule{fault.Final, "no_permission", 0,
		text.New("At Jushuitan's open platform, apply for this interface for the application (JUSHUITAN_OPEN_APP_KEY), and have the merchant authorise it.")}
	openNotSelfBuilt = rule{fault.Final, NotSelfBuilt, 0,
		text.New("Tokens of a service provider's application can't be asked for: have the merchant authorise it in the browser (openweb.jushuitan.com/auth), and set JUSHUITAN_OPEN_ACCESS_TOKEN, and JUSHUITAN_OPEN_REFRESH_TOKEN if there is one.")}
)

// openRules by the code of the open platform. Its tables disagree about some, because their
// meanings shifted between generations.
var openRules = map[string]rule{
	"10":  openBadSignature,
	"100": badToken,
	"110": openIPNotAllowed,
	"120": openBadSignature,
	"130": openBadArgument,
	"140": openBadTimestamp,
	"150": unavailable, // of a refresh: it is forbidden
	"160": unavailable,
	"170": openBadArgument,
	"180": badTimestamp,
	"190": openNoPermission,
	"199": tooManyASecond, "200": tooManyAMinute,
	"10015": openBadArgument, "-4": openBadArgument,
	"21024": openNotSelfBuilt,
}

func (openTransport) rule(e envelope) rule {
	if known, ok := openRules[e.code]; ok {
		return known
	}
	if e.limits() {
		return callLimit
	}
	return e.otherRule()
}
