package jushuitan

import (
	"errors"
	"net/url"
	"time"

	"golang.org/x/time/rate"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

const (
	defaultTimeout        = 60 * time.Second // first pages of over 30 s are reported
	defaultCallsPerSecond = rate.Limit(5)    // what Jushuitan allows a merchant
)

// Config holds the settings of one merchant's access.
type Config struct {
	// URL is the gateway: https://a1q40taq0j.api.taobao.com/router/qm, or
	// …/router/qmtest for tests.
	URL string
	// AppKey and AppSecret are those of the merchant's application.
	AppKey, AppSecret string
	// CustomerID is the merchant.
	CustomerID string
	// TargetAppKey is the application that is called: Jushuitan is 23060081.
	TargetAppKey string
	// Session is the merchant's authorisation, where the application needs one.
	Session string
	// SignMethod has no default.
	SignMethod SignMethod
	// CallsPerSecond bounds the calls of this client, evenly spaced. 0: 5.
	CallsPerSecond rate.Limit
	// Timeout bounds one call from the request to the last byte of the reply,
	// not the wait for CallsPerSecond. 0: 60 s.
	Timeout time.Duration
	// Now is our clock, for the parameter timestamp and beside the source's; nil:
	// time.Now.
	Now func() time.Time
}

// check finds all mistakes at once: a joined error of *fault.Error, each
// naming the environment variable of its setting.
func (c Config) check() error {
	var mistakes []error
	mistake := func(setting, message string) {
		mistakes = append(mistakes, &fault.Error{
			Class: fault.Final, Reason: "bad_setting", System: text.Literal(system), Field: setting, Message: message,
		})
	}
	if u, err := url.Parse(c.URL); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		mistake("JUSHUITAN_URL", "应为奇门网关的完整地址，例如 https://a1q40taq0j.api.taobao.com/router/qm 。 Want the full address of the Qimen gateway.")
	} else if u.RawQuery != "" || u.User != nil {
		mistake("JUSHUITAN_URL", "不要带参数、用户名或密码。 Must have no query and no user or password.")
	}
	for _, required := range []struct{ setting, value, what string }{
		{"JUSHUITAN_APP_KEY", c.AppKey, "应用的 AppKey。 Not set: the application's key."},
		{"JUSHUITAN_APP_SECRET", c.AppSecret, "应用的 AppSecret。 Not set: the application's secret."},
		{"JUSHUITAN_CUSTOMER_ID", c.CustomerID, "商家在奇门的 customer_id。 Not set: the merchant's customer_id."},
		{"JUSHUITAN_TARGET_APP_KEY", c.TargetAppKey, "聚水潭的是 23060081。 Not set: Jushuitan's is 23060081."},
	} {
		if required.value == "" {
			mistake(required.setting, "没有设置："+required.what)
		}
	}
	if _, err := Sign(c.SignMethod, "", nil); err != nil {
		mistake("JUSHUITAN_SIGN_METHOD", err.Error())
	}
	if !(c.CallsPerSecond >= 0) { // NaN too, which "JUSHUITAN_CALLS_PER_SECOND=nan" gives
		mistake("JUSHUITAN_CALLS_PER_SECOND", "应为正数。 Want a positive number.")
	}
	return errors.Join(mistakes...)
}
