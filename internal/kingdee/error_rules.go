package kingdee

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/text"
)

// scope says whether an error is about a bill or the call.
type scope int

const (
	// ofBill errors are about the bill at DIndex.
	ofBill scope = iota
	// ofEither errors can be about a bill or the call. Kingdee reports on each
	// bill, so with no success and no DIndex above 0 it is the call.
	ofEither
	// ofCall errors were found before Kingdee looked at a bill.
	ofCall
)

// rule says what an error of Kingdee means and what to do about it.
type rule struct {
	class  fault.Class
	reason string
	scope  scope
	delay  time.Duration
	advice text.Text
}

// failure makes the rule an error of one call. err says what happened, in our words.
func (r rule) failure(method string, err error) *fault.Error {
	return &fault.Error{
		Class: r.class, Reason: r.reason, System: system, Call: method,
		Err: err, Advice: r.advice, Delay: r.delay,
	}
}

// quoting is as failure, with Kingdee's words, if there are any.
func (r rule) quoting(method, words string) *fault.Error {
	if words == "" {
		return r.failure(method, text.Errorf("Kingdee gave no reason"))
	}
	f := r.failure(method, nil)
	f.Message = shorten(words)
	return f
}

const (
	// conflictDelay: the bill or the form is locked for the length of an
	// operation.
	conflictDelay = 5 * time.Second
	// callLimitDelay: no figure is published; limits of this kind are counted
	// by the minute.
	callLimitDelay = 30 * time.Second
)

var (
	adviseCredentials = text.New("Check KINGDEE_ACCT_ID, KINGDEE_USERNAME, KINGDEE_LCID and what KINGDEE_AUTH uses: KINGDEE_APP_ID and KINGDEE_APP_SECRET (or KINGDEE_PASSWORD); then whether “第三方系统登录授权” in Kingdee is enabled and allows this IP.")
	adviseLookFirst   = text.New("It may have taken effect: the bill is looked up by its number before any retry.")
)

// What is wrong with one bill.
var (
	numberUsed = rule{fault.Final, ReasonNumberUsed, ofBill, 0,
		text.New("A bill has this number already: look it up. If it is of the same order, it was saved before; otherwise a person must decide.")}
	notUnique = rule{fault.Final, "not_unique", ofBill, 0,
		text.New("The field must be unique in Kingdee: change its value.")}
	fieldRequired = rule{fault.Final, "field_required", ofBill, 0,
		text.New("Give the field a value in the flow file; if it has one, Kingdee probably does not know the code: add and audit it in Kingdee.")}
	unknownMaterial = rule{fault.Final, "unknown_material", ofBill, 0,
		text.New("Add and audit the material in Kingdee (mind the using organisation), or correct its code in the flow file's table of materials; then retry.")}
	unknownBaseData = rule{fault.Final, "unknown_base_data", ofBill, 0,
		text.New("Add and audit the base data in Kingdee, or correct its code in the flow file's table; then retry.")}
	// Another return has been linked to the same goods since they were read. The words are
	// not known for sure.
	sourceTaken = rule{fault.Retry, "source_taken", ofBill, 0,
		text.New("The source bill has less left than when it was read; it is read again and linked anew. If it keeps failing, check in Kingdee what was returned of it.")}
	missingID = rule{fault.Final, "missing_id", ofBill, 0,
		text.New("The request has neither the id nor the number of a bill: check the field of the bill number.")}
	valueMissing = rule{fault.Final, "field_required", ofBill, 0, fieldRequired.advice}
	notFound     = rule{fault.Final, "not_found", ofBill, 0,
		text.New("Kingdee has no such bill, or not the base data that it refers to; it may have been deleted.")}
	validationFailed = rule{fault.Final, "validation_failed", ofBill, 0,
		text.New("Correct the data or the flow file as Kingdee says, then retry.")}
	// A person or a concurrent run may have submitted or audited the bill since it
	// was looked up.
	notOperable = rule{fault.Retry, "not_operable", ofBill, 0,
		text.New("The bill's state does not allow the operation; it is looked up, and processing goes on from there. If it keeps failing, check the bill's state in Kingdee.")}
	unclear = rule{fault.Retry, "unclear", ofBill, 0, adviseLookFirst}
)

// What is transient, for one bill or the call.
var (
	networkControl = rule{fault.Retry, "network_control", ofEither, conflictDelay,
		text.New("A person or another program is using the bill or its form (网络控制); it is retried after a moment. If it keeps failing, clear the lock in Kingdee under “网络控制”.")}
	exception       = rule{fault.Retry, "exception", ofEither, 0, adviseLookFirst}
	databaseFailure = rule{fault.Retry, "database_failure", ofEither, 0, adviseLookFirst}
	// MsgCode 0 says nothing, and occurs with transient failures.
	unknownError = rule{fault.Retry, "unknown_error", ofEither, 0, adviseLookFirst}
)

