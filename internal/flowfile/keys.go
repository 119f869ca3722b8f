package flowfile

import (
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/contract"
	"refundsync/internal/flow"
)

// key defines one key of a flow file. The loader reads files by these definitions, and
// [Schema] gives them to editors.
type key struct {
	name string
	// about tells authors of flow files what the key is for. The schema adds the bounds and
	// the default.
	about    string
	required bool
	value    value
}

// value defines what a key takes.
type value interface {
	// schema is the value's JSON Schema, without a description.
	schema() jsonSchema
	// about is the bounds and the default, in sentences; "" without any.
	about() string
}

type (
	// textValue is any text that is not blank.
	textValue struct{ pattern string }
	// expressionValue is an expression.
	expressionValue struct{}
	// choiceValue is one of a few texts; the first is the default.
	choiceValue []string
	// booleanValue is true or false; it holds the default.
	booleanValue bool
	// integerValue is a whole number within bounds.
	integerValue struct{ byDefault, lowest, highest int }
	// durationValue is a number of whole seconds within bounds, written as 1h30m.
	durationValue struct{ byDefault, shortest, longest time.Duration }
	// listValue is a list of values of one kind.
	listValue struct {
		of    value
		least int
	}
	// sectionValue is a mapping with these keys only.
	sectionValue []key
	// otherValue is a value that the loader reads with its own code.
	otherValue func() jsonSchema
)

// names lists the keys' names, in their order.
func (s sectionValue) names() (names []string) {
	for _, key := range s {
		names = append(names, key.name)
	}
	return names
}

func (s sectionValue) find(name string) (key, bool) {
	i := slices.IndexFunc(s, func(k key) bool { return k.name == name })
	if i < 0 {
		return key{}, false
	}
	return s[i], true
}

// withDefault is a value whose default is in the loader's code.
type withDefault struct {
	value
	text string
}

func (w withDefault) about() string { return "Default: " + w.text + "." }

const (
	timePattern     = `^[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{1,2}:[0-9]{2}:[0-9]{2})?$`
	datePattern     = `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`
	minutePattern   = `^\s*[0-9]{1,2}:[0-9]{2}\s*$`
	daySpanPattern  = `^\s*[0-9]{1,2}:[0-9]{2}\s*-\s*[0-9]{1,2}:[0-9]{2}\s*$`
	durationPattern = `^([0-9]+(\.[0-9]+)?[hms])+$`
)

// fileKeys are the keys of a flow file.
var fileKeys = sync.OnceValue(func() sectionValue {
	return sectionValue{
		{"version", "Version of this format.", true, integerValue{1, 1, 1}},
		{"name", "Name of the flow, part of workflow ids: a-z, 0-9 and _, beginning with a letter, at most 64 characters.", true, textValue{flowName.String()}},
		{"source", "Where the orders come from.", true, sourceKeys(catalog.All()[catalog.Sources()[0]])},
		{"bill", "What is saved to Kingdee.", true, billKeys()},
		{"title", "Title shown to people.", false, withDefault{textValue{}, "the name"}},
		{"company", "The company whose orders are read and booked, by the name in its settings, JUSHUITAN_<NAME>_… and KINGDEE_<NAME>_…: a-z and 0-9, beginning with a letter, 2 to 16 characters. If left out, the settings without a name.", false, textValue{companyName.String()}},
		{"tables", "Tables that translate codes of Jushuitan into codes of Kingdee, by name.", false, otherValue(tablesSchema)},
		{"options", "How the bills are saved.", false, optionKeys},
		{"checks", "Which orders are booked, how often to retry, and when to run.", false, checkKeys},
		{"alerts", "Who is told when something is wrong with the incremental runs. Nobody if left out.", false, alertKeys},
	}
})

