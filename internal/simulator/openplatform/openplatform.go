// Package openplatform simulates Jushuitan's open platform (开放平台), with the merchant's
// documents, shops and warehouses, and its tokens. It serves the interfaces of the catalog
// that are called by way of the open platform.
package openplatform

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/simulator/source"
)

// Options configure the platform.
type Options struct {
	AppKey, AppSecret string
	// LargestPage is the highest page_size; 0 is the documented one, 50.
	LargestPage int
	// CallsPerSecond and CallsPerMinute limit the calls of the application, whatever it
	// calls; 0 is no limit. The vendor's limits are 5 and 100.
	CallsPerSecond, CallsPerMinute int
	// HiddenShops are the shops whose after-sales orders are not shown.
	HiddenShops []int64
	Tokens      TokenOptions
}

// Platform is the simulated platform, an http.Handler.
type Platform struct {
	options Options
	source  *source.Source
	faults  *faults.Injector
	secrets atomic.Pointer[[]string]
	limits  source.Limits
	served  map[string]*catalog.Interface
	tokens  *tokens
	source.Counts
}

// New opens a platform to a source.
func New(options Options, of *source.Source) *Platform {
	p := &Platform{
		options: options,
		source:  of,
		faults:  of.Faults(),
		limits:  source.NewLimits(options.CallsPerSecond, options.CallsPerMinute),
		served:  source.Interfaces(catalog.Open),
		tokens:  newTokens(options.Tokens),
	}
	p.AcceptSecrets(options.AppSecret)
	return p
}

// AcceptSecrets sets the valid application secrets: several while one is being rotated.
func (p *Platform) AcceptSecrets(secrets ...string) { p.secrets.Store(&secrets) }

// EndTokens ends all tokens, as when the merchant authorises the application anew, and
// returns their number.
func (p *Platform) EndTokens() int { return p.tokens.end() }

// refusal is why a call is refused, by Jushuitan's own codes.
type refusal struct {
	code    int
	message string
}

// The codes are of the vendor's table.
var (
	badSign       = &refusal{10, "签名错误"}
	badToken      = &refusal{100, "access_token 无效或已过期"}
	badTimestamp  = &refusal{140, "timestamp 与服务器时间相差过大"}
	noRefresh     = &refusal{150, "不允许刷新"}
	noPermission  = &refusal{190, "没有接口权限"}
	notOwnApp     = &refusal{21024, "仅支持自有应用"}
	missingSystem = &refusal{10015, "缺少必填参数"}
)

// badParameter is the refusal of a business parameter.
func badParameter(what string) *refusal { return &refusal{130, "参数错误：" + what} }

// maxBody bounds a request, maxClockError how far a caller's clock may be off.
const (
	maxBody       = 1 << 20
	maxClockError = 10 * time.Minute
)

// ServeHTTP answers one call. Every reply has status 200, even refusals, except the 5xx of
// faults.
func (p *Platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.Call(r.URL.Path)
	if !p.faults.Before(w, r, source.Wire) {
		return
	}
	now := p.source.Clock()
	source.SetDate(w, now)
	r.Body = http.MaxBytesReader(nil, r.Body, maxBody)
	if r.Method != http.MethodPost || r.ParseForm() != nil {
		p.refuse(w, missingSystem)
		return
	}
	form := map[string]string{}
	for name := range r.PostForm {
		form[name] = r.PostForm.Get(name)
	}
	data, problem := p.answer(r, form, now)
	switch {
	case problem != nil:
		p.refuse(w, problem)
	case data == nil: // the caller has gone
	default:
		source.SetDate(w, now.Add(p.source.PageLatency()))
		p.write(w, data)
	}
}

// answer gives the body of the reply, nil if the caller has gone.
func (p *Platform) answer(r *http.Request, form map[string]string, now time.Time) ([]byte, *refusal) {
	if problem := p.checkSystem(form, now); problem != nil {
		return nil, problem
	}
	if p.faults.Strikes(faults.SourceCallLimit) {
		code := []int{source.PerSecond, source.PerMinute}[p.faults.Pick(faults.SourceCallLimit, 2)]
		return nil, &refusal{code, "接口调用频率超过限制"}
	}
	if code, message := p.limits.Exceeded(p.source.RealNow()); code != 0 {
		return nil, &refusal{code, message}
	}
	path := r.URL.Path
	if grant := p.grants()[path]; grant != nil {
		token, problem := grant(form, now)
		if problem != nil {
			return nil, problem
		}
		return wrap(token), nil
	}
	face, list := p.served[path], lists[path]
	switch {
	case face == nil && list == nil:
		return nil, noPermission
	case form["version"] != "2":
		return nil, missingSystem
	case !p.tokens.valid(form["access_token"], now):
		return nil, badToken
	case p.faults.Strikes(faults.SourceTokenLost):
		p.tokens.end()
		return nil, badToken
	}
	params, problem := readBiz(face, form["biz"])
	if problem != nil {
		return nil, problem
	}
	if !p.source.Wait(r) {
		return nil, nil
	}
	if list != nil {
		return list(params)
	}
	gateway := source.Gateway{
		DefaultPage: defaultPageSize, LargestPage: p.options.LargestPage,
		Hidden: map[merchant.Document][]int64{merchant.Refunds: p.options.HiddenShops},
	}
	query, wrong := gateway.ParseQuery(face, params)
	if wrong != nil {
		return nil, badParameter(wrong.What)
	}
	if body, strikes := p.source.NoPage(noPages); strikes {
		return body, nil
	}
	return wrap(json.RawMessage(p.source.WritePage(query, merchant.Typed))), nil
}