// What is wrong with the call.
var (
	sessionLost = rule{fault.SessionLost, "session_lost", ofCall, 0, text.New("If new sessions are lost at once too, the authorisation is most likely wrong. %s", adviseCredentials)}
	callLimit   = rule{fault.RateLimited, "call_limit", ofCall, callLimitDelay, text.New("It is retried after a wait; if it is frequent, lower KINGDEE_SESSIONS or buy a larger allowance from Kingdee.")}
	// How Kingdee reports a refused signature is unknown; it may be like this.
	noPermission = rule{fault.Final, "no_permission", ofCall, 0,
		text.New("In Kingdee, give the integration user (KINGDEE_USERNAME) the rights to view, create, submit and audit this form, in the organisations in use. If Kingdee speaks of the signature or the authorisation: %s", adviseCredentials)}
	licence = rule{fault.Final, "licence", ofCall, 0,
		text.New("Check the licence in Kingdee: whether it has expired, all its users are taken, or the integration user (KINGDEE_USERNAME) has none for the WebAPI.")}
	administratorForbidden = rule{fault.Final, "administrator_forbidden", ofCall, 0,
		text.New("Kingdee does not let administrators log in through the API: set KINGDEE_USERNAME to an ordinary integration user.")}
	webAPIForbidden = rule{fault.Final, "webapi_forbidden", ofCall, 0,
		text.New("In Kingdee, add the integration user (KINGDEE_USERNAME) to the users that may call the WebAPI.")}
	wrongDataCentre = rule{fault.Final, "wrong_data_centre", ofCall, 0,
		text.New("Kingdee does not know the data centre: check that KINGDEE_ACCT_ID (its id, not its name) and KINGDEE_URL belong to the same account.")}
	gatewayRefused = rule{fault.Final, "gateway_refused", ofCall, 0,
		text.New("The gateway refuses the signature or the application: check KINGDEE_APP_ID, KINGDEE_APP_SECRET and this machine's clock; then whether “第三方系统登录授权” in Kingdee is enabled and allows this IP.")}
	loginFailed = rule{fault.Final, "login_failed", ofCall, 0, adviseCredentials}
	// A missing right to a field looks the same as an empty field.
	unreadable = rule{fault.Final, ReasonUnreadable, ofCall, 0,
		text.New("In Kingdee, give the integration user (KINGDEE_USERNAME) the right to view the field (字段权限, masking), then run again; if the field is merely empty in this bill, fill it in.")}
	badRequest = rule{fault.Final, "bad_request", ofCall, 0,
		text.New("The request is not as Kingdee wants it: check FormId, Operation and the fields in the flow file.")}
	badQuery = rule{fault.Final, "bad_query", ofCall, 0,
		text.New("The query was refused: check FormId in the flow file, and that this version of Kingdee has the form and its fields.")}
)

// rules by MsgCode. 0 is Kingdee's default and says nothing.
var rules = map[int]rule{
	1:  sessionLost,
	2:  noPermission,
	3:  badRequest, // operation id empty
	4:  exception,  // possibly thrown after a bill was written
	5:  missingID,
	6:  databaseFailure,
	7:  licence,
	8:  badRequest, // bad parameter
	9:  valueMissing,
	10: notFound,
	11: validationFailed,
	12: notOperable,
	13: networkControl,
	14: callLimit,
	15: administratorForbidden,
}

// queryRules are those that mean something else for ExecuteBillQuery and
// QueryBusinessInfo, which write nothing: 4 is an unknown form or a bad filter, 8 no
// FieldKeys, 9 an unknown field.
var queryRules = map[int]rule{
	3: badQuery, 4: badQuery, 5: badQuery, 8: badQuery, 9: badQuery, 10: badQuery, 11: badQuery, 12: badQuery,
}

// shared are the codes that say little, or stand for a whole reply whose bills may
// each have failed for a cause of its own: the words of an error can say more. Every
// other code is definite, whatever the words.
var shared = []int{4, 6, 9, 10, 11, 12, 13}

