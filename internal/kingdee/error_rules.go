package kingdee

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

// scope says what an error without a bill of its own is about.
type scope int

const (
	// ofBill errors are about the bill at DIndex.
	ofBill scope = iota
	// ofEither errors can be about one bill or the call. Kingdee answers for
	// each bill, so with no success and no DIndex above 0 it is the call.
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
	advice string
}

// failure makes the rule an error of one call.
func (r rule) failure(method, message string) *fault.Error {
	return &fault.Error{
		Class: r.class, Reason: r.reason, System: text.Literal(system), Call: method,
		Message: message, Advice: text.Literal(r.advice), Delay: r.delay,
	}
}

const (
	// conflictDelay: whoever holds the bill or the form holds it for the
	// length of an operation.
	conflictDelay = 5 * time.Second
	// callLimitDelay: no figure is published; limits of this kind are counted
	// by the minute.
	callLimitDelay = 30 * time.Second

	adviseCredentials = "请检查 KINGDEE_ACCT_ID、KINGDEE_USERNAME、KINGDEE_LCID，以及 KINGDEE_AUTH 用到的 KINGDEE_APP_ID 和 KINGDEE_APP_SECRET（或 KINGDEE_PASSWORD）；再看金蝶的“第三方系统登录授权”是否启用、是否限制了 IP。 " +
		"Check KINGDEE_ACCT_ID, KINGDEE_USERNAME, KINGDEE_LCID and what KINGDEE_AUTH uses: KINGDEE_APP_ID and KINGDEE_APP_SECRET (or KINGDEE_PASSWORD); then whether 第三方系统登录授权 in Kingdee is enabled and allows this IP."
	adviseLookFirst = "是否成功不清楚：先按单据编号查一查，再决定是否重做；会自动进行。 Whether it took effect is unclear: it is looked up by its number before it is done again, by itself."
)

// What is wrong with one bill.
var (
	numberUsed = rule{fault.Final, ReasonNumberUsed, ofBill, 0,
		"这个单据编号已经有单据：查出那张单据；是同一张售后单，就是已经保存过了，否则请人处理。 A bill has this number already: look it up; if it is of the same order, it was saved before, otherwise a person must decide."}
	notUnique = rule{fault.Final, "not_unique", ofBill, 0,
		"这个字段的值在金蝶里必须唯一，请改这个值。 The field must be unique in Kingdee: change its value."}
	fieldRequired = rule{fault.Final, "field_required", ofBill, 0,
		"请在流程文件里给这个字段赋值；如果已经有值，多半是金蝶没有这个编码，请在金蝶新增并审核。 Give the field a value in the flow file; if it has one, Kingdee probably does not know the code: add and audit it in Kingdee."}
	unknownMaterial = rule{fault.Final, "unknown_material", ofBill, 0,
		"请在金蝶新增并审核这个物料（注意使用组织），或在流程文件的物料对照表里改对编码，然后重试。 Add and audit the material in Kingdee (mind the using organisation), or correct the code in the flow file's table of materials, then retry."}
	unknownBaseData = rule{fault.Final, "unknown_base_data", ofBill, 0,
		"请在金蝶新增并审核这项基础资料，或在流程文件的对照表里改对编码，然后重试。 Add and audit the base data in Kingdee, or correct the code in the flow file's table, then retry."}
	missingID = rule{fault.Final, "missing_id", ofBill, 0,
		"请求里没有单据的内码或编号，请检查单据编号字段。 The request names no bill: check the field of the bill number."}
	valueMissing = rule{fault.Final, "field_required", ofBill, 0, fieldRequired.advice}
	notFound     = rule{fault.Final, "not_found", ofBill, 0,
		"金蝶里没有这张单据或它引用的资料，可能已被删除。 Kingdee has no such bill, or not what it refers to; it may have been deleted."}
	validationFailed = rule{fault.Final, "validation_failed", ofBill, 0,
		"请按金蝶的提示改正数据或流程文件，然后重试。 Correct the data or the flow file as Kingdee says, then retry."}
	// Somebody, or a run beside this one, may have taken the bill further since
	// it was looked at.
	notOperable = rule{fault.Retry, "not_operable", ofBill, 0,
		"单据现在的状态不允许这个操作；会自动再查一次状态，接着做；一直如此时，请在金蝶查看单据状态。 The bill's state does not allow it; it is looked up again and gone on with by itself; if it lasts, see the bill in Kingdee."}
	unclear = rule{fault.Retry, "unclear", ofBill, 0, adviseLookFirst}
)

