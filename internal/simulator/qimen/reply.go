package qimen

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
)

// errorReply is a call refused.
type errorReply struct {
	Code    int
	Message string
	// CodeAsText writes the code as a string, as Jushuitan's own are; the
	// gateway's are numbers.
	CodeAsText bool
	// SubCode and SubMessage make it a refusal of the platform, which has an
	// envelope of its own.
	SubCode, SubMessage string
}

func refusal(code int, message string) *errorReply {
	return &errorReply{Code: code, Message: message}
}

// refuse answers with the envelope of the gateway for refusals, or with the
// platform's, error_response, for what the platform itself refuses.
func (g *Gateway) refuse(w http.ResponseWriter, e errorReply) {
	codeText := strconv.Itoa(e.Code)
	g.mu.Lock()
	g.refusals[codeText]++
	g.refused++
	requestID := fmt.Sprintf("sim%08d", g.refused)
	g.mu.Unlock()
	var code any = e.Code
	if e.CodeAsText {
		code = codeText
	}
	envelope := map[string]any{"response": map[string]any{
		"flag":       "failure",
		"code":       code,
		"message":    e.Message,
		"request_id": requestID,
	}}
	if e.SubCode != "" {
		envelope = map[string]any{"error_response": map[string]any{
			"code":       code,
			"msg":        e.Message,
			"sub_code":   e.SubCode,
			"sub_msg":    e.SubMessage,
			"request_id": requestID,
		}}
	}
	body, err := json.Marshal(envelope)
	if err != nil {
		panic(err) // strings and an integer always marshal
	}
	g.write(w, body)
}

// writePage answers with a page. The forms of its own fields vary between
// calls as they do between merchants, by the seed and the page alone.
func (g *Gateway) writePage(w http.ResponseWriter, r request) {
	orders, count := g.page(r)
	rng := rand.New(rand.NewPCG(g.options.Seed, uint64(r.start.Unix())+uint64(r.pageIndex)))
	integer := func(n int) string {
		if rng.IntN(4) == 0 {
			return strconv.Quote(strconv.Itoa(n))
		}
		return strconv.Itoa(n)
	}
	body := make([]byte, 0, 1024+2048*len(orders))
	body = append(body, `{"response":{`...)
	body = append(body, `"page_size":`+integer(r.pageSize)+`,"page_index":`+integer(r.pageIndex)...)
	if r.totals {
		pages := (count + r.pageSize - 1) / r.pageSize
		body = append(body, `,"data_count":`+integer(count)+`,"page_count":`+integer(pages)...)
	}
	body = append(body, `,"has_next":`+hasNext(r.pageIndex*r.pageSize < count, rng)+`,"datas":[`...)
	for i, o := range orders {
		if i > 0 {
			body = append(body, ',')
		}
		body = o.AppendJSON(body, g.options.Seed)
	}
	body = append(body, `]}}`...)
	g.write(w, body)
}

// hasNext writes the flag as a bool, a string or a number.
func hasNext(next bool, rng *rand.Rand) string {
	forms := []string{"false", `"false"`, "0"}
	if next {
		forms = []string{"true", `"true"`, "1"}
	}
	return forms[rng.IntN(len(forms))]
}

func (g *Gateway) write(w http.ResponseWriter, body []byte) {
	g.faults.Write(w, wire, "text/javascript;charset=UTF-8", body)
}