// ruleOf finds the rule of one error by structure first: by its field, then by its
// MsgCode, and by its words last, because they may quote a bill.
func (s *responseStatus) ruleOf(method string, e replyError) rule {
	code, field, change := s.MsgCode.Value, string(e.FieldName), changesBills(method)
	byCode, coded := queryRules[code]
	if !coded || method != MethodQuery && method != queryBusinessInfo {
		byCode, coded = rules[code]
	}
	definite := coded && !slices.Contains(shared, code)
	if change && (field != "" || !definite) {
		if r, ok := ruleOfBill(field, string(e.Message)); ok {
			return r
		}
	}
	words := outsideQuotes(string(e.Message))
	if field == "" && !definite {
		if r, ok := words.ruleOfAnyCode(); ok {
			return r
		}
		if r, ok := words.ruleWithoutCode(); ok && (!coded || code == 4) {
			return r
		}
	}
	switch {
	case coded:
		return byCode
	case change && code == 0 && e.Message != "" && (field != "" || e.DIndex.Known):
		return validationFailed // older versions give no code
	default:
		return unknownError
	}
}

func changesBills(method string) bool {
	return strings.EqualFold(method, MethodBatchSave) || method == MethodSubmit || method == MethodAudit || method == MethodDelete
}

// ruleOfText is for a text that replaced a reply.
func ruleOfText(message string) (rule, bool) {
	words := outsideQuotes(message)
	if r, ok := words.ruleOfAnyCode(); ok {
		return r, true
	}
	return words.ruleWithoutCode()
}

// words are a text without its quotations, which may be those of a bill, in lower case.
// The words known here are those of Chinese servers (LCID 2052).
type words string

var quoted = regexp.MustCompile(`(?s)“.*”|‘.*’|".*"|'.*'|「.*」|【.*】|\[.*\]`)

func outsideQuotes(message string) words {
	return words(strings.ToLower(quoted.ReplaceAllString(message, "")))
}

// say reports whether all parts occur.
func (w words) say(parts ...string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(string(w), part) })
}

// sayAny reports whether one of the parts occurs.
func (w words) sayAny(parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return w.say(part) })
}

// ruleOfBill recognises what is wrong with the values of a bill.
func ruleOfBill(field, message string) (rule, bool) {
	w := outsideQuotes(message)
	switch {
	case w.say("违反字段唯一性要求"):
		if field == "" || catalog.IsNumber(field) {
			return numberUsed, true
		}
		return notUnique, true
	case w.sayAny("源单", "可退数量", "出库数量", "关联数量") && w.sayAny("超过", "超出", "大于", "超额"):
		return sourceTaken, true
	case w.sayAny("是必填项", "字段必录", "是必录字段"):
		return fieldRequired, true
	case (field != "" || w.sayAny("基础资料", "编码")) && w.sayAny("不存在", "找不到", "未找到", "已禁用", "被禁用"):
		if isMaterial(field, message) {
			return unknownMaterial, true
		}
		return unknownBaseData, true
	default:
		return rule{}, false
	}
}

// ruleOfAnyCode recognises what also comes with the code of something else, mostly 11.
func (w words) ruleOfAnyCode() (rule, bool) {
	switch {
	case w.sayAny("死锁", "deadlock"):
		return databaseFailure, true
	case w.say("使用业务单据", "冲突"), w.sayAny("请稍候", "请稍后", "稍后重试", "稍后再试"),
		w.say("占用") && !w.sayAny("编码", "编号", "名称", "库存", "数量", "额度"):
		return networkControl, true
	case w.say("fail to verify", "passport"), w.say("数据中心", "无法获取"):
		return wrongDataCentre, true
	case w.say("允许调用webapi"):
		return webAPIForbidden, true
	default:
		return rule{}, false
	}
}

// ruleWithoutCode recognises what only words report.
func (w words) ruleWithoutCode() (rule, bool) {
	switch {
	case w.say("重新登录"), w.say("会话") && w.sayAny("丢失", "过期", "失效", "超时"),
		w.say("登录") && w.sayAny("超时", "过期", "失效"),
		w.say("session") && w.sayAny("lost", "expired", "invalid", "timeout", "timed out"):
		return sessionLost, true
	case w.sayAny("调用次数", "限流", "频率", "频繁", "too many requests", "rate limit"):
		return callLimit, true
	case w.sayAny("签名", "signature"):
		return gatewayRefused, true
	case w.sayAny("未将对象引用", "object reference", "异常", "exception", "超时", "timeout", "timed out", "繁忙", "unavailable"):
		return exception, true
	default:
		return rule{}, false
	}
}

// isMaterial accepts a field that refers to materials, also as part of a path
// (FEntity.FMaterialId), or the field's label if no field is named.
func isMaterial(field, message string) bool {
	if field == "" {
		return strings.Contains(message, "物料")
	}
	for part := range strings.SplitSeq(field, ".") {
		if catalog.RefersTo(part, "BD_MATERIAL") {
			return true
		}
	}
	return false
}