// What passes by itself, of one bill or of the call.
var (
	networkControl = rule{fault.Retry, "network_control", ofEither, conflictDelay,
		"有人或别的程序正在用这张单据或这个业务对象（网络控制），稍后会自动重试；一直如此时，请在金蝶的“网络控制”里清除。 Somebody else is using the bill or its form; tried again by itself after a moment; if it lasts, clear it in Kingdee under 网络控制."}
	exception       = rule{fault.Retry, "exception", ofEither, 0, adviseLookFirst}
	databaseFailure = rule{fault.Retry, "database_failure", ofEither, 0, adviseLookFirst}
	// MsgCode 0 says nothing, and is seen with things that pass by themselves.
	unknownError = rule{fault.Retry, "unknown_error", ofEither, 0, adviseLookFirst}
)

// What is wrong with the call.
var (
	sessionLost = rule{fault.SessionLost, "session_lost", ofCall, 0, "新会话也立刻丢失时，多半是授权不对。 When a new session is lost at once too, it is most likely the authorisation. " + adviseCredentials}
	callLimit   = rule{fault.RateLimited, "call_limit", ofCall, callLimitDelay, "会等一会儿再试；经常出现时，请调低 KINGDEE_SESSIONS，或向金蝶购买更多调用量。 Tried again after a wait; if it is frequent, lower KINGDEE_SESSIONS or buy a larger allowance from Kingdee."}
	// What a refused signature looks like is unknown; it may well come as this.
	noPermission = rule{fault.Final, "no_permission", ofCall, 0,
		"请在金蝶给集成用户（KINGDEE_USERNAME）授予这个业务对象的查看、新增、提交、审核权限，并包含所用的组织。 In Kingdee, give the integration user (KINGDEE_USERNAME) the rights to view, create, submit and audit this form, for the organisations in use. 提示签名或授权不对时 where it speaks of the signature: " + adviseCredentials}
	licence = rule{fault.Final, "licence", ofCall, 0,
		"请在金蝶检查许可：是否过期、用户数是否用完、集成用户（KINGDEE_USERNAME）是否有 WebAPI 许可。 Check the licence in Kingdee: expired, all users taken, or none for the integration user (KINGDEE_USERNAME)."}
	administratorForbidden = rule{fault.Final, "administrator_forbidden", ofCall, 0,
		"金蝶不允许管理员通过接口登录：请把 KINGDEE_USERNAME 换成普通的集成用户。 Kingdee lets no administrator in through the API: set KINGDEE_USERNAME to an ordinary integration user."}
	webAPIForbidden = rule{fault.Final, "webapi_forbidden", ofCall, 0,
		"请在金蝶把集成用户（KINGDEE_USERNAME）加入允许调用 WebAPI 的用户。 In Kingdee, add the integration user (KINGDEE_USERNAME) to those that may call the WebAPI."}
	wrongDataCentre = rule{fault.Final, "wrong_data_centre", ofCall, 0,
		"金蝶不认这个数据中心：请检查 KINGDEE_ACCT_ID（数据中心 ID，不是名称）和 KINGDEE_URL 是否属于同一个账套。 Kingdee does not know the data centre: check KINGDEE_ACCT_ID (its id, not its name), and that KINGDEE_URL is of the same account."}
	gatewayRefused = rule{fault.Final, "gateway_refused", ofCall, 0,
		"网关不接受签名或应用：请检查 KINGDEE_APP_ID、KINGDEE_APP_SECRET 和本机时钟，再看金蝶的“第三方系统登录授权”是否启用、是否限制了 IP。 The gateway refuses the signature or the application: check KINGDEE_APP_ID, KINGDEE_APP_SECRET and this machine's clock; then whether 第三方系统登录授权 in Kingdee is enabled and allows this IP."}
	loginFailed = rule{fault.Final, "login_failed", ofCall, 0, adviseCredentials}
	// A right to a field is not told apart from a field that has no value.
	unreadable = rule{fault.Final, ReasonUnreadable, ofCall, 0,
		"请在金蝶给集成用户（KINGDEE_USERNAME）授予这个字段的查看权限（字段权限、脱敏设置），再重跑；若只是这张单据的这个字段为空，请填上。 In Kingdee, give the integration user (KINGDEE_USERNAME) the right to view the field (字段权限, masking), then run again; where the field is only empty in this bill, fill it in."}
	badRequest = rule{fault.Final, "bad_request", ofCall, 0,
		"请求不合金蝶的要求：请检查流程文件的 FormId、Operation 和字段。 The request is not as Kingdee wants it: check FormId, Operation and the fields in the flow file."}
	badQuery = rule{fault.Final, "bad_query", ofCall, 0,
		"查询被拒绝：请检查流程文件的 FormId，以及金蝶的版本是否有这个业务对象和字段。 The query was refused: check FormId in the flow file, and that this version of Kingdee has the form and its fields."}
)