// sourceKeys are those of source with that method.
func sourceKeys(of *catalog.Interface) sectionValue {
	longest := longestWindow(of)
	cursors := choiceValue{contract.CursorTime}
	if of.Source.RowVersion != "" {
		cursors = append(cursors, contract.CursorRowVersion)
	}
	return sectionValue{
		{"method", "The interface that orders are read from.", true, choiceValue(catalog.Sources())},
		{"parameters", "Parameters of the call, all text. Those in braces are filled in by each call.", true, otherValue(func() jsonSchema { return parametersSchema(of) })},
		{"key", "The field that tells one order from another: " + of.Source.Key + ".", true, otherValue(func() jsonSchema { return jsonSchema{"type": "string", "enum": orderKeys(of)} })},
		{"window", "The longest range read at once. A range with many orders is split further automatically.", false, durationValue{longest, time.Minute, longest}},
		{"overlap", "How far a run goes back before the end of the last one.", false, durationValue{10 * time.Minute, 0, longest}},
		{"lag", "How far a run stays behind the present, because fresh orders still change.", false, durationValue{5 * time.Minute, 0, longest}},
		{"since", "Where the first scheduled run begins, Beijing time. If left out, starter schedule create --since sets it.", false, textValue{timePattern}},
		{"cursor", "How scheduled runs find what is new: time reads time windows; row_version, where the interface has it, reads rows in the order of their versions.", false, cursors},
		{"since_ts", "With cursor: row_version, the version from which the first run reads; 0 is everything.", false, integerValue{0, 0, math.MaxInt}},
	}
}

func billKeys() sectionValue {
	option := func(name string) (catalog.Field, choiceValue) {
		field, _ := catalog.All()[catalog.Forms()[0]].Find(catalog.Options, name) // the same in all
		return field, slices.Sorted(maps.Keys(field.Values))
	}
	form, forms := option("FormId")
	operation, operations := option("Operation")
	return sectionValue{
		{"FormId", form.Chinese + ". The form of the bill in Kingdee.", true, forms},
		{"Operation", operation.Chinese + ". The call that saves bills.", true, operations},
		{"fields", "The fields of the bill, in the order in which they are sent: Kingdee may fill in a field from one before it.", true, otherValue(anyObject)},
		{"IsAutoSubmitAndAudit", "提交并审核. Kingdee submits and audits within the same call; true goes with submit_and_audit: kingdee.", false, booleanValue(false)},
		{"IsVerifyBaseDataField", "验证基础资料. Unknown codes are reported; with false Kingdee drops them silently.", false, booleanValue(true)},
		{"BatchCount", "服务端开启的线程数. Threads that Kingdee uses for a call.", false, integerValue{5, 1, 10}},
		{"lines", "A condition: which of the order's lines become lines of the bill. Every line if left out.", false, expressionValue{}},
		{"split_defective", "Whether a partly damaged line (defective_qty 次品数量) is split in two, sound and damaged.", false, booleanValue(false)},
		{"one_line", "Whether the bill has a single line, made from the order's own fields. For money that is not of its lines.", false, booleanValue(false)},
		{"discount", "Money of the whole order that its lines do not have yet: it is taken off them in proportion, to the cent.", false, discountKeys},
		{"source_bill", "Links the bill's lines to the lines of the bills that they come from, such as outbound bills. Not linked if left out.", false, sourceBillKeys()},
		{"own_fields", "Fields added to the form in Kingdee's designer (BOS), by the part of the bill.", false, otherValue(anyObject)},
	}
}

var discountKeys = sectionValue{
	{"amount", "The discount, of the order's own fields and items.", true, expressionValue{}},
	{"from", "The field of the lines that it is taken off, such as sale_amount.", true, textValue{}},
}

var ownFieldKeys = sectionValue{
	{"type", "The field's type in Kingdee: text 文本, base_data 基础资料 (by number), decimal 小数, integer 整数, date 日期, check_box 复选框.", true, choiceValue(ownTypeNames)},
	{"label", "What messages call the field.", false, withDefault{textValue{}, "自定义字段"}},
}

// ownFieldsKeys are the parts of a form's bill that own_fields can be in.
func ownFieldsKeys(form *catalog.Interface) sectionValue {
	return sectionValue{
		{string(catalog.Head), "Fields of the bill's head (单据头).", false, otherValue(ownFieldsSchema)},
		{string(form.Form.Lines), "Fields of the bill's lines.", false, otherValue(ownFieldsSchema)},
	}
}

