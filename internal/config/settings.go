// Package config reads the settings from the environment, and finds all that is
// wrong with them at once. The connection to Temporal is set by Temporal's own
// variables, everything else by ours.
package config

import (
	"crypto/x509"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"refundsync/internal/encryption"
	"refundsync/internal/text"
	"refundsync/internal/version"
)

// Settings are all settings of a worker. Printed, logged or marshalled they
// show no secret.
type Settings struct {
	Jushuitan Jushuitan
	Kingdee   Kingdee
	Worker    Worker
	Log       Log
	// Encryption is empty where nothing is to be encrypted.
	Encryption encryption.Keys
}

// Jushuitan is the account at the Qimen gateway.
type Jushuitan struct {
	URL, AppKey, AppSecret, CustomerID, TargetAppKey string
	// Session is empty where the account needs none.
	Session string
	// SignMethod is md5, hmac or hmac-sha256.
	SignMethod string
	// CallsPerSecond is the limit of calls, over all workers.
	CallsPerSecond rate.Limit
}

// Kingdee is the tenant and how to be let in.
type Kingdee struct {
	// URL ends in /k3cloud/.
	URL string
	// Auth is signature, appsecret, sign or password. The last needs Password,
	// the others AppID and AppSecret; what Auth does not need may be empty.
	Auth                                         string
	AcctID, Username, Password, AppID, AppSecret string
	// LCID is a Windows language id; 2052 is simplified Chinese.
	LCID int
	// OrgNumber may be empty.
	OrgNumber string
	// RootCAs are the CAs that are trusted at the server; nil is the system's.
	RootCAs *x509.CertPool
	// Sessions is the number of calls at a time: a session serves one.
	Sessions int
	// BatchBills is how many bills share a call at most, BatchWait how long one
	// waits for others to share it.
	BatchBills int
	BatchWait  time.Duration
}

// Worker is what the worker runs, and where it takes its work from.
type Worker struct {
	// Flows is the folder of the flow files; whether it exists is not checked.
	Flows string
	// TaskQueue is the task queue in Temporal.
	TaskQueue string
	// HTTPAddress is the host:port of health and metrics; "" serves none. The
	// host may be empty, for all of the machine's addresses.
	HTTPAddress string
	// DrainTimeout is how long a worker that is told to stop may take.
	DrainTimeout time.Duration
	// DeploymentName is the Worker Deployment in Temporal, "" for a worker without
	// versions. BuildID is its version there, set with a DeploymentName alone.
	DeploymentName, BuildID string
}

// CheckBuildID says what is wrong if a worker in a Worker Deployment does not know
// its version there. It is no part of Load, for others read the settings as well.
func (w Worker) CheckBuildID() error {
	if w.BuildID != version.Unknown {
		return nil
	}
	return text.Errorf("REFUNDSYNC_BUILD_ID: With REFUNDSYNC_DEPLOYMENT_NAME a worker needs a version, and this program does not know its own, as with go run: set this one, such as v1.2.3, or use a program of a release")
}

// Log says what is logged, and how.
type Log struct {
	// Level is debug, info, warn or error.
	Level string
	// Format is json or console.
	Format string
}

// Load reads all settings. The error joins a [Problem] for each that is wrong.
func (e Environment) Load() (Settings, error) {
	env, c := e.read()
	c.secretFiles(env)
	c.misspelt("JUSHUITAN_", "KINGDEE_", "REFUNDSYNC_")
	settings := Settings{Jushuitan: c.jushuitan(env), Kingdee: c.kingdee(env), Worker: c.worker(env), Log: c.log(env), Encryption: c.encryption(env)}
	return settings, errors.Join(c.problems...)
}

// LoadKingdee reads the settings of Kingdee alone. The error is like Load's.
func (e Environment) LoadKingdee() (Kingdee, error) {
	env, c := e.read()
	c.secretFiles(env, "KINGDEE_PASSWORD", "KINGDEE_APP_SECRET")
	c.misspelt("KINGDEE_")
	kingdee := c.kingdee(env)
	return kingdee, errors.Join(c.problems...)
}

// LoadWorker reads the settings of Worker alone, for commands that call neither
// system. The error is like Load's.
func (e Environment) LoadWorker() (Worker, error) {
	env, c := e.read()
	c.misspelt("REFUNDSYNC_")
	worker := c.worker(env)
	return worker, errors.Join(c.problems...)
}