// defaultPageSize is used if the caller names none.
const defaultPageSize = 30

// checkSystem checks the platform's own parameters, in the order in which they are needed.
func (p *Platform) checkSystem(form map[string]string, now time.Time) *refusal {
	for _, name := range []string{"app_key", "timestamp", "charset", "sign"} {
		if form[name] == "" {
			return &refusal{missingSystem.code, missingSystem.message + " " + name}
		}
	}
	seconds, err := strconv.ParseInt(form["timestamp"], 10, 64)
	if err != nil || len(form["timestamp"]) != 10 || time.Unix(seconds, 0).Sub(now).Abs() > maxClockError {
		return badTimestamp
	}
	signed := slices.ContainsFunc(*p.secrets.Load(), func(secret string) bool { return form["sign"] == sign(secret, form) })
	if form["app_key"] != p.options.AppKey || !signed {
		return badSign
	}
	return nil
}

// readBiz reads the business parameters. A number may come as text, and a flag too, but a
// list must be one. face is nil where there are no lists to check.
func readBiz(face *catalog.Interface, biz string) (map[string]string, *refusal) {
	var fields map[string]any
	decoder := json.NewDecoder(strings.NewReader(biz))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil || fields == nil {
		return nil, badParameter("biz")
	}
	params := map[string]string{}
	for name, value := range fields {
		values, isList := value.([]any)
		if !isList {
			values = []any{value}
		}
		if face != nil {
			field, known := face.Find(catalog.Request, name)
			if known && value != nil && isList != (field.Type == catalog.List) {
				return nil, badParameter(name + " 参数无法转换")
			}
		}
		words := []string{}
		for _, each := range values {
			switch each := each.(type) {
			case string:
				words = append(words, each)
			case json.Number:
				words = append(words, each.String())
			case bool:
				words = append(words, strconv.FormatBool(each))
			case nil:
			default:
				return nil, badParameter(name + " 参数无法转换")
			}
		}
		params[name] = strings.Join(words, ",")
	}
	return params, nil
}

// envelope is the shape of every reply.
type envelope struct {
	Code      int    `json:"code"`
	Message   string `json:"msg"`
	RequestID string `json:"request_id,omitempty"`
	Data      any    `json:"data"`
}

// wrap writes the reply to a call that succeeded. Control characters in texts stay as they
// are.
func wrap(data any) []byte {
	if page, raw := data.(json.RawMessage); raw {
		return slices.Concat([]byte(`{"code":0,"msg":"执行成功","data":`), page, []byte(`}`))
	}
	return marshal(envelope{Message: "执行成功", Data: data})
}

func (p *Platform) refuse(w http.ResponseWriter, why *refusal) {
	p.write(w, marshal(envelope{Code: why.code, Message: why.message, RequestID: p.Refusal(why.code)}))
}

func marshal(value any) []byte {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // strings and numbers always marshal
	}
	return bytes.TrimSpace(body.Bytes())
}

// noPages are replies that report a failure without a code, or nothing at all: none of
// them means an empty page.
var noPages = []string{
	`{"msg":"系统繁忙，请稍后再试","data":{"has_next":false}}`,
	`{"code":0,"data":{"has_next":false}}`,
	`{"code":0,"msg":"查询超时","data":{"data_count":0}}`,
	`{"code":0,"issuccess":false,"msg":"系统繁忙","data":null}`,
	`{"code":0,"msg":"系统繁忙","data":{"datas":[]}}`,
	`{"code":0,"msg":"系统繁忙","data":null}`,
	`{}`,
}

// write answers in UTF-8, or a page in GBK if that fault strikes.
func (p *Platform) write(w http.ResponseWriter, body []byte) {
	contentType := "application/json;charset=UTF-8"
	body, inGBK := p.source.InGBK(body)
	if inGBK {
		contentType = "application/json;charset=GBK"
	}
	p.faults.Write(w, source.Wire, contentType, body)
}