// mappingKeys give one field of the bill its value.
var mappingKeys = sectionValue{
	{"constant", "A value that is the same for every bill.", false, textValue{}},
	{"field", "A field of the order, such as so_id, or of the line, such as item.sku_id.", false, textValue{fieldPath.String()}},
	{"expression", "A computed value. Numbers are exact decimals.", false, expressionValue{}},
	{"table", "The table that translates the code.", false, textValue{}},
	{"required", "Whether an order without this value is parked. Fields that Kingdee requires are required anyway.", false, booleanValue(false)},
}

var tableKeys = sectionValue{
	{"default", "For codes without a row: a value, or pass for the code itself. If left out, an order with such a code is parked.", false, textValue{}},
	{"values", "The rows, code: value.", false, otherValue(rowsSchema)},
	{"file", "A CSV file beside this one with the rows: UTF-8, columns code, value and optionally remark.", false, textValue{}},
}

var kingdeeTableKeys = sectionValue{
	{"from", "Where the rows come from: Kingdee's base data.", true, choiceValue{"kingdee"}},
	{"form", "The form id of the base data, such as BD_Customer.", true, textValue{kingdeeForm.String()}},
	{"by", "The field that holds the code, such as FName.", true, textValue{kingdeeKey.String()}},
	{"value", "The field that holds the value, such as FNumber.", true, textValue{kingdeeKey.String()}},
	{"where", "A filter as Kingdee takes it, such as FUseOrgId.FNumber = '100'.", false, textValue{}},
	{"key", "The field that identifies an entry, where this is not known of the form.", false, textValue{kingdeeKey.String()}},
	{"refresh", "How long the rows are kept before they are read again.", false, durationValue{defaultRefresh, time.Minute, day}},
}

var optionKeys = sectionValue{
	{"existing", "What happens to a bill whose order has changed since: report parks the order; update changes the bill unless it is submitted; supplement books what was received since in another bill.", false, choiceValue{flow.ExistingReport, flow.ExistingUpdate, flow.ExistingSupplement}},
	{"withdrawn", "What happens to a bill whose order has since been cancelled, merged or un-confirmed: report parks the order; delete deletes the bill unless it is submitted.", false, choiceValue{flow.WithdrawnReport, flow.WithdrawnDelete}},
	{"submit_and_audit", "none only saves; kingdee has Kingdee submit and audit within the same call; explicit calls Submit and Audit afterwards.", false, choiceValue{flow.SubmitAndAuditNone, flow.SubmitAndAuditKingdee, flow.SubmitAndAuditExplicit}},
	{"in_flight", "How many orders of a window are saved at once.", false, integerValue{100, 1, 1000}},
	{"windows_at_once", "How many windows are read at once.", false, integerValue{8, 1, 50}},
	{"grain", "What one activity saves: order, one order; page, the orders of several pages; auto, one order in a run of up to 5,000 orders, and pages in a larger one.", false, choiceValue(contract.Grains)},
	{"expected_differences", "Fields whose values in Kingdee may differ from those sent, because Kingdee rounds them or a plug-in changes them.", false, listValue{of: textValue{}}},
}

var checkKeys = sectionValue{
	{"enabled", "Whether scheduled runs are on.", false, booleanValue(true)},
	{"leave_out", "An order is left out for the first of these that holds, and counted under its reason.", false, listValue{of: leaveOutKeys}},
	{"require", "What must hold for every order that is not left out. Otherwise it is parked under the reason of the first that does not.", false, listValue{of: requireKeys}},
	{"not_booked", "Money of the orders that is in no bill, added up in a run's result.", false, listValue{of: notBookedKeys}},
	{"closed_periods", "Days that finance has closed: no new bill is dated to one. Nothing is closed if left out.", false, closedPeriodKeys},
	{"too_many_failures", "A run stops when this percentage of a page's or a run's orders fails for one cause; 0 never stops.", false, integerValue{80, 0, 100}},
	{"lag_limit", "How far the watermark may lag before status and alerts report it.", false, durationValue{time.Hour, time.Minute, 30 * day}},
	{"retry", "How often, and after what waits, a failed call is retried.", false, retryKeys},
	{"schedule", "When the flow runs, after starter schedule create. Only by hand if left out.", false, scheduleKeys},
	{"sweep", "Reads the last days again once a day, to find what was missed. Never if left out.", false, sweepKeys},
	{"reconcile", "Reconciles the last whole days with Kingdee once a day. Only by hand if left out.", false, reconcileKeys},
}

