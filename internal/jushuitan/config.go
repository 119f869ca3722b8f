package jushuitan

import (
	"errors"
	"net/url"
	"time"

	"golang.org/x/time/rate"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/text"
)

const (
	defaultTimeout        = 60 * time.Second // first pages of over 30 s are reported
	defaultCallsPerSecond = rate.Limit(5)    // what Jushuitan allows a merchant
)

// Config holds the settings of one merchant's access.
type Config struct {
	// Qimen and Open are the ways to call; nil for one that is not set.
	Qimen *Qimen
	Open  *Open
	// CallsPerSecond bounds the calls through each of them, evenly spaced. 0: 5.
	CallsPerSecond rate.Limit
	// Timeout bounds one call from the request to the last byte of the reply,
	// not the wait for CallsPerSecond. 0: 60 s.
	Timeout time.Duration
	// Now is our clock, for the parameter timestamp and [Clock]; nil: time.Now.
	Now func() time.Time
}

// Qimen is the access through the Qimen gateway.
type Qimen struct {
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
}

// Open is the access to Jushuitan's open platform.
type Open struct {
	OpenApp
	// Tokens gives the access token.
	Tokens Tokens
}

// OpenApp is an application at Jushuitan's open platform.
type OpenApp struct {
	// URL is https://openapi.jushuitan.com, or https://dev-api.jushuitan.com for tests.
	URL string
	// Key and Secret are the application's app_key and app_secret.
	Key, Secret string
}

// transportSettings are the settings that each transport begins with.
var transportSettings = map[string]string{catalog.Qimen: "JUSHUITAN_URL", catalog.Open: "JUSHUITAN_OPEN_APP_KEY"}

func (c Config) withDefaults() Config {
	if c.CallsPerSecond == 0 {
		c.CallsPerSecond = defaultCallsPerSecond
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// check returns all mistakes at once: a joined error of *fault.Error, each
// naming the environment variable of its setting.
func (c Config) check() error {
	var mistakes []error
	if c.Qimen != nil {
		mistakes = append(mistakes, c.Qimen.check()...)
	}
	if c.Open != nil {
		mistakes = append(mistakes, c.Open.check()...)
	}
	if !(c.CallsPerSecond >= 0) { // NaN too, which "JUSHUITAN_CALLS_PER_SECOND=nan" gives
		mistakes = append(mistakes, badSetting("JUSHUITAN_CALLS_PER_SECOND", text.Errorf("want a positive number")))
	}
	return errors.Join(mistakes...)
}

func (q Qimen) check() (mistakes []error) {
	mistakes = append(mistakes, checkURL("JUSHUITAN_URL", q.URL, text.New("the full address of the Qimen gateway, such as https://a1q40taq0j.api.taobao.com/router/qm"))...)
	for _, required := range []struct {
		setting, value string
		err            error
	}{
		{"JUSHUITAN_APP_KEY", q.AppKey, text.Errorf("not set: the application's AppKey")},
		{"JUSHUITAN_APP_SECRET", q.AppSecret, text.Errorf("not set: the application's AppSecret")},
		{"JUSHUITAN_CUSTOMER_ID", q.CustomerID, text.Errorf("not set: the merchant's customer_id at Qimen")},
		{"JUSHUITAN_TARGET_APP_KEY", q.TargetAppKey, text.Errorf("not set: Jushuitan's is 23060081")},
	} {
		if required.value == "" {
			mistakes = append(mistakes, badSetting(required.setting, required.err))
		}
	}
	if _, err := Sign(q.SignMethod, "", nil); err != nil {
		mistakes = append(mistakes, badSetting("JUSHUITAN_SIGN_METHOD", err))
	}
	return mistakes
}

func (a OpenApp) check() (mistakes []error) {
	mistakes = append(mistakes, checkURL("JUSHUITAN_OPEN_URL", a.URL, text.New("the address of Jushuitan's open platform, such as https://openapi.jushuitan.com"))...)
	if a.Key == "" {
		mistakes = append(mistakes, badSetting("JUSHUITAN_OPEN_APP_KEY", text.Errorf("not set: the application's app_key")))
	}
	if a.Secret == "" {
		mistakes = append(mistakes, badSetting("JUSHUITAN_OPEN_APP_SECRET", text.Errorf("not set: the application's app_secret")))
	}
	return mistakes
}

func checkURL(setting, address string, wanted text.Text) []error {
	u, err := url.Parse(address)
	switch {
	case err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "":
		return []error{badSetting(setting, text.Errorf("want %s", wanted))}
	case u.RawQuery != "" || u.User != nil:
		return []error{badSetting(setting, text.Errorf("must not have a query, a user or a password"))}
	}
	return nil
}

func badSetting(setting string, err error) error {
	return &fault.Error{Class: fault.Final, Reason: "bad_setting", System: system, Field: setting, Err: err}
}