// rules by MsgCode. 0 is Kingdee's default and says nothing.
var rules = map[int]rule{
	1:  sessionLost,
	2:  noPermission,
	3:  badRequest, // operation id empty
	4:  exception,  // a save may have thrown it after a bill was written
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

// shared are the codes that say little, or one thing of a whole reply whose bills
// may each have failed for a cause of its own: the words of an error can tell more.
// Every other code means what it means, whatever the words.
var shared = []int{4, 6, 9, 10, 11, 12, 13}

// ruleOf finds the rule of one error by structure first: by the field that it names,
// then by its MsgCode, and by its words last, for they can hold those of a bill.
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

// ruleOfText is for a text that came in place of a reply.
func ruleOfText(text string) (rule, bool) {
	words := outsideQuotes(text)
	if r, ok := words.ruleOfAnyCode(); ok {
		return r, true
	}
	return words.ruleWithoutCode()
}

// words are what a text says itself, in lower case: what it quotes may be the words
// of a bill. They are those of the Chinese servers (LCID 2052) that have been seen.
type words string

var quoted = regexp.MustCompile(`(?s)“.*”|‘.*’|".*"|'.*'|「.*」|【.*】|\[.*\]`)

func outsideQuotes(text string) words {
	return words(strings.ToLower(quoted.ReplaceAllString(text, "")))
}

// say reports whether all parts occur.
func (w words) say(parts ...string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(string(w), part) })
}

// sayAny reports whether one of the parts occurs.
func (w words) sayAny(parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return w.say(part) })
}

// ruleOfBill knows what is wrong with the values of a bill.
func ruleOfBill(field, message string) (rule, bool) {
	w := outsideQuotes(message)
	switch {
	case w.say("违反字段唯一性要求"):
		if field == "" || strings.EqualFold(field, "FBillNo") {
			return numberUsed, true
		}
		return notUnique, true
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

// ruleOfAnyCode knows what comes with a code of something else, mostly 11, too.
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

// ruleWithoutCode knows what is told by words alone.
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

// isMaterial takes FMaterialId in any case and as part of a path
// (FEntity.FMaterialId), or the field's label where no field is named.
func isMaterial(field, text string) bool {
	if field == "" {
		return strings.Contains(text, "物料")
	}
	for part := range strings.SplitSeq(field, ".") {
		if strings.EqualFold(part, "FMaterialId") {
			return true
		}
	}
	return false
}