var (
	leaveOutKeys = sectionValue{
		{"when", "A condition on the order.", true, expressionValue{}},
		{"reason", "Why the order is left out, as shown in results.", true, textValue{}},
	}
	requireKeys = sectionValue{
		{"that", "A condition on the order. If it names item, it must hold for each line.", true, expressionValue{}},
		{"reason", "The code that the order is parked under: a-z, 0-9 and _, beginning with a letter.", true, textValue{requirementReason.String()}},
		{"message", "What is wrong with the order.", true, textValue{}},
		{"advice", "What to do about it.", true, textValue{}},
	}
	notBookedKeys = sectionValue{
		{"amount", "An amount of money of the order.", true, expressionValue{}},
		{"reason", "What the money is for.", true, textValue{}},
	}
	closedPeriodKeys = sectionValue{
		{"until", "The last day that is closed.", false, textValue{datePattern}},
		{"month_closes_on_day", "The day of a month from which the month before is closed.", false, integerValue{0, 1, 28}},
		{"then", "What happens to an order whose bill would be dated to a closed day: park parks it; first_open_day dates the bill to the first open day.", false, choiceValue{flow.ClosedPark, flow.ClosedFirstOpenDay}},
	}
	retryKeys = sectionValue{
		{"attempts", "Attempts in total.", false, integerValue{8, 1, 100}},
		{"first", "The wait before the second attempt.", false, durationValue{2 * time.Second, time.Second, day}},
		{"factor", "Each wait is this many times the one before.", false, integerValue{2, 1, 10}},
		{"longest", "The longest wait.", false, durationValue{5 * time.Minute, time.Second, day}},
	}
	scheduleKeys = sectionValue{
		{"cron", "A line of five fields (minute, hour, day, month, weekday), or a list of them.", true, otherValue(cronSchema)},
		{"time_zone", "An IANA time zone.", false, withDefault{textValue{}, "Asia/Shanghai"}},
		{"not_between", "Time ranges in which no run starts, such as \"01:00-01:30\".", false, listValue{of: textValue{daySpanPattern}}},
	}
	sweepKeys = sectionValue{
		{"days", "How many days are read again.", false, integerValue{15, 1, 90}},
		{"at", "The time of day, in the schedule's time zone.", false, withDefault{textValue{minutePattern}, "03:30"}},
	}
	reconcileKeys = sectionValue{
		{"days", "How many whole days are reconciled, up to yesterday, Beijing time.", false, integerValue{3, 1, 31}},
		{"at", "The time of day, in the schedule's time zone.", false, withDefault{textValue{minutePattern}, "06:00"}},
	}
)

var alertKeys = sectionValue{
	{"robots", "The robots that send alerts.", true, listValue{robotKeys, 1}},
	{"interval", "At most one message per cause in this time.", false, durationValue{time.Hour, time.Minute, 30 * day}},
	{"nothing_synced_for", "Alert when no bill was saved for this long; 0s never does.", false, durationValue{day, 0, 30 * day}},
	{"daily_at", "The time of day, Beijing time, at which the summary of the day before is sent, also when all is well. None if left out.", false, textValue{minutePattern}},
}

var robotKeys = sectionValue{
	{"robot", "wecom 企业微信, dingtalk 钉钉, feishu 飞书, or webhook for any address that takes JSON.", true, choiceValue(robotKinds)},
	{"url_from", "The environment variable that holds the robot's address.", true, textValue{variableName.String()}},
	{"secret_from", "The environment variable that holds the robot's secret (钉钉 加签, 飞书 签名校验).", false, textValue{variableName.String()}},
}
