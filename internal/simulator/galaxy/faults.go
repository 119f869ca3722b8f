package galaxy

import (
	"io"
	"net/http"
	"slices"

	"refundsync/internal/simulator/faults"
)

// wire names the faults of Kingdee that are about HTTP alone.
var wire = faults.Wire{
	ServerError:   faults.KingdeeServerError,
	Hang:          faults.KingdeeHang,
	MalformedJSON: faults.KingdeeMalformedJSON,
	TruncatedBody: faults.KingdeeTruncatedBody,
}

// refuse is the fault that refuses a call as a whole, or nil. Network control
// is about changes: what only reads is in nobody's way.
func (t *Tenant) refuse(op operation) reply {
	if t.faults.Strikes(faults.KingdeeCallLimit) {
		return failed(msgCallLimit, "接口调用次数超出限制，请稍后再试")
	}
	if !op.reads && t.faults.Strikes(faults.KingdeeConflict) {
		return failed(t.conflictCode(faults.KingdeeConflict), conflictText(t.options.Credentials.Username, op.name))
	}
	return nil
}

// rawReply is a reply that Kingdee's API does not make.
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

// sessionRefusals are the ways in which the end of a session is told, but for
// Kingdee's own.
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
	// A caller that has gone does not read the reply; there is nobody to tell.
	_, _ = io.WriteString(w, r.body)
}

// reshape gives a reply another shape.
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

// conflictCode is the MsgCode of a network-control conflict: 13 is documented,
// 0 is seen.
func (t *Tenant) conflictCode(name faults.Name) int {
	return []int{msgNetworkConflict, msgNone}[t.faults.Pick(name, 2)]
}

// disturbance is what goes wrong with the bills of one call.
type disturbance struct {
	tenant  *Tenant
	off     bool
	failing int // the place of the bill that a partial failure fails, or -1
}

func (t *Tenant) newDisturbance(c call, bills int) disturbance {
	d := disturbance{tenant: t, off: c.late, failing: -1}
	if !d.off && bills > 1 && t.faults.Strikes(faults.KingdeePartialFailure) {
		d.failing = t.faults.Pick(faults.KingdeePartialFailure, bills)
	}
	return d
}

// strikes reports that the bill at index was disturbed and must be left alone,
// and adds what the reply says of it.
func (d disturbance) strikes(r *resultReply, index int) bool {
	t := d.tenant
	switch {
	case d.off:
		return false
	case d.failing == index:
		r.fail(index, msgDatabaseFailure, "", deadlockText)
		return true
	case t.faults.Strikes(faults.KingdeeBillConflict):
		r.fail(index, t.conflictCode(faults.KingdeeBillConflict), "", conflictText(t.options.Credentials.Username, "修改"))
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

// finish disturbs the reply when all bills are done. The MsgCode of a reply is
// one for all its bills; that of a partial failure is the one that passes by
// itself, so that the code condemns no bill for good that could be saved.
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
		// Sattolo's shuffle, which leaves nothing in its place.
		for i := n - 1; i > 0; i-- {
			j := fs.Pick(faults.KingdeeShuffled, i)
			s.SuccessEntitys[i], s.SuccessEntitys[j] = s.SuccessEntitys[j], s.SuccessEntitys[i]
		}
	}
}

// loseLateReply is what the caller sees of a save that lands late: a cut
// connection, a proxy's time-out or no answer until its own time-out. It may
// not return.
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
