package qimen

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"

	"refundsync/internal/simulator/faults"
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
	g.mu.Lock()
	g.refusals[fmt.Sprint(e.Code)]++
	g.refused++
	requestID := fmt.Sprintf("sim%08d", g.refused)
	g.mu.Unlock()
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

// writePage answers with a page. The forms of its own fields vary between calls as they
// do between merchants, depending only on the seed and the page.
func (g *Gateway) writePage(w http.ResponseWriter, r request) {
	if g.faults.Strikes(faults.SourceNoPage) {
		g.write(w, []byte(noPages[g.faults.Pick(faults.SourceNoPage, len(noPages))]))
		return
	}
	orders, count := g.page(r)
	rng := rand.New(rand.NewPCG(g.options.Seed, uint64(r.start.Unix())+uint64(r.pageIndex)))
	integer := func(n int) string {
		if rng.IntN(4) == 0 {
			return strconv.Quote(strconv.Itoa(n))
		}
		return strconv.Itoa(n)
	}
	body := []byte(`{"response":{"page_size":` + integer(r.pageSize) + `,"page_index":` + integer(r.pageIndex))
	if r.totals {
		pages := (count + r.pageSize - 1) / r.pageSize
		counts := `,"data_count":` + integer(count) + `,"page_count":` + integer(pages)
		body = append(body, g.oddCounts(counts, len(orders))...)
	}
	body = append(body, `,"has_next":`+hasNext(r.pageIndex*r.pageSize < count, rng)+`,"datas":`...)
	datas := []byte{'['}
	for i, o := range orders {
		if i > 0 {
			datas = append(datas, ',')
		}
		datas = o.AppendJSON(datas, g.options.Seed)
	}
	datas = append(datas, ']')
	body = append(body, g.oddList(g.oddTimes(datas), len(orders))...)
	body = append(body, `}}`...)
	g.writeEncoded(w, body)
}

// hasNext writes the flag as a bool, a string or a number.
func hasNext(next bool, rng *rand.Rand) string {
	forms := []string{"false", `"false"`, "0"}
	if next {
		forms = []string{"true", `"true"`, "1"}
	}
	return forms[rng.IntN(len(forms))]
}

// write answers in the gateway's usual encoding.
func (g *Gateway) write(w http.ResponseWriter, body []byte) {
	g.faults.Write(w, wire, "text/javascript;charset=UTF-8", body)
}
