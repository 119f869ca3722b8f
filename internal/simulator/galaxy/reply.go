package galaxy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"refundsync/internal/simulator/faults"
)

// The codes of ResponseStatus.MsgCode.
const (
	msgNone            = 0
	msgSessionLost     = 1
	msgNoPermission    = 2
	msgException       = 4
	msgIDEmpty         = 5
	msgDatabaseFailure = 6
	msgBadParameter    = 8
	msgFieldMissing    = 9
	msgNotFound        = 10
	msgInvalid         = 11
	msgNotOperable     = 12
	msgNetworkConflict = 13
	msgCallLimit       = 14
)

// reply is anything that marshals into the body of a reply.
type reply any

// resultReply is the reply of all operations except queries and the view.
type resultReply struct {
	Result result `json:"Result"`
}

type result struct {
	ResponseStatus responseStatus `json:"ResponseStatus"`
	// ID and Number are those of the bill of a Save.
	ID     any    `json:"Id,omitempty"`
	Number string `json:"Number,omitempty"`
	// NeedReturnData has an object for every saved bill.
	NeedReturnData []struct{} `json:"NeedReturnData,omitempty"`
}

type responseStatus struct {
	ErrorCode       int           `json:"ErrorCode,omitempty"`
	IsSuccess       bool          `json:"IsSuccess"`
	Errors          []billError   `json:"Errors"`
	SuccessEntitys  []billSuccess `json:"SuccessEntitys"`
	SuccessMessages []string      `json:"SuccessMessages"`
	MsgCode         int           `json:"MsgCode"`
}

// billError is one problem with one bill. DIndex is the bill's index in the request.
type billError struct {
	FieldName *string `json:"FieldName"`
	Message   string  `json:"Message"`
	DIndex    int     `json:"DIndex"`
}

// billSuccess is a bill that was saved or changed.
type billSuccess struct {
	ID     any    `json:"Id"`
	Number string `json:"Number"`
	DIndex int    `json:"DIndex"`
}

func newResult() *resultReply {
	return &resultReply{Result: result{ResponseStatus: responseStatus{
		IsSuccess:       true,
		Errors:          []billError{},
		SuccessEntitys:  []billSuccess{},
		SuccessMessages: []string{},
	}}}
}

// fail adds a problem of the bill at index. field is "" if no field is at fault. What
// IsSuccess says when other bills were saved is undocumented; here it is false.
func (r *resultReply) fail(index, code int, field, message string) {
	s := &r.Result.ResponseStatus
	s.IsSuccess, s.ErrorCode, s.MsgCode = false, http.StatusInternalServerError, code
	e := billError{Message: message, DIndex: index}
	if field != "" {
		e.FieldName = &field
	}
	s.Errors = append(s.Errors, e)
}

// succeed adds a bill that was saved or changed.
func (r *resultReply) succeed(index int, b *bill) {
	s := &r.Result.ResponseStatus
	s.SuccessEntitys = append(s.SuccessEntitys, billSuccess{ID: b.wireID(), Number: b.number(), DIndex: index})
}

// wireID is the id as replies write it: a number for most bills, a string for some.
func (b *bill) wireID() any {
	if b.id%5 == 0 {
		return strconv.FormatInt(b.id, 10)
	}
	return b.id
}

// failBill adds a problem of the bill at index.
func (r *resultReply) failBill(index int, p *problem) { r.fail(index, p.code, p.field, p.message) }

// failed is a call that failed as a whole.
func failed(code int, message string) reply {
	r := newResult()
	r.fail(0, code, "", message)
	return r
}

// conflictText refuses a call that conflicts with another about bills of the form.
func (c call) conflictText(user, operation string) string {
	name := "业务单据"
	if c.form != nil {
		name = c.form.name
	}
	return fmt.Sprintf("“%s”使用业务单据：“%s”业务操作-“[%s-%s]”冲突，请稍候再使用。", user, name, name, operation)
}

// writeReply writes the reply of an operation. A query's failure is its only row.
func (t *Tenant) writeReply(w http.ResponseWriter, op operation, r reply) {
	if raw, ok := r.(rawReply); ok {
		raw.write(w)
		return
	}
	if t.faults.Strikes(faults.KingdeeOtherShape) {
		t.writeJSON(w, t.reshape(r))
		return
	}
	if _, failure := r.(*resultReply); failure && op.wraps {
		r = [][]any{{r}}
	}
	t.writeJSON(w, r)
}

func mustMarshal(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // replies are made of texts and numbers
	}
	return body
}

func (t *Tenant) writeJSON(w http.ResponseWriter, v any) {
	t.faults.Write(w, wire, contentType, mustMarshal(v))
}

// writeFrameworkError answers a call that the framework behind the API can't interpret:
// text instead of JSON, with HTTP 200.
func writeFrameworkError(w http.ResponseWriter, message string) {
	body := mustMarshal(map[string]string{"Message": message})
	w.Header().Set("Content-Type", contentType)
	// If the caller has gone, there is nobody to report the error to.
	_, _ = w.Write(append([]byte("response_error:"), body...))
}

const contentType = "application/json; charset=utf-8"
