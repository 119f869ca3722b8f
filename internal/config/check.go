package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"refundsync/internal/catalog"
	"refundsync/internal/text"
	"refundsync/internal/version"
)

// checker parses the settings and collects all problems.
type checker struct {
	environment Environment
	defined     map[string]setting // by name
	unread      map[string]bool    // secrets whose file can't be read
	problems    []error
}

// wrong adds a problem of a setting.
func (c *checker) wrong(name string, what text.Text) {
	setting := c.defined[name]
	c.problems = append(c.problems, &Problem{
		Name: c.environment.SetName(name), Wrong: c.environment.inWords(what), Expected: c.environment.inWords(setting.description), Example: setting.example,
	})
}

// invalid adds a problem that shows the value, which must not be a secret.
func (c *checker) invalid(name, value string) {
	c.wrong(name, text.New("%q is not valid", value))
}

// clean finds typical mistakes of copying. `docker run --env-file` keeps quotes that a
// shell removes.
func (c *checker) clean(name, value string) {
	if strings.TrimSpace(value) != value {
		c.wrong(name, text.New("it starts or ends with white space"))
	}
	if len(value) >= 2 && strings.ContainsAny(value[:1], `"'`) && value[:1] == value[len(value)-1:] {
		c.wrong(name, text.New("it is wrapped in quotes"))
	}
}

func (c *checker) required(name, value string) string {
	if value == "" && !c.unread[name] {
		c.wrong(name, text.New("it is not set"))
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

// callsPerSecond parses a rate. It may have a fraction, for limits per minute.
func (c *checker) callsPerSecond(name, value string) rate.Limit {
	number, err := strconv.ParseFloat(value, 64)
	if err != nil || !(number > 0 && number <= 1000) { // the comparison also fails for NaN
		c.invalid(name, value)
	}
	return rate.Limit(number)
}

func (c *checker) jushuitan(env values, transports []string) Jushuitan {
	j := Jushuitan{CallsPerSecond: c.callsPerSecond("JUSHUITAN_CALLS_PER_SECOND", env["JUSHUITAN_CALLS_PER_SECOND"])}
	if slices.Contains(transports, catalog.Qimen) || env["JUSHUITAN_APP_KEY"] != "" {
		j.Qimen = Qimen{
			URL:          c.address("JUSHUITAN_URL", env["JUSHUITAN_URL"], ""),
			AppKey:       c.required("JUSHUITAN_APP_KEY", env["JUSHUITAN_APP_KEY"]),
			AppSecret:    c.required("JUSHUITAN_APP_SECRET", env["JUSHUITAN_APP_SECRET"]),
			CustomerID:   c.required("JUSHUITAN_CUSTOMER_ID", env["JUSHUITAN_CUSTOMER_ID"]),
			TargetAppKey: env["JUSHUITAN_TARGET_APP_KEY"],
			Session:      env["JUSHUITAN_SESSION"],
			SignMethod:   c.oneOf("JUSHUITAN_SIGN_METHOD", env["JUSHUITAN_SIGN_METHOD"], "md5", "hmac", "hmac-sha256"),
		}
	}
	if slices.Contains(transports, catalog.Open) || env["JUSHUITAN_OPEN_APP_KEY"] != "" {
		j.Open = OpenPlatform{
			URL:          c.address("JUSHUITAN_OPEN_URL", env["JUSHUITAN_OPEN_URL"], ""),
			AppKey:       c.required("JUSHUITAN_OPEN_APP_KEY", env["JUSHUITAN_OPEN_APP_KEY"]),
			AppSecret:    c.required("JUSHUITAN_OPEN_APP_SECRET", env["JUSHUITAN_OPEN_APP_SECRET"]),
			AccessToken:  env["JUSHUITAN_OPEN_ACCESS_TOKEN"],
			RefreshToken: env["JUSHUITAN_OPEN_REFRESH_TOKEN"],
		}
		if j.Open.RefreshToken != "" {
			c.required("JUSHUITAN_OPEN_ACCESS_TOKEN", j.Open.AccessToken)
		}
	}
	return j
}

func (c *checker) kingdee(env values) Kingdee {
	k := Kingdee{
		URL:       c.address("KINGDEE_URL", env["KINGDEE_URL"], "/k3cloud/"),
		Auth:      c.oneOf("KINGDEE_AUTH", env["KINGDEE_AUTH"], "signature", "appsecret", "sign", "password"),
		AcctID:    c.required("KINGDEE_ACCT_ID", env["KINGDEE_ACCT_ID"]),
		Username:  c.required("KINGDEE_USERNAME", env["KINGDEE_USERNAME"]),
		Password:  env["KINGDEE_PASSWORD"],
		AppID:     env["KINGDEE_APP_ID"],
		AppSecret: env["KINGDEE_APP_SECRET"],
		LCID:      c.between("KINGDEE_LCID", env["KINGDEE_LCID"], 1, 65535),
		OrgNumber: env["KINGDEE_ORG_NUMBER"],
		RootCAs:   c.certificates("KINGDEE_CA_FILE", env["KINGDEE_CA_FILE"]),
		Sessions:  c.between("KINGDEE_SESSIONS", env["KINGDEE_SESSIONS"], 1, 50),

		BatchBills: c.between("KINGDEE_BATCH_BILLS", env["KINGDEE_BATCH_BILLS"], 1, 500),
		BatchWait:  c.duration("KINGDEE_BATCH_WAIT", env["KINGDEE_BATCH_WAIT"], 0, time.Second),
	}
	switch k.Auth {
	case "password":
		c.required("KINGDEE_PASSWORD", k.Password)
	case "signature", "appsecret", "sign":
		c.required("KINGDEE_APP_ID", k.AppID)
		c.required("KINGDEE_APP_SECRET", k.AppSecret)
		if k.Auth == "signature" && k.AppID != "" && !isSigningAppID(k.AppID) {
			c.wrong("KINGDEE_APP_ID", text.New("it is not a complete id for signing (for an old id, use KINGDEE_AUTH=appsecret)"))
		}
	}
	return k
}

func (c *checker) worker(env values) Worker {
	w := Worker{
		Flows:          env["REFUNDSYNC_FLOWS"],
		BaseTaskQueue:  env["REFUNDSYNC_TASK_QUEUE"],
		HTTPAddress:    c.listenAddress("REFUNDSYNC_HTTP_ADDRESS", env["REFUNDSYNC_HTTP_ADDRESS"]),
		DrainTimeout:   c.duration("REFUNDSYNC_DRAIN_TIMEOUT", env["REFUNDSYNC_DRAIN_TIMEOUT"], 10*time.Second, time.Hour),
		DeploymentName: env["REFUNDSYNC_DEPLOYMENT_NAME"],
	}
	w.TaskQueue = w.TaskQueueOf(c.environment.Company())
	// The server's rules: it formats a version as name:build or name.build.
	if strings.ContainsAny(w.DeploymentName, ".:") || strings.HasPrefix(w.DeploymentName, "__") {
		c.invalid("REFUNDSYNC_DEPLOYMENT_NAME", w.DeploymentName)
	} else if w.DeploymentName != "" {
		w.BuildID = cmp.Or(env["REFUNDSYNC_BUILD_ID"], version.Version())
	}
	return w
}

func (c *checker) log(env values) Log {
	return Log{
		Level:  c.oneOf("LOG_LEVEL", env["LOG_LEVEL"], "debug", "info", "warn", "error"),
		Format: c.oneOf("LOG_FORMAT", env["LOG_FORMAT"], "json", "console"),
	}
}
