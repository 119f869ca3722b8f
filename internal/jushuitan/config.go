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
	// TargetAppKey is the application to call: Jushuitan is 23060081.
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
	// Now is our clock, for the parameter timestamp and [Clock]; nil: time.Now.
	Now func() time.Time
}

// check returns all mistakes at once: a joined error of *fault.Error, each
// naming the environment variable of its setting.
func (c Config) check() error {
	var mistakes []error
	mistake := func(setting string, err error) {
		mistakes = append(mistakes, &fault.Error{
			Class: fault.Final, Reason: "bad_setting", System: system, Field: setting, Err: err,
		})
	}
	if u, err := url.Parse(c.URL); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		mistake("JUSHUITAN_URL", text.Errorf("want the full address of the Qimen gateway, such as https://a1q40taq0j.api.taobao.com/router/qm"))
	} else if u.RawQuery != "" || u.User != nil {
		mistake("JUSHUITAN_URL", text.Errorf("must not have a query, a user or a password"))
	}
	for _, required := range []struct {
		setting, value string
		err            error
	}{
		{"JUSHUITAN_APP_KEY", c.AppKey, text.Errorf("not set: the application's AppKey")},
		{"JUSHUITAN_APP_SECRET", c.AppSecret, text.Errorf("not set: the application's AppSecret")},
		{"JUSHUITAN_CUSTOMER_ID", c.CustomerID, text.Errorf("not set: the merchant's customer_id at Qimen")},
		{"JUSHUITAN_TARGET_APP_KEY", c.TargetAppKey, text.Errorf("not set: Jushuitan's is 23060081")},
	} {
		if required.value == "" {
			mistake(required.setting, required.err)
		}
	}
	if _, err := Sign(c.SignMethod, "", nil); err != nil {
		mistake("JUSHUITAN_SIGN_METHOD", err)
	}
	if !(c.CallsPerSecond >= 0) { // NaN too, which "JUSHUITAN_CALLS_PER_SECOND=nan" gives
		mistake("JUSHUITAN_CALLS_PER_SECOND", text.Errorf("want a positive number"))
	}
	return errors.Join(mistakes...)
}
