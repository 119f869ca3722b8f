package galaxy

import (
	"io"
	"net/http"
	"slices"

	"refundsync/internal/simulator/faults"
)

// wire names Kingdee's faults that concern HTTP only.
var wire = faults.Wire{
	ServerError:   faults.KingdeeServerError,
	Hang:          faults.KingdeeHang,
	MalformedJSON: faults.KingdeeMalformedJSON,
	TruncatedBody: faults.KingdeeTruncatedBody,
}

// refuse returns the fault that refuses a call as a whole, or nil. Network control only
// concerns changes: reads are never refused by it.
func (t *Tenant) refuse(op operation, c call) reply {
	if t.faults.Strikes(faults.KingdeeCallLimit) {
		return failed(msgCallLimit, "接口调用次数超出限制，请稍后再试")
	}
	if !op.reads && t.faults.Strikes(faults.KingdeeConflict) {
		return failed(t.conflictCode(faults.KingdeeConflict), c.conflictText(t.options.Credentials.Username, op.name))
	}
	return nil
}

// rawReply is a reply that Kingdee's API itself never makes.
type rawReply struct {
	status      int
	contentType string
	body        string
}

const (
	lostText  = "会话信息已丢失，请重新登录"
	lostError = `{"FieldName":null,"Message":"` + lostText + `"}`
	loginPage = `<!DOCTYPE html><html><head><title>登录</title></head><body></body></html>`
)

// sessionRefusals are the ways, besides Kingdee's own, in which the end of a session is
// reported.
var sessionRefusals = []rawReply{
	{http.StatusUnauthorized, "text/plain", ""},
	{http.StatusForbidden, "text/html", ""},
	{http.StatusFound, "text/html", ""},
	{http.StatusOK, "text/html", loginPage},
	{http.StatusOK, contentType, `response_error:{"Message":"` + lostText + `"}`},
	{http.StatusInternalServerError, contentType, `{"Message":"` + lostText + `"}`},
	{http.StatusOK, contentType, `{"ResponseStatus":{"IsSuccess":false,"MsgCode":1,"Errors":[` + lostError + `]}}`},
	{http.StatusOK, contentType, `{"Result":{"ResponseStatus":{"IsSuccess":false,"Errors":["` + lostText + `"]}}}`},
}

func (t *Tenant) sessionRefusal() rawReply {
	return sessionRefusals[t.faults.Pick(faults.KingdeeSessionRefused, len(sessionRefusals))]
}

func (r rawReply) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", r.contentType)
	if r.status == http.StatusFound {
		w.Header().Set("Location", "/k3cloud/html5/index.aspx")
	}
	w.WriteHeader(r.status)
	// If the caller has gone, there is nobody to report the error to.
	_, _ = io.WriteString(w, r.body)
}

// reshape changes the shape of a reply.
func (t *Tenant) reshape(r reply) reply {
	shapes := []func() reply{
		func() reply { return string(mustMarshal(r)) },
	}
	if result, ok := r.(*resultReply); ok {
		shapes = append(shapes,
			func() reply { return result.Result },
			func() reply { return []reply{result} })
	}
	return shapes[t.faults.Pick(faults.KingdeeOtherShape, len(shapes))]()
}

// conflictCode is the MsgCode of a network-control conflict: 13 is documented, 0 is seen
// in practice.
func (t *Tenant) conflictCode(name faults.Name) int {
	return []int{msgNetworkConflict, msgNone}[t.faults.Pick(name, 2)]
}

// disturbance is what goes wrong with the bills of one call.
type disturbance struct {
	tenant  *Tenant
	call    call
	off     bool
	failing int // index of the bill that a partial failure fails, or -1
}

func (t *Tenant) newDisturbance(c call, bills int) disturbance {
	d := disturbance{tenant: t, call: c, off: c.late, failing: -1}
	if !d.off && bills > 1 && t.faults.Strikes(faults.KingdeePartialFailure) {
		d.failing = t.faults.Pick(faults.KingdeePartialFailure, bills)
	}
	return d
}

// strikes reports whether the bill at index is disturbed and must not be processed, and
// adds its part of the reply.
func (d disturbance) strikes(r *resultReply, index int) bool {
	t := d.tenant
	switch {
	case d.off:
		return false
	case d.failing == index:
		r.fail(index, msgDatabaseFailure, "", deadlockText)
		return true
	case t.faults.Strikes(faults.KingdeeBillConflict):
		r.fail(index, t.conflictCode(faults.KingdeeBillConflict), "", d.call.conflictText(t.options.Credentials.Username, "修改"))
		return true
	case t.faults.Strikes(faults.KingdeeBillBusy):
		r.fail(index, msgInvalid, "", busyTexts[t.faults.Pick(faults.KingdeeBillBusy, len(busyTexts))])
		return true
	default:
		return t.faults.Strikes(faults.KingdeeBillForgotten)
	}
}

const deadlockText = "数据库执行异常：事务与另一个进程发生死锁，已被选作牺牲品"

var busyTexts = []string{deadlockText, "单据已被其他用户占用"}

// finish disturbs the reply when all bills are done. A reply has one MsgCode for all its
// bills. For a partial failure it is a transient one, so that the code never marks a bill
// that could be saved as permanently failed.
func (d disturbance) finish(r *resultReply) {
	if d.off {
		return
	}
	fs, s := d.tenant.faults, &r.Result.ResponseStatus
	if d.failing >= 0 {
		s.IsSuccess, s.MsgCode = fs.Pick(faults.KingdeePartialFailure, 2) == 0, msgDatabaseFailure
	}
	if n := len(s.SuccessEntitys); n > 0 && fs.Strikes(faults.KingdeeBillUnmentioned) {
		i := fs.Pick(faults.KingdeeBillUnmentioned, n)
		s.SuccessEntitys = slices.Delete(s.SuccessEntitys, i, i+1)
	}
	if n := len(s.SuccessEntitys); n > 1 && fs.Strikes(faults.KingdeeShuffled) {
		// Sattolo's shuffle, which leaves no element in place.
		for i := n - 1; i > 0; i-- {
			j := fs.Pick(faults.KingdeeShuffled, i)
			s.SuccessEntitys[i], s.SuccessEntitys[j] = s.SuccessEntitys[j], s.SuccessEntitys[i]
		}
	}
}

// loseLateReply is what the caller sees of a late save: a cut connection, a proxy's
// timeout, or no answer until its own timeout. It may not return.
func (t *Tenant) loseLateReply(w http.ResponseWriter, r *http.Request) {
	switch t.faults.Pick(faults.KingdeeSaveLate, 3) {
	case 0:
		faults.Cut()
	case 1:
		faults.ServerError(w, http.StatusGatewayTimeout)
	default:
		t.faults.Hang(r)
	}
}
