package kingdee

import (
	"strings"
	"time"

	"refundsync/internal/fault"
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
		Class: r.class, Reason: r.reason, System: system, Call: method,
		Message: message, Advice: r.advice, Delay: r.delay,
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
	loginFailed = rule{fault.Final, "login_failed", ofCall, 0, adviseCredentials}
	badRequest  = rule{fault.Final, "bad_request", ofCall, 0,
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

// queryRules are those that mean something else for ExecuteBillQuery, which
// writes nothing: 4 is an unknown form or a bad filter, 8 no FieldKeys, 9 an
// unknown field.
var queryRules = map[int]rule{
	3: badQuery, 4: badQuery, 5: badQuery, 8: badQuery, 9: badQuery, 10: badQuery, 11: badQuery, 12: badQuery,
}

// ruleOf finds the rule of one error. Its text comes first, because MsgCode is
// one for the whole reply while each bill may have failed for a cause of its
// own.
func ruleOf(method string, code looseInt, field, text string) rule {
	query := method == executeBillQuery
	if r, ok := ruleOfText(query, field, text); ok {
		return r
	}
	if r, ok := queryRules[code.Value]; ok && query {
		return r
	}
	if r, ok := rules[code.Value]; ok {
		return r
	}
	return unknownError
}

// ruleOfText knows the texts of the Chinese servers (LCID 2052) that have been
// seen. The texts hold values from the bill, so the patterns are Kingdee's
// phrases rather than single words.
func ruleOfText(query bool, field, text string) (rule, bool) {
	says := func(parts ...string) bool {
		for _, part := range parts {
			if !strings.Contains(text, part) {
				return false
			}
		}
		return true
	}
	switch {
	case says("会话信息已丢失"):
		return sessionLost, true
	case says("使用业务单据", "冲突"), says("冲突，请稍候再使用"):
		return networkControl, true
	case query:
		return rule{}, false // the rest is about saving
	case says("违反字段唯一性要求"):
		if field == "" || strings.EqualFold(field, "FBillNo") {
			return numberUsed, true
		}
		return notUnique, true
	case says("是必填项"), says("字段必录"):
		return fieldRequired, true
	case (field != "" || says("基础资料") || says("编码")) &&
		(says("不存在") || says("找不到") || says("未找到") || says("已禁用") || says("被禁用")):
		if isMaterial(field, text) {
			return unknownMaterial, true
		}
		return unknownBaseData, true
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
