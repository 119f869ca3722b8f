package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"refundsync/internal/version"
)

// checker turns text into settings and keeps all that is wrong with it.
type checker struct {
	environment Environment
	tags        map[string]reflect.StructTag // by the variable's name
	unread      map[string]bool              // secrets whose file is the problem
	problems    []error
}

// wrong keeps a problem, with what the setting's tags say is expected.
func (c *checker) wrong(name, zh, en string) {
	tag := c.tags[name]
	c.problems = append(c.problems, &Problem{
		Name: name, WrongZH: zh, WrongEN: en,
		ExpectedZH: tag.Get("zh"), ExpectedEN: tag.Get("en"), Example: tag.Get("example"),
	})
}

// invalid is wrong with the value in it, which must not be a secret's.
func (c *checker) invalid(name, value string) {
	c.wrong(name, fmt.Sprintf("%q 无效", value), fmt.Sprintf("%q is not valid", value))
}

// clean finds what a copied value often brings along. `docker run --env-file`
// keeps the quotes that a shell would drop.
func (c *checker) clean(name, value string) {
	if strings.TrimSpace(value) != value {
		c.wrong(name, "首尾有空白字符", "There is white space around it")
	}
	if len(value) >= 2 && strings.ContainsAny(value[:1], `"'`) && value[:1] == value[len(value)-1:] {
		c.wrong(name, "值被引号包住", "It is wrapped in quotes")
	}
}

func (c *checker) required(name, value string) string {
	if value == "" && !c.unread[name] {
		c.wrong(name, "没有设置", "It is not set")
	}
	return value
}

func (c *checker) oneOf(name, value string, choices ...string) string {
	if !slices.Contains(choices, value) {
		c.invalid(name, value)
	}
	return value
}

func (c *checker) between(name, value string, least, most int) int {
	number, err := strconv.Atoi(value)
	if err != nil || number < least || number > most {
		c.invalid(name, value)
	}
	return number
}

func (c *checker) duration(name, value string, least, most time.Duration) time.Duration {
	d, err := time.ParseDuration(value)
	if err != nil || d < least || d > most {
		c.invalid(name, value)
	}
	return d
}

// callsPerSecond reads a rate; 1.6 is as good as 5, since there are limits a
// minute as well.
func (c *checker) callsPerSecond(name, value string) rate.Limit {
	number, err := strconv.ParseFloat(value, 64)
	if err != nil || !(number > 0 && number <= 1000) { // the comparison also fails for NaN
		c.invalid(name, value)
	}
	return rate.Limit(number)
}

func (c *checker) jushuitan(env texts) Jushuitan {
	return Jushuitan{
		URL:            c.address("JUSHUITAN_URL", env.JushuitanURL, ""),
		AppKey:         c.required("JUSHUITAN_APP_KEY", env.JushuitanAppKey),
		AppSecret:      c.required("JUSHUITAN_APP_SECRET", env.JushuitanAppSecret),
		CustomerID:     c.required("JUSHUITAN_CUSTOMER_ID", env.JushuitanCustomerID),
		TargetAppKey:   env.JushuitanTargetAppKey,
		Session:        env.JushuitanSession,
		SignMethod:     c.oneOf("JUSHUITAN_SIGN_METHOD", env.JushuitanSignMethod, "md5", "hmac", "hmac-sha256"),
		CallsPerSecond: c.callsPerSecond("JUSHUITAN_CALLS_PER_SECOND", env.JushuitanCallsPerSecond),
	}
}

func (c *checker) kingdee(env texts) Kingdee {
	k := Kingdee{
		URL:       c.address("KINGDEE_URL", env.KingdeeURL, "/k3cloud/"),
		Auth:      c.oneOf("KINGDEE_AUTH", env.KingdeeAuth, "signature", "appsecret", "sign", "password"),
		AcctID:    c.required("KINGDEE_ACCT_ID", env.KingdeeAcctID),
		Username:  c.required("KINGDEE_USERNAME", env.KingdeeUsername),
		Password:  env.KingdeePassword,
		AppID:     env.KingdeeAppID,
		AppSecret: env.KingdeeAppSecret,
		LCID:      c.between("KINGDEE_LCID", env.KingdeeLCID, 1, 65535),
		OrgNumber: env.KingdeeOrgNumber,
		RootCAs:   c.certificates("KINGDEE_CA_FILE", env.KingdeeCAFile),
		Sessions:  c.between("KINGDEE_SESSIONS", env.KingdeeSessions, 1, 50),

		BatchBills: c.between("KINGDEE_BATCH_BILLS", env.KingdeeBatchBills, 1, 500),
		BatchWait:  c.duration("KINGDEE_BATCH_WAIT", env.KingdeeBatchWait, 0, time.Second),
	}
	switch k.Auth {
	case "password":
		c.required("KINGDEE_PASSWORD", k.Password)
	case "signature", "appsecret", "sign":
		c.required("KINGDEE_APP_ID", k.AppID)
		c.required("KINGDEE_APP_SECRET", k.AppSecret)
		if k.Auth == "signature" && k.AppID != "" && !isSigningAppID(k.AppID) {
			c.wrong("KINGDEE_APP_ID", "不是签名用的完整 ID（旧式的 ID 请用 KINGDEE_AUTH=appsecret）",
				"It is not a whole id to sign with (use KINGDEE_AUTH=appsecret with one of the old kind)")
		}
	}
	return k
}

func (c *checker) worker(env texts) Worker {
	w := Worker{
		Flows:          env.Flows,
		TaskQueue:      env.TaskQueue,
		HTTPAddress:    c.listenAddress("REFUNDSYNC_HTTP_ADDRESS", env.HTTPAddress),
		DrainTimeout:   c.duration("REFUNDSYNC_DRAIN_TIMEOUT", env.DrainTimeout, 10*time.Second, time.Hour),
		DeploymentName: env.DeploymentName,
	}
	// The server's rules: it writes a version as name:build or name.build.
	if strings.ContainsAny(w.DeploymentName, ".:") || strings.HasPrefix(w.DeploymentName, "__") {
		c.invalid("REFUNDSYNC_DEPLOYMENT_NAME", w.DeploymentName)
	} else if w.DeploymentName != "" {
		w.BuildID = cmp.Or(env.BuildID, version.Version())
	}
	return w
}

func (c *checker) log(env texts) Log {
	return Log{
		Level:  c.oneOf("LOG_LEVEL", env.LogLevel, "debug", "info", "warn", "error"),
		Format: c.oneOf("LOG_FORMAT", env.LogFormat, "json", "console"),
	}
}
