package qimen

import (
	"encoding/json"
	"net/http"
	"slices"

	"refundsync/internal/catalog"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/simulator/source"
)

// errorReply is the refusal of a call.
type errorReply struct {
	// Code is a number if it is the gateway's, and a string if it is Jushuitan's.
	Code    any
	Message string
	// Platform makes it a refusal by the platform, with its own envelope. Only that has
	// SubCode and SubMessage.
	Platform            bool
	SubCode, SubMessage string
}

func refusal(code int, message string) *errorReply {
	return &errorReply{Code: code, Message: message}
}

// refuse answers with the gateway's envelope for refusals, or with the platform's,
// error_response, for what the platform itself refuses.
func (g *Gateway) refuse(w http.ResponseWriter, e errorReply) {
	requestID := g.Refusal(e.Code)
	envelope := map[string]any{"response": map[string]any{
		"flag":       "failure",
		"code":       e.Code,
		"message":    e.Message,
		"request_id": requestID,
	}}
	if e.Platform {
		fields := map[string]any{"code": e.Code, "msg": e.Message, "request_id": requestID}
		if e.SubCode != "" {
			fields["sub_code"], fields["sub_msg"] = e.SubCode, e.SubMessage
		}
		envelope = map[string]any{"error_response": fields}
	}
	body, err := json.Marshal(envelope)
	if err != nil {
		panic(err) // strings and an integer always marshal
	}
	g.write(w, body)
}

// noPages are replies that report a failure without a code, or nothing at all: none of
// them means an empty page.
var noPages = []string{
	`{"response":{"msg":"系统繁忙，请稍后再试","has_next":false}}`,
	`{"response":{"has_next":false}}`,
	`{"response":{"data_count":0,"message":"查询超时"}}`,
	`{"response":{"success":false,"message":"系统繁忙"}}`,
	`{"response":{"code":0,"msg":"系统繁忙","datas":[]}}`,
	`{"response":"系统繁忙"}`,
	`{"code":0,"msg":"系统繁忙","data":null}`,
}

// writePage answers with a page, in the gateway's encoding or in GBK.
func (g *Gateway) writePage(w http.ResponseWriter, face *catalog.Interface, q source.Query) {
	if body, strikes := g.source.NoPage(noPages); strikes {
		g.write(w, body)
		return
	}
	style := merchant.Untidy
	if face.Name == "jushuitan.saleout.list.query" {
		style = merchant.MoneyAsText
	}
	body := slices.Concat([]byte(`{"response":`), g.source.WritePage(q, style), []byte(`}`))
	if body, inGBK := g.source.InGBK(body); inGBK {
		g.faults.Write(w, source.Wire, "text/html;charset=GBK", body)
		return
	}
	g.write(w, body)
}

// write answers in the gateway's usual encoding.
func (g *Gateway) write(w http.ResponseWriter, body []byte) {
	g.faults.Write(w, source.Wire, "text/javascript;charset=UTF-8", body)
}
