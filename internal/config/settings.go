// Package config reads the settings from environment variables and reports all problems
// at once. Temporal's own variables set the connection to Temporal, ours everything
// else.
package config

import (
	"crypto/x509"
	"errors"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"refundsync/internal/encryption"
	"refundsync/internal/text"
	"refundsync/internal/version"
)

// Settings are all settings of a worker. Printed, logged or marshalled, they show no
// secret.
type Settings struct {
	// Company is the company whose settings they are; "" for those without a name.
	Company   string
	Jushuitan Jushuitan
	Kingdee   Kingdee
	Worker    Worker
	Log       Log
	// Encryption is empty if nothing is encrypted.
	Encryption encryption.Keys
}

// Jushuitan is the access to Jushuitan.
type Jushuitan struct {
	Qimen Qimen
	Open  OpenPlatform
	// CallsPerSecond is the limit of calls a second over all workers, through Qimen and on
	// the open platform each.
	CallsPerSecond rate.Limit
}

// Qimen is the account at the Qimen gateway. AppKey is empty if no flow reads through it.
type Qimen struct {
	URL, AppKey, AppSecret, CustomerID, TargetAppKey string
	// Session is empty if the account needs none.
	Session string
	// SignMethod is md5, hmac or hmac-sha256.
	SignMethod string
}

// OpenPlatform is the application at Jushuitan's open platform. AppKey is empty if no flow
// reads from it.
type OpenPlatform struct {
	URL, AppKey, AppSecret string
	// AccessToken and RefreshToken are the first tokens; empty if they are asked for.
	AccessToken, RefreshToken string
}

// Kingdee is the tenant and how to authenticate.
type Kingdee struct {
	// URL ends in /k3cloud/.
	URL string
	// Auth is signature, appsecret, sign or password. password needs Password, the others
	// AppID and AppSecret; what Auth doesn't need may be empty.
	Auth                                         string
	AcctID, Username, Password, AppID, AppSecret string
	// LCID is a Windows language id; 2052 is simplified Chinese.
	LCID int
	// OrgNumber may be empty.
	OrgNumber string
	// RootCAs are the trusted CAs; nil trusts the system's.
	RootCAs *x509.CertPool
	// Sessions is how many calls run at a time: one per session.
	Sessions int
	// BatchBills is the most bills that share a call; BatchWait is how long a bill waits
	// for others to share it.
	BatchBills int
	BatchWait  time.Duration
}

// Worker is what the worker runs and where it gets its tasks.
type Worker struct {
	// Flows is the folder of the flow files; whether it exists is not checked.
	Flows string
	// TaskQueue is the task queue in Temporal of the company of the settings, and
	// BaseTaskQueue that of the settings without a company.
	TaskQueue, BaseTaskQueue string
	// HTTPAddress is the host:port of health and metrics; "" serves none. The host may be
	// empty, for all of the machine's addresses.
	HTTPAddress string
	// DrainTimeout is how long a stopping worker may take.
	DrainTimeout time.Duration
	// DeploymentName is the Worker Deployment in Temporal; "" is a worker without
	// versions. BuildID is the worker's version there; "" without a DeploymentName.
	DeploymentName, BuildID string
}

// TaskQueueOf is the task queue of a company: each has its own.
func (w Worker) TaskQueueOf(company string) string {
	if company == "" {
		return w.BaseTaskQueue
	}
	return w.BaseTaskQueue + "-" + company
}

// CompanyOf undoes TaskQueueOf; false for a task queue of another base.
func (w Worker) CompanyOf(taskQueue string) (company string, ok bool) {
	if taskQueue == w.BaseTaskQueue {
		return "", true
	}
	if company, ok = strings.CutPrefix(taskQueue, w.BaseTaskQueue+"-"); ok {
		return company, true
	}
	return "", false
}

// CheckBuildID returns an error if a worker in a Worker Deployment doesn't know its
// version. Load doesn't check that, because not only workers read the settings.
func (w Worker) CheckBuildID() error {
	if w.BuildID != version.Unknown {
		return nil
	}
	return text.Errorf("REFUNDSYNC_BUILD_ID: a worker with REFUNDSYNC_DEPLOYMENT_NAME needs a version, and this program doesn't know its own, for example because of go run; set this variable, such as v1.2.3, or use a released program")
}

// Log says what is logged and how.
type Log struct {
	// Level is debug, info, warn or error.
	Level string
	// Format is json or console.
	Format string
}

// Load reads all settings. The error joins a [Problem] for each that is wrong. transports are
// those of the catalog that flows read through: only their settings are required.
func (e Environment) Load(transports ...string) (Settings, error) {
	env, c := e.read()
	c.secretFiles(env)
	c.misspelt("JUSHUITAN_", "KINGDEE_", "REFUNDSYNC_")
	settings := Settings{Company: e.Company(), Jushuitan: c.jushuitan(env, transports), Kingdee: c.kingdee(env), Worker: c.worker(env), Log: c.log(env), Encryption: c.encryption(env)}
	return settings, errors.Join(c.problems...)
}

// LoadKingdee reads only the settings of Kingdee. The error is like that of Load.
func (e Environment) LoadKingdee() (Kingdee, error) {
	env, c := e.read()
	c.secretFiles(env, "KINGDEE_PASSWORD", "KINGDEE_APP_SECRET")
	c.misspelt("KINGDEE_")
	kingdee := c.kingdee(env)
	return kingdee, errors.Join(c.problems...)
}

// LoadWorker reads only the settings of Worker, for commands that call neither system.
// The error is like that of Load.
func (e Environment) LoadWorker() (Worker, error) {
	env, c := e.read()
	c.misspelt("REFUNDSYNC_")
	worker := c.worker(env)
	return worker, errors.Join(c.problems...)
}
