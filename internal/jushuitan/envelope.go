package jushuitan

import (
	"html"
	"regexp"
	"slices"
	"strings"
)

// envelope is what surrounds a page, or replaces one. The layers of a reply are
// not documented for this method and differ between gateways: a page may stand
// bare, under one root object of any name or under several, and each layer may
// report a failure.
type envelope struct {
	// inner is the innermost layer, which has the page if there is one.
	inner map[string]any
	// failed is true if a layer says so: there is an error_response, flag is not
	// success, issuccess is not true, code is anything but absent, "" and 0, or
	// there is a sub_code.
	failed bool
	// message is true if a layer has a text for people that says more than
	// success. Without an order in the reply it means a failure.
	message bool
	// gateway is true if the layers are the gateway's own, not Jushuitan's.
	gateway bool
	// code is the first that is neither empty nor 0.
	code, subCode, requestID string
	// said are the vendor's texts.
	said []string
}

// The names that a layer's fields go by, in the spelling of plain.
var (
	codeNames    = []string{"code", "errcode", "errorcode"}
	successNames = []string{"issuccess", "success"}
	messageNames = []string{"msg", "message", "errmsg", "errormsg", "errormessage", "error", "response"}
	subNames     = []string{"submsg", "submessage"}
	pageNames    = []string{"datas", "datacount", "pagecount", "pageindex", "pagesize", "hasnext"}
)

// plain maps issuccess, isSuccess and is_success to one name.
func plain(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "_", "")
}

// successWords are the texts that report nothing but success.
var successWords = regexp.MustCompile(`(?i)^(ok|success(ful(ly)?)?|(请求|查询|获取|调用|执行|操作|处理)?(数据)?成功)[.!。！]?$`)

func openEnvelope(raw []byte) (envelope, error) {
	root, err := decodeObject(raw)
	if err != nil {
		root = xmlFields(raw)
	}
	var e envelope
	for layer := root; layer != nil; {
		e.inner = layer
		layer = e.open(layer)
	}
	if err != nil && !e.failed && !e.message {
		return envelope{}, err
	}
	return e, nil
}

// open reads one layer and gives the one inside it, or nil.
func (e *envelope) open(layer map[string]any) (inside map[string]any) {
	fields := make(map[string]any, len(layer))
	var objects []map[string]any
	for name, value := range layer {
		fields[plain(name)] = value
		if object, ok := value.(map[string]any); ok {
			objects = append(objects, object)
		}
	}
	e.openFields(fields)
	if platform, ok := fields["errorresponse"]; ok && platform != nil {
		e.failed, e.gateway = true, true
		e.say(platform)
		inside, _ = platform.(map[string]any)
		return inside
	}
	holdsPage := slices.ContainsFunc(pageNames, func(name string) bool { _, ok := fields[name]; return ok })
	switch {
	case holdsPage:
		return nil
	case len(objects) == 1:
		return objects[0]
	}
	for _, name := range []string{"response", "data"} {
		if inside, ok := fields[name].(map[string]any); ok {
			return inside
		}
	}
	return nil
}

func (e *envelope) openFields(fields map[string]any) {
	for _, name := range codeNames {
		if code := words(fields[name]); code != "" && (e.code == "" || e.code == "0") {
			e.code = code
			e.failed = e.failed || code != "0"
		}
	}
	if flag, known := fields["flag"]; known && words(flag) != "" {
		e.gateway = true
		e.failed = e.failed || !strings.EqualFold(words(flag), "success")
	}
	for _, name := range successNames {
		if success, known, err := truth(fields[name]); err != nil || known && !success {
			e.failed = true
		}
	}
	for _, name := range messageNames {
		e.say(fields[name])
	}
	if subCode := words(fields["subcode"]); subCode != "" {
		e.subCode, e.failed = subCode, true
		e.say(subCode)
	}
	for _, name := range subNames {
		e.say(fields[name])
	}
	if id := words(fields["requestid"]); id != "" {
		e.requestID = id
	}
}

func (e *envelope) say(value any) {
	words, _ := value.(string)
	if words = strings.TrimSpace(words); words == "" {
		return
	}
	e.said = append(e.said, words)
	e.message = e.message || !successWords.MatchString(words)
}

// The gateway replies in XML, its default, when it refuses a request before it reads
// the parameter format.
var (
	xmlReply = regexp.MustCompile(`^\s*(<\?xml[^>]*>\s*)?<(error_)?response\b`)
	xmlField = regexp.MustCompile(`<(error_response|code|flag|msg|message|sub_code|sub_msg|request_id)>(?:<!\[CDATA\[)?([^<\]]*)`)
)

// xmlFields gives the fields of a failure in XML, or nil.
func xmlFields(raw []byte) map[string]any {
	if !xmlReply.Match(raw) {
		return nil
	}
	fields := map[string]any{}
	for _, found := range xmlField.FindAllSubmatch(raw, -1) {
		fields[string(found[1])] = html.UnescapeString(string(found[2]))
	}
	return fields
}
