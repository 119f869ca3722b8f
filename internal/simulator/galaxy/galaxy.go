// Package galaxy simulates the WebAPI of Kingdee Cloud Galaxy (金蝶云星空) for the forms of the
// catalog: authentication, sessions, saving, states and queries, with the real rules, texts
// and codes as far as they are known.
package galaxy

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"refundsync/internal/simulator/faults"
)

// Credentials are what a caller must present.
type Credentials struct {
	AcctID, Username, Password string
	// AppID is "<client id>_<32 characters of base64>"; the gateway's signature uses the
	// second half.
	AppID, AppSecret string
	LCID             int
	// OrgNumber is the organisation that a caller may name in its signed headers.
	OrgNumber string
}

// BaseData is the base data that bills may refer to, by number.
type BaseData struct {
	Organisations, Customers, Materials, Stocks []string
	// Names are the names of numbers that have one.
	Names map[string]string
	// Units are the base units of materials.
	Units map[string]string
}

// Options configure the tenant.
type Options struct {
	Credentials Credentials
	BaseData    BaseData
	// SessionLifetime is how long a session stays valid after its last call; 0 is the
	// real tenant's 20 minutes.
	SessionLifetime time.Duration
	// AllowDuplicateNumbers removes the rule that bill numbers are unique.
	AllowDuplicateNumbers bool
	// CallLatency is the time each call takes, BillLatency the additional time per bill
	// that it saves or changes, whatever BatchCount says.
	CallLatency, BillLatency time.Duration
	// Habits are the tenant's initial habits.
	Habits Habits
	// Data is the file that keeps bills across restarts; "" keeps them in memory only.
	Data string
	// Now is the tenant's clock; nil is time.Now.
	Now func() time.Time
	// Faults decides what goes wrong; nil is no faults.
	Faults *faults.Injector
	// BillStored is called with the form and the number of every bill that was saved, new or
	// changed, after it is stored; nil is no-op.
	BillStored func(form, number string)
}

// Tenant is the simulated tenant, an http.Handler for everything under
// /k3cloud/.
type Tenant struct {
	options  Options
	secrets  atomic.Pointer[[]string]
	habits   atomic.Pointer[Habits]
	base     *baseData
	sessions *sessions
	ledger   *ledger
	faults   *faults.Injector
	late     *lateSaves
	hold     hold

	mu            sync.Mutex
	calls         map[string]int
	violations    map[string]int
	unknownFields map[string]int
}

