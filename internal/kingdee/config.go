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
	// LCID is the language of the error texts. 0: 2052, simplified Chinese,
	// the only one whose texts this package knows.
	LCID int
	// OrgNumber is the organisation that signed requests act for; it matters
	// with several organisations only.
	OrgNumber string
	// RootCAs are the CAs that are trusted at the server; nil: the system's.
	RootCAs *x509.CertPool
	// Sessions is how many calls may be under way at once. 0: 4.
	Sessions int
	// Timeout bounds one request from its first to its reply's last byte, not
	// the wait for a session. 0: 120 s.
	Timeout time.Duration
	// Now gives the time that is signed; nil: time.Now.
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

// check finds all mistakes at once: a joined error of *fault.Error, each
// naming the environment variable of its setting.
func (c Config) check() error {
	var mistakes []error
	mistake := func(setting, message string) {
		mistakes = append(mistakes, &fault.Error{
			Class: fault.Final, Reason: "bad_setting", System: text.Literal(system), Field: setting, Message: message,
		})
	}
	required := func(setting, value, message string) {
		if value == "" {
			mistake(setting, "没有设置："+message)
		}
	}

	if u, err := url.Parse(c.URL); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" ||
		!strings.HasSuffix(strings.ToLower(u.Path), "/k3cloud/") {
		mistake("KINGDEE_URL", "应为金蝶服务器的完整地址，以 /k3cloud/ 结尾。 Want the full address of the Kingdee server, ending in /k3cloud/.")
	} else if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		mistake("KINGDEE_URL", "不要带参数、用户名或密码。 Must have no query and no user or password.")
	}
	required("KINGDEE_ACCT_ID", c.AcctID, "数据中心 ID。 Not set: the id of the data centre.")
	required("KINGDEE_USERNAME", c.Username, "集成用户的名称。 Not set: the name of the integration user.")
	switch c.Auth {
	case AuthPassword:
		required("KINGDEE_PASSWORD", c.Password, "集成用户的密码。 Not set: the integration user's password.")
	case AuthSignature, AuthAppSecret, AuthSign:
		required("KINGDEE_APP_ID", c.AppID, "第三方系统登录授权的应用 ID。 Not set: the application's id.")
		required("KINGDEE_APP_SECRET", c.AppSecret, "第三方系统登录授权的应用密钥。 Not set: the application's secret.")
		if _, err := newSigner(c); c.Auth == AuthSignature && c.AppID != "" && err != nil {
			mistake("KINGDEE_APP_ID", "不是完整的应用 ID：应为“数字_一串字符”，整串复制自第三方系统登录授权；旧式的 ID 请用 KINGDEE_AUTH=appsecret。 "+
				"Not a whole application id: want \"digits_characters\", all of it, from 第三方系统登录授权; use KINGDEE_AUTH=appsecret with an id of the old kind.")
		}
	default:
		mistake("KINGDEE_AUTH", "应为 signature、appsecret、sign 或 password。 Want signature, appsecret, sign or password.")
	}
	if c.LCID < 0 {
		mistake("KINGDEE_LCID", "不能为负；简体中文是 2052。 Must not be negative; simplified Chinese is 2052.")
	}
	if c.Sessions < 0 {
		mistake("KINGDEE_SESSIONS", "不能为负。 Must not be negative.")
	}
	if c.Timeout < 0 {
		mistake("Timeout", "不能为负。 Must not be negative.")
	}
	return errors.Join(mistakes...)
}
