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
}

func refusal(code int, message string) *errorReply {
	return &errorReply{Code: code, Message: message}
}

// refuse answers with the envelope of the gateway for refusals. The platform's
// other one, error_response, is for faults of the platform itself.
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
	body, err := json.Marshal(map[string]any{"response": map[string]any{
		"flag":       "failure",
		"code":       code,
		"message":    e.Message,
		"request_id": requestID,
	}})
	if err != nil {
		panic(err) // strings and an integer always marshal
	}
	write(w, body)
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
	write(w, body)
}

// hasNext writes the flag as a bool, a string or a number.
func hasNext(next bool, rng *rand.Rand) string {
	forms := []string{"false", `"false"`, "0"}
	if next {
		forms = []string{"true", `"true"`, "1"}
	}
	return forms[rng.IntN(len(forms))]
}

func write(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "text/javascript;charset=UTF-8")
	// A caller that has gone does not read the reply; there is nobody to tell.
	_, _ = w.Write(body)
}
