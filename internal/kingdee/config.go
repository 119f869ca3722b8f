package kingdee

import (
	"crypto/x509"
	"errors"
	"net/url"
	"strings"
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

// Auth is how the client proves who it is.
type Auth string

const (
	// AuthSignature signs the headers of every request, without a login: what
	// Kingdee's own SDKs do. It needs AppID and AppSecret.
	AuthSignature Auth = "signature"
	// AuthAppSecret logs in through LoginByAppSecret with AppID and AppSecret.
	AuthAppSecret Auth = "appsecret"
	// AuthSign logs in through LoginBySign: as AuthAppSecret, but the secret
	// is hashed and does not travel.
	AuthSign Auth = "sign"
	// AuthPassword logs in through ValidateUser with Username and Password.
	AuthPassword Auth = "password"
)

const (
	defaultTimeout   = 120 * time.Second // as in Kingdee's own SDKs
	defaultSessions  = 4                 // 3 to 5 are advised
	defaultLCID      = 2052              // simplified Chinese
	defaultOrgNumber = "0"               // what the SDKs sign when no organisation is set
)

// Config holds the settings of one Kingdee account (账套).
type Config struct {
	// URL is the server's address and ends in /k3cloud/.
	URL string
	// Auth defaults to AuthSignature.
	Auth Auth
	// AcctID is the data centre (数据中心 ID), not its name.
	AcctID string
	// Username is the integration user (集成用户).
	Username string
	// Password belongs to AuthPassword.
	Password string
	// AppID and AppSecret come from 第三方系统登录授权 and belong to the
	// other ways.
	AppID, AppSecret string
	// LCID is the language of Kingdee's error texts. 0: 2052, simplified Chinese,
	// the only one that this package understands.
	LCID int
	// OrgNumber is the organisation that signed requests act for; it matters only
	// with several organisations.
	OrgNumber string
	// RootCAs are the trusted CAs; nil: the system's.
	RootCAs *x509.CertPool
	// Sessions is how many calls may be under way at once. 0: 4.
	Sessions int
	// Timeout bounds one request up to the last byte of its reply, not the wait
	// for a session. 0: 120 s.
	Timeout time.Duration
	// Now gives the time to sign; nil: time.Now.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.URL != "" && !strings.HasSuffix(c.URL, "/") {
		c.URL += "/"
	}
	if c.Auth == "" {
		c.Auth = AuthSignature
	}
	if c.LCID == 0 {
		c.LCID = defaultLCID
	}
	if c.OrgNumber == "" {
		c.OrgNumber = defaultOrgNumber
	}
	if c.Sessions == 0 {
		c.Sessions = defaultSessions
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
	mistake := func(setting string, err error) {
		mistakes = append(mistakes, &fault.Error{
			Class: fault.Final, Reason: "bad_setting", System: system, Field: setting, Err: err,
		})
	}
	required := func(setting, value string, err error) {
		if value == "" {
			mistake(setting, err)
		}
	}

	if u, err := url.Parse(c.URL); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" ||
		!strings.HasSuffix(strings.ToLower(u.Path), "/k3cloud/") {
		mistake("KINGDEE_URL", text.Errorf("want the full address of the Kingdee server, which ends in /k3cloud/"))
	} else if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		mistake("KINGDEE_URL", text.Errorf("must not have a query, a user or a password"))
	}
	required("KINGDEE_ACCT_ID", c.AcctID, text.Errorf("not set: the id of the data centre (数据中心 ID)"))
	required("KINGDEE_USERNAME", c.Username, text.Errorf("not set: the name of the integration user"))
	switch c.Auth {
	case AuthPassword:
		required("KINGDEE_PASSWORD", c.Password, text.Errorf("not set: the integration user's password"))
	case AuthSignature, AuthAppSecret, AuthSign:
		required("KINGDEE_APP_ID", c.AppID, text.Errorf("not set: the application's id (应用ID), from “第三方系统登录授权”"))
		required("KINGDEE_APP_SECRET", c.AppSecret, text.Errorf("not set: the application's secret (应用密钥), from “第三方系统登录授权”"))
		if _, err := newSigner(c); c.Auth == AuthSignature && c.AppID != "" && err != nil {
			mistake("KINGDEE_APP_ID", text.Errorf("not a complete application id: want “digits_characters”, all of it, from “第三方系统登录授权”; for an id of the old kind use KINGDEE_AUTH=appsecret"))
		}
	default:
		mistake("KINGDEE_AUTH", text.Errorf("want signature, appsecret, sign or password"))
	}
	if c.LCID < 0 {
		mistake("KINGDEE_LCID", text.Errorf("must not be negative; simplified Chinese is 2052"))
	}
	if c.Sessions < 0 {
		mistake("KINGDEE_SESSIONS", text.Errorf("must not be negative"))
	}
	if c.Timeout < 0 {
		mistake("Timeout", text.Errorf("must not be negative"))
	}
	return errors.Join(mistakes...)
}