// New opens a tenant. It returns an error naming the data file if it can't be read.
func New(options Options) (*Tenant, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.SessionLifetime == 0 {
		options.SessionLifetime = 20 * time.Minute
	}
	if options.Faults == nil {
		options.Faults = faults.None()
	}
	if options.BillStored == nil {
		options.BillStored = func(string, string) {}
	}
	t := &Tenant{
		options:       options,
		base:          newBaseData(options.BaseData, options.Credentials.OrgNumber),
		sessions:      newSessions(options.SessionLifetime, options.Now),
		ledger:        newLedger(!options.AllowDuplicateNumbers),
		faults:        options.Faults,
		late:          newLateSaves(),
		calls:         map[string]int{},
		violations:    map[string]int{},
		unknownFields: map[string]int{},
	}
	t.AcceptSecrets(options.Credentials.AppSecret)
	t.SetHabits(options.Habits)
	if options.Data != "" {
		if err := t.openJournal(options.Data); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// AcceptSecrets sets the valid application secrets: several while one is being rotated.
func (t *Tenant) AcceptSecrets(secrets ...string) { t.secrets.Store(&secrets) }

// accepts reports whether a valid secret produces the given digest.
func (t *Tenant) accepts(given string, digest func(secret string) string) bool {
	return slices.ContainsFunc(*t.secrets.Load(), func(secret string) bool { return given == digest(secret) })
}

// Close drops late saves that are still pending and closes the data file.
func (t *Tenant) Close() error {
	t.late.close()
	return t.ledger.closeJournal()
}

// AddMaterial adds a material to the base data. It is idempotent.
func (t *Tenant) AddMaterial(number string) error {
	return t.ledger.addMaterial(t.base, number)
}

// KnowsMaterial reports whether a material of this number exists.
func (t *Tenant) KnowsMaterial(number string) bool { return t.base.has(materials, number) }

// ExpireSessions ends all sessions, as a restart of the server does, and returns their
// number.
func (t *Tenant) ExpireSessions() int { return t.sessions.expireAll() }

const (
	formService = "kingdee.bos.webapi.servicesstub.dynamicformservice."
	authService = "kingdee.bos.webapi.servicesstub.authservice."
	suffix      = ".common.kdsvc"
)

// ServeHTTP answers one call. It ignores the Content-Type, because the vendor's own Java
// SDK misspells it, and the case of paths.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.ToLower(r.URL.Path)
	service, found := strings.CutSuffix(path[strings.LastIndex(path, "/")+1:], suffix)
	if !found || r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	body, err := readBody(r)
	if err != nil {
		writeFrameworkError(w, "请求内容不是有效的JSON："+err.Error())
		return
	}
	if name, ok := strings.CutPrefix(service, authService); ok {
		t.login(w, r, name, body)
		return
	}
	name, _ := strings.CutPrefix(service, formService)
	operation, ok := operations[name]
	if !ok {
		writeFrameworkError(w, "找不到服务："+service)
		return
	}
	if operation.saves && !t.hold.wait(r.Context(), t.ledger.count()) {
		return
	}
	t.count(operation.name)
	t.operate(w, r, operation, body)
}

// operation is a method of the form service.
type operation struct {
	name string
	// formless methods take no form id besides their data; wraps puts failures into a
	// row, as for the query.
	formless, wraps bool
	// reads means that nothing changes, saves that bills are stored.
	reads, saves bool
	run          func(t *Tenant, c call) reply
}

// operations by name in lower case: callers write batchSave and BatchSave.
var operations = map[string]operation{
	"batchsave":         {name: "BatchSave", saves: true, run: (*Tenant).batchSave},
	"save":              {name: "Save", saves: true, run: (*Tenant).save},
	"submit":            {name: "Submit", run: (*Tenant).submit},
	"audit":             {name: "Audit", run: (*Tenant).audit},
	"unaudit":           {name: "UnAudit", run: (*Tenant).unAudit},
	"delete":            {name: "Delete", run: (*Tenant).delete},
	"view":              {name: "View", reads: true, run: (*Tenant).view},
	"executebillquery":  {name: "ExecuteBillQuery", formless: true, wraps: true, reads: true, run: (*Tenant).executeBillQuery},
	"querybusinessinfo": {name: "QueryBusinessInfo", formless: true, reads: true, run: (*Tenant).queryBusinessInfo},
}

// operate runs an operation and writes its reply.
func (t *Tenant) operate(w http.ResponseWriter, r *http.Request, op operation, body requestBody) {
	if !t.faults.Before(w, r, wire) {
		return
	}
	if t.faults.Strikes(faults.KingdeeFrameworkError) {
		writeFrameworkError(w, "未将对象引用设置到对象的实例。")
		return
	}
	reply := t.perform(w, r, op, body)
	switch {
	case reply == nil:
		t.loseLateReply(w, r)
	case t.faults.Strikes(faults.KingdeeReplyLost):
		faults.Cut()
	default:
		t.writeReply(w, op, reply)
	}
}

// perform authenticates, claims the session for the duration of the operation and runs
// it. A late save has no reply.
func (t *Tenant) perform(w http.ResponseWriter, r *http.Request, op operation, body requestBody) reply {
	c, invalid := newCall(op, body)
	s, failure := t.authenticate(w, r)
	if failure == nil && !s.take() {
		t.violate("session_in_use")
		failure = failed(msgNetworkConflict, c.conflictText(t.options.Credentials.Username, op.name))
	}
	if failure != nil {
		return failure
	}
	defer t.sessions.release(s)
	if invalid != nil {
		return invalid
	}
	pause(t.options.CallLatency)
	if failure := t.refuse(op, c); failure != nil {
		return failure
	}
	if op.saves && t.faults.Strikes(faults.KingdeeSaveLate) {
		c.late = true
		t.late.start(t.faults.SaveDelay(), func() { op.run(t, c) })
		return nil
	}
	return op.run(t, c)
}

// pause waits while the server works, even if the caller has gone: a call that timed out
// still takes effect.
func pause(d time.Duration) {
	if d > 0 {
		time.Sleep(d)
	}
}

func (t *Tenant) count(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls[name]++
}

func (t *Tenant) violate(kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.violations[kind]++
}
