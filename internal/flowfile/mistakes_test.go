package flowfile

import (
	"cmp"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/testkit/golden"
	"refundsync/internal/text"
)

const warehousesCSV = "code,value,remark\n20001,CK001,杭州仓\n20002,CK002,广州仓\n"

func base(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("testdata/base.yaml")
	require.NoError(t, err)
	return string(data)
}

// parseText reads a flow from text, with one CSV file beside it.
func parseText(text, csv string) *parser {
	return parse("flow.yaml", []byte(text), func(path string) ([]byte, error) {
		if path != "warehouses.csv" {
			return nil, os.ErrNotExist
		}
		return []byte(csv), nil
	})
}

// ownHead declares fields of the merchant's own in place of ownBefore; what follows it is
// in the bill's head.
const (
	ownBefore = "  fields:\n    FBillNo: { field: as_id }\n"
	ownHead   = "  own_fields:\n    head:\n      F_ABCD_Text: { type: text, label: 网上订单号 }\n      F_ABCD_Flag: { type: check_box }\n      F_ABCD_Count: { type: integer }\n" + ownBefore
)

// customersTable are the rows of the first table of testdata/base.yaml.
const customersTable = "    default: CUST\n    values: { 天猫旗舰店: CUST_TMALL }"

// mistake is a change to testdata/base.yaml; the messages about it are in
// testdata/mistakes, under its name.
type mistake struct {
	name     string
	old, new string // in base.yaml; an old of "" replaces the whole file
	csv      string // instead of warehousesCSV
}

// text is the flow file with the mistake.
func (m mistake) text(t *testing.T) string {
	t.Helper()
	if m.old == "" {
		return m.new
	}
	require.Contains(t, base(t), m.old)
	return strings.Replace(base(t), m.old, m.new, 1)
}

func (m mistake) problems(t *testing.T) Problems {
	t.Helper()
	problems := parseText(m.text(t), cmp.Or(m.csv, warehousesCSV)).allProblems()
	require.NotEmpty(t, problems)
	return problems
}

var mistakes = []mistake{
	// The YAML itself.
	{name: "syntax unclosed bracket", old: `{ attempts: 8,`, new: `{ attempts: [8,`},
	{name: "syntax tab", old: "  method:", new: "\tmethod:"},
	{name: "syntax indentation", old: "  key: as_id", new: "   key: as_id"},
	{name: "syntax tab within the indentation", old: "    FDate:", new: "    \tFDate:"},
	{name: "syntax indentation of a part", old: "name: base", new: " name: base"},
	{name: "syntax indentation of an entry", old: "      reason: 仅退款", new: "     reason: 仅退款"},
	{name: "syntax indentation too deep", old: "    FDate:", new: "     FDate:"},
	{name: "syntax indentation by full-width spaces", old: "  key:", new: "　　key:"},
	{name: "syntax indentation by no-break spaces", old: "  key:", new: "\u00a0\u00a0key:"},
	{name: "syntax full-width colon", old: "  key: as_id", new: "  key：as_id"},
	{name: "syntax full-width colon in the first line", old: "version: 1", new: "version：1"},
	{name: "syntax full-width colon of a part", old: "options:\n", new: "options：\n"},
	{name: "syntax full-width braces", old: "{ field: as_id }", new: "｛ field: as_id ｝"},
	{name: "syntax full-width dash", old: "    - when:", new: "    － when:"},
	{name: "syntax full-width comma of a list", old: `cron: "*/10 * * * *"`, new: `cron: ["@hourly"，"@daily"]`},
	{name: "syntax colon without a space", old: `page_size: "50"`, new: `page_size:"50"`},
	{name: "syntax colon within a text", old: "reason: 仅退款", new: "reason: 仅退款，没有退货 (refund only: no goods came back)"},
	{name: "syntax dash without a space", old: "    - when:", new: "    -when:"},
	{name: "syntax quote that is shut by another", old: "status: Confirmed", new: `status: "Confirmed”`},
	{name: "key at the wrong level", old: "  key: as_id", new: "    key: as_id"},
	{name: "part at the wrong level", old: "options:\n  submit", new: "  options:\n    submit"},
	{name: "another encoding", old: "reason: 仅退款", new: "reason: \xbd\xf6\xcd\xcb\xbf\xee"},
	{name: "another encoding Unicode", new: "\xff\xfev\x00e\x00r\x00"},
	{name: "another encoding that cost the text", old: "reason: 仅退款", new: "reason: \ufffd\ufffd"},
	{name: "typographic quotes", old: `page_size: "50"`, new: "page_size: “50”"},
	{name: "typographic quotes of a constant", old: `FSaleOrgId: { constant: "100" }`, new: "FSaleOrgId: { constant: ‘100’ }"},
	{name: "typographic quotes of a key", old: "{ 天猫旗舰店:", new: "{ “天猫旗舰店”:"},
	{name: "typographic quotes of a wrong name", old: "{ field: as_id }", new: "{ field: “as_idd” }"},
	{name: "typographic quotes on one side of a code", old: ": CUST_TMALL }", new: ": CUST_TMALL” }"},
	{name: "no-break space at the end", old: "key: as_id", new: "key: as_id\u00a0"},
	{name: "invisible character at the beginning", old: "status: Confirmed", new: "status: \u200bConfirmed"},
	{name: "full-width colon within braces", old: "{ field: as_id }", new: "{ field：as_id }"},
	{name: "full-width colon of a code", old: "天猫旗舰店: CUST_TMALL", new: "天猫旗舰店：CUST_TMALL"},
	{name: "full-width comma within braces", old: "CUST_TMALL }", new: "CUST_TMALL， 京东专营店: CUST_JD }"},
	{name: "full-width comma between numbers", old: "attempts: 8,", new: "attempts: 8，"},
	{name: "full-width digit", old: "BatchCount: 5", new: "BatchCount: ５"},
	{name: "full-width letters of a code", old: "CUST_TMALL }", new: "ＣＵＳＴ }"},
	{name: "full-width letter of a name", old: "status: Confirmed", new: "status: Ｃonfirmed"},
	{name: "scientific notation of a text", old: `{ constant: "100" }`, new: "{ constant: 1.00E+02 }"},
	{name: "scientific notation of a text in quotes", old: `{ constant: "100" }`, new: `{ constant: "1.00E+02" }`},
	{name: "scientific notation of a number", old: "FRealQty: { field: item.r_qty }", new: "FRealQty: { constant: 2.0001E+04 }"},
	{name: "scientific notation of a setting", old: "BatchCount: 5", new: "BatchCount: 5.0E+00"},
	{name: "scientific notation of a parameter", old: "status: Confirmed", new: `shop_id: "1.00023E+07"`},
	{name: "scientific notation of a code", old: "{ 天猫旗舰店:", new: `{ 2.0001E+04: A, "2.0002E+04":`},
	{name: "scientific notation in an expression", old: "item.price == 0", new: "item.price == 2.0001E+04"},
	{name: "empty file", new: "# nothing\n"},
	{name: "not a mapping", new: "- a\n- b\n"},
	{name: "two documents", old: "  schedule:", new: "---\nschedule:"},
	{name: "anchor", old: "window: 6h", new: "window: &w 6h"},

	// Keys.
	{name: "unknown key", old: "  window: 6h", new: "  windw: 6h"},
	{name: "unknown key at top", old: "options:", new: "option:"},
	{name: "unknown key after Chinese", old: "values: { 天猫旗舰店: CUST_TMALL }", new: "values: { 天猫旗舰店: CUST_TMALL }, 缺省: X"},
	{name: "unknown key in flow style", old: "{ field: as_id }", new: "{ feild: as_id }"},
	{name: "comma in an unquoted text", old: `"latest(map(lines, .receive_date))"`, new: "latest(map(lines, .receive_date))"},
	{name: "duplicate key", old: "  window: 6h", new: "  window: 6h\n  window: 7h"},
	{name: "duplicate Kingdee field", old: "    FSaleOrgId:", new: "    FBillNo: { field: so_id }\n    FSaleOrgId:"},
	{name: "duplicate code", old: "{ 天猫旗舰店: CUST_TMALL }", new: "{ 天猫旗舰店: CUST_TMALL, 天猫旗舰店: CUST_JD }"},
	{name: "key without quotes", old: "{ 天猫旗舰店: CUST_TMALL }", new: "{ 10001: CUST_TMALL }"},
	{name: "missing key", old: "  key: as_id\n", new: ""},
	{name: "missing key at top", old: "name: base\n", new: ""},
	{name: "missing value", old: "name: base", new: "name:"},
	{name: "version of the future", old: "version: 1", new: "version: 2"},
	{name: "name with a dash", old: "name: base", new: "name: Base-1"},
	{name: "empty name", old: "name: base", new: `name: ""`},

	// Types of settings.
	{name: "text for a section", old: "{ attempts: 8, first: 2s, factor: 2, longest: 5m }", new: "never"},
	{name: "number for text", old: `page_size: "50"`, new: "page_size: 50"},
	{name: "bool for text", old: "reason: 仅退款", new: "reason: true"},
	{name: "text for a bool", old: "  submit_and_audit: none", new: "  submit_and_audit: none\nchecks:\n  enabled: \"yes\"\nx:"},
	{name: "text for a whole number", old: "BatchCount: 5", new: `BatchCount: "5"`},
	{name: "mapping for a list", old: "    - when: type == \"仅退款\"\n      reason: 仅退款", new: "    when: type == \"仅退款\""},
	{name: "list for text", old: "key: as_id", new: "key: [as_id]"},

	{name: "table from another system", old: customersTable, new: "    from: jushuitan\n    form: BD_Customer\n    by: FName\n    value: FNumber"},
	{name: "table from Kingdee without its parts", old: customersTable, new: "    from: kingdee\n    form: BD_Customer"},
	{name: "table from Kingdee with a default", old: customersTable, new: "    from: kingdee\n    form: BD_Customer\n    by: FName\n    value: FNumber\n    default: CUST"},
	{name: "table from Kingdee with rows", old: customersTable, new: "    from: kingdee\n    form: BD_Customer\n    by: FName\n    value: FNumber\n    values: { A: B }"},
	{name: "table from Kingdee of a form without a known key", old: customersTable, new: "    from: kingdee\n    form: BD_Custome\n    by: FName\n    value: FNumber"},
	{name: "table from Kingdee of odd names", old: customersTable, new: "    from: kingdee\n    form: 客户\n    by: 名称\n    value: FNumber;\n    key: name"},
	{name: "table from Kingdee that is never fresh", old: customersTable, new: "    from: kingdee\n    form: BD_Customer\n    by: FName\n    value: FNumber\n    refresh: 1s"},
	{name: "table from Kingdee with empty parts", old: customersTable, new: "    from: kingdee\n    form: \"\"\n    by: \"\"\n    value: \"\"\n    where: \"\""},
	{name: "filter with typographic quotes", old: customersTable, new: "    from: kingdee\n    form: BD_Customer\n    by: FName\n    value: FNumber\n    where: FUseOrgId.FNumber = ‘100’"},
	{name: "filter with an open quote", old: customersTable, new: "    from: kingdee\n    form: BD_Customer\n    by: FName\n    value: FNumber\n    where: FName = 'O'Brien'"},
	{name: "form without from", old: customersTable, new: "    form: BD_Customer\n    by: FName\n    value: FNumber"},
	{name: "text for tables", old: "tables:\n  customers:\n    default: CUST\n    values: { 天猫旗舰店: CUST_TMALL }\n  warehouses:\n    file: warehouses.csv", new: "tables: none"},
	{name: "list for parameters", old: "  parameters:\n    page_index: \"{page_index}\"\n    start_time: \"{start_time}\"\n    end_time: \"{end_time}\"\n    page_size: \"50\"\n    status: Confirmed\n", new: "  parameters: []\n"},
	{name: "block of text for a number", old: "  BatchCount: 5", new: "  BatchCount: |\n    5"},
	{name: "number for an expression", old: `when: type == "仅退款"`, new: "when: 5"},

	// The source.
	{name: "unknown method", old: "jushuitan.refund.list.query", new: "jushuitan.refund.list.qeury"},
	{name: "key that is no field", old: "key: as_id", new: "key: as_idd"},
	{name: "key that is a time", old: "key: as_id", new: "key: modified"},
	{name: "unknown request parameter", old: "status: Confirmed", new: "statsu: Confirmed"},
	{name: "request parameter of another reader", old: "status: Confirmed", new: `start_ts: "1"`},
	{name: "unknown status", old: "status: Confirmed", new: "status: Confirm"},
	{name: "unknown date_type", old: "status: Confirmed", new: `date_type: "3"`},
	{name: "date_type of a flow that runs by itself", old: "status: Confirmed", new: `date_type: "1"`},
	{name: "empty parameter", old: "status: Confirmed", new: `shop_id: ""`},
	{name: "missing placeholder", old: "    end_time: \"{end_time}\"\n", new: ""},
	{name: "fixed placeholder", old: `"{start_time}"`, new: `"2024-03-01 00:00:00"`},
	{name: "page_size of 0", old: `page_size: "50"`, new: `page_size: "0"`},
	{name: "page_size of 101", old: `page_size: "50"`, new: `page_size: "101"`},
	{name: "page_size of words", old: `page_size: "50"`, new: `page_size: fifty`},
	{name: "window of 7 days", old: "window: 6h", new: "window: 168h"},
	{name: "window of nothing", old: "window: 6h", new: "window: 0s"},
	{name: "window that is no duration", old: "window: 6h", new: "window: 6小时"},
	{name: "window as a number", old: "window: 6h", new: "window: 6"},
	{name: "overlap below nothing", old: "window: 6h", new: "overlap: -1m"},
	{name: "unknown cursor", old: "window: 6h", new: "cursor: version"},
	{name: "since_ts of a run by time", old: "window: 6h", new: "since_ts: 5"},
	{name: "since_ts in words", old: "window: 6h", new: "cursor: row_version\n  since_ts: first"},
	{name: "row versions a row at a time", old: "    page_size: \"50\"\n    status: Confirmed\n  key: as_id\n", new: "    page_size: \"1\"\n  key: as_id\n  cursor: row_version\n"},
	{name: "lag finer than a second", old: "window: 6h", new: "lag: 1500ms"},

	// Tables.
	{name: "unknown table", old: "table: customers", new: "table: custmers"},
	{name: "table for a number", old: "FRealQty: { field: item.r_qty }", new: "FRealQty: { field: item.r_qty, table: customers }"},
	{name: "table of a number", old: "field: shop_name, table", new: "field: refund, table"},
	{name: "table with two sources", old: "    file: warehouses.csv", new: "    file: warehouses.csv\n    values: { a: b }"},
	{name: "table with no source", old: "    file: warehouses.csv", new: "    default: CK900"},
	{name: "table with an empty value", old: "CUST_TMALL }", new: `" " }`},
	{name: "csv missing", old: "warehouses.csv", new: "werehouses.csv"},
	{name: "csv outside", old: "file: warehouses.csv", new: "file: ../warehouses.csv"},
	{name: "csv empty", old: "base", new: "base", csv: "\n"},
	{name: "csv of another encoding", old: "base", new: "base", csv: "code,value\n\xba\xbc\xd6\xdd,CK001\n"},
	{name: "csv as Excel writes codes", old: "base", new: "base", csv: "code,value,remark\n2.0001E+04,CK001,\n20002,1.2E+05,\n#N/A,CK003,\n\"=\"\"20004\"\"\",#REF!,\n######,CK005,\n"},
	{name: "csv of other characters", old: "base", new: "base", csv: "code,value\n“20001”,CK001\n２０００２,CK002\n20003,ＣＫ003\n\u200b20004,CK004\n'20005,CK005，\n【官方】旗舰店（杭州）,CK006\n"},
	{name: "csv of tabs", old: "base", new: "base", csv: "code\tvalue\n20001\tCK001\n"},
	{name: "csv of semicolons", old: "base", new: "base", csv: "code;value\n20001;CK001\n"},
	{name: "csv full-width comma", old: "base", new: "base", csv: "code,value\n20001，CK001\n20002,CK002\n"},
	{name: "csv that was damaged", old: "base", new: "base", csv: "code,value\n\ufffd\ufffd,CK001\n"},
	{name: "csv header", old: "base", new: "base", csv: "编码,valeu\n20001,CK001\n"},
	{name: "csv header twice", old: "base", new: "base", csv: "code,value,code\n1,2,3\n"},
	{name: "csv rows", old: "base", new: "base", csv: "\ufeffcode,value,remark\n20001,CK001\n20002,,广州仓\n\n20003,CK003,成都仓\n20003,CK004,成都仓\n"},
	{name: "csv quotes", old: "base", new: "base", csv: "code,value\n杭州,CK\"001\n"},

	// The call and its options.
	{name: "unknown form", old: "FormId: SAL_RETURNSTOCK", new: "FormId: SAL_RETURNSTOK"},
	{name: "unknown operation", old: "Operation: batchSave", new: "Operation: save"},
	{name: "BatchCount of 0", old: "BatchCount: 5", new: "BatchCount: 0"},
	{name: "BatchCount of 11", old: "BatchCount: 5", new: "BatchCount: 11"},
	{name: "BatchCount of a half", old: "BatchCount: 5", new: "BatchCount: 0.5"},
	{name: "unknown way to audit", old: "submit_and_audit: none", new: "submit_and_audit: explict"},
	{name: "audit without the flag", old: "submit_and_audit: none", new: "submit_and_audit: kingdee"},
	{name: "flag without audit", old: "  BatchCount: 5", new: "  IsAutoSubmitAndAudit: true"},
	{name: "flag without options", old: "  BatchCount: 5\n", new: "  IsAutoSubmitAndAudit: true\n  BatchCount: 5\n"},
	{name: "unknown way with what exists", old: "submit_and_audit: none", new: "existing: replace"},
	{name: "in_flight of 0", old: "submit_and_audit: none", new: "in_flight: 0"},
	{name: "too_many_failures of 101", old: "  retry: {", new: "  too_many_failures: 101\n  retry: {"},
	{name: "closed_periods without a day", old: "  retry: {", new: "  closed_periods: { then: park }\n  retry: {"},
	{name: "closed_periods misspelt", old: "  retry: {", new: "  closed_periods: { month_closes_on: 5 }\n  retry: {"},
	{name: "closed_periods until a day that does not exist", old: "  retry: {", new: "  closed_periods: { until: \"2023-02-29\" }\n  retry: {"},
	{name: "closed_periods until a month", old: "  retry: {", new: "  closed_periods: { until: 202402 }\n  retry: {"},
	{name: "closed_periods from the 29th on", old: "  retry: {", new: "  closed_periods: { month_closes_on_day: 29 }\n  retry: {"},
	{name: "closed_periods with an unknown way", old: "  retry: {", new: "  closed_periods: { month_closes_on_day: 5, then: next_month }\n  retry: {"},
	{name: "sweep of a year", old: "  schedule:", new: "  sweep: { days: 365 }\n  schedule:"},
	{name: "sweep at no time", old: "  schedule:", new: "  sweep: { at: \"24:00\" }\n  schedule:"},
	{name: "sweep in a quiet time", old: "time_zone: Asia/Shanghai }", new: "not_between: [\"23:00-04:00\"] }\n  sweep: {at: \"03:30\"}"},
	{name: "reconcile of half a year", old: "  schedule:", new: "  reconcile: { days: 180 }\n  schedule:"},
	{name: "reconcile at a time that does not exist", old: "  schedule:", new: "  reconcile: { at: \"25:00\" }\n  schedule:"},
	{name: "supplement of a quantity that is worked out", old: "      FRealQty: { field: item.r_qty }\n      FAmount: { expression: \"round(item.price * item.r_qty, 2)\" }\n      FIsFree: { expression: item.price == 0 }\n      FStockId: { field: wms_co_id, table: warehouses }\noptions:\n  submit_and_audit: none",
		new: "      FRealQty: { expression: item.r_qty - 1 }\n      FAmount: { expression: \"round(item.price * item.r_qty, 2)\" }\n      FIsFree: { expression: item.price == 0 }\n      FStockId: { field: wms_co_id, table: warehouses }\noptions:\n  existing: supplement"},
	{name: "unknown grain", old: "submit_and_audit: none", new: "grain: pages"},
	{name: "expected_differences of an unknown field", old: "submit_and_audit: none", new: "expected_differences: [FStockID, FSomething]"},
	{name: "expected_differences of the number and the mark", old: "submit_and_audit: none", new: "expected_differences: [FBillNo, FHeadNote]"},
	{name: "expected_differences that is no list", old: "submit_and_audit: none", new: "expected_differences: FStockId"},
	{name: "windows_at_once of 51", old: "submit_and_audit: none", new: "windows_at_once: 51"},

	// The bill's fields.
	{name: "misspelt Kingdee field", old: "FRetcustId:", new: "FRetCustID:"},
	{name: "unknown Kingdee field", old: "    FDate:", new: "    FSomething: { constant: x }\n    FDate:"},
	{name: "FStockId in the head", old: "    FDate:", new: "    FStockId: { constant: x }\n    FDate:"},
	{name: "FSettleCurrId in the head", old: "    FDate:", new: "    FSettleCurrId: { constant: PRE001 }\n    FDate:"},
	{name: "option among the fields", old: "    FDate:", new: "    BatchCount: { constant: 5 }\n    FDate:"},
	{name: "head field in a line", old: "      FMaterialId:", new: "      FHeadNote: { constant: x }\n      FMaterialId:"},
	{name: "missing required field", old: "    FSaleOrgId: { constant: \"100\" }\n", new: ""},
	{name: "missing required field of a line", old: "      FMaterialId: { field: item.sku_id }\n", new: ""},
	{name: "missing bill number", old: "    FBillNo: { field: as_id }\n", new: ""},
	{name: "constant bill number", old: "{ field: as_id }", new: "{ constant: XSTHD001 }"},
	{name: "bill number of another field", old: "{ field: as_id }", new: "{ field: so_id }"},
	{name: "bill number of the key and another field", old: "{ field: as_id }", new: `{ expression: '"TH" + as_id + "-" + shop_name' }`},
	{name: "bill number of a condition", old: "{ field: as_id }", new: `{ expression: 'has(refund) ? as_id : "TH" + as_id' }`},
	{name: "bill number of the lines", old: "{ field: as_id }", new: `{ expression: 'as_id + "-" + text(len(items)) + join(map(lines, .sku_id), "")' }`},
	{name: "bill number of a constant expression", old: "{ field: as_id }", new: `{ expression: '"TH"' }`},
	{name: "bill number by a table", old: "{ field: as_id }", new: "{ field: as_id, table: customers }"},
	{name: "field without a value", old: "FSaleOrgId: { constant: \"100\" }", new: "FSaleOrgId: { required: true }"},
	{name: "field with two values", old: "{ field: as_id }", new: "{ field: as_id, expression: so_id }"},
	{name: "field that is text alone", old: "FBillNo: { field: as_id }", new: "FBillNo: as_id"},
	{name: "constant with a table", old: "FSaleOrgId: { constant: \"100\" }", new: "FSaleOrgId: { constant: \"100\", table: customers }"},
	{name: "constant number for a reference", old: "FSaleOrgId: { constant: \"100\" }", new: "FSaleOrgId: { constant: 100 }"},
	{name: "constant text for a number", old: "FRealQty: { field: item.r_qty }", new: `FRealQty: { constant: "1" }`},
	{name: "constant number of another base", old: "FRealQty: { field: item.r_qty }", new: "FRealQty: { constant: 0x10 }"},
	{name: "constant number too long", old: "FRealQty: { field: item.r_qty }", new: "FRealQty: { constant: 0.00000000000000000000000000000000000000000000000001 }"},
	{name: "constant text for a bool", old: "FIsFree: { expression: item.price == 0 }", new: `FIsFree: { constant: "true" }`},
	{name: "constant text for a date", old: `{ expression: "latest(map(lines, .receive_date))" }`, new: "{ constant: 2024-02-30 }"},
	{name: "constant number for a date", old: `{ expression: "latest(map(lines, .receive_date))" }`, new: "{ constant: 20240301 }"},

	// The merchant's own fields.
	{name: "own field that is not declared", old: "    FDate:", new: "    F_ABCD_Text: { field: so_id }\n    FDate:"},
	{name: "own field misspelt", old: ownBefore, new: ownHead + "    F_ABCD_Txet: { field: so_id }\n"},
	{name: "own field in another case", old: ownBefore, new: ownHead + "    F_ABCD_text: { field: so_id }\n"},
	{name: "own field of the head in a line", old: ownBefore, new: ownHead + "    FEntity:\n      F_ABCD_Text: { field: so_id }\n"},
	{name: "own field in another part of the bill", old: "    FEntity:\n", new: "    SubHeadEntity:\n      F_ABCD_Text: { field: so_id }\n    FEntity:\n"},
	{name: "own field declared in another part of the bill", old: "  fields:\n", new: "  own_fields:\n    SubHeadEntity:\n      F_ABCD_Text: { type: text }\n  fields:\n"},
	{name: "own field of an unknown type", old: "  fields:\n", new: "  own_fields:\n    head:\n      F_ABCD_Text: { type: txt }\n  fields:\n"},
	{name: "own field without a type", old: "  fields:\n", new: "  own_fields:\n    head:\n      F_ABCD_Text: { label: 网上订单号 }\n  fields:\n"},
	{name: "own field that is text alone", old: "  fields:\n", new: "  own_fields:\n    head:\n      F_ABCD_Text: text\n  fields:\n"},
	{name: "own field without its prefix", old: "  fields:\n", new: "  own_fields:\n    head:\n      FText: { type: text }\n  fields:\n"},
	{name: "own field twice", old: "  fields:\n", new: "  own_fields:\n    head:\n      F_ABCD_Text: { type: text }\n    FEntity:\n      F_ABCD_TEXT: { type: text }\n  fields:\n"},
	{name: "own field with a value of another type", old: ownBefore, new: ownHead + "    F_ABCD_Text: { field: modified }\n"},
	{name: "own check box with text", old: ownBefore, new: ownHead + "    F_ABCD_Flag: { field: so_id }\n"},
	{name: "own whole number with a half", old: ownBefore, new: ownHead + "    F_ABCD_Count: { constant: 1.5 }\n"},

	// Source fields.
	{name: "unknown source field", old: "{ field: as_id }", new: "{ field: as_idd }"},
	{name: "unknown source field of a line", old: "{ field: item.sku_id }", new: "{ field: item.skuid }"},
	{name: "field of a line without item", old: "{ field: item.sku_id }", new: "{ field: sku_id }"},
	{name: "field of a line in the head", old: "{ field: as_id }", new: "{ field: sku_id }"},
	{name: "field of the order with item", old: "field: wms_co_id", new: "field: item.wms_co_id"},
	{name: "item in the head", old: "{ field: as_id }", new: "{ field: item.asi_id }"},
	{name: "field that is an expression", old: "{ field: as_id }", new: "{ field: as_id + so_id }"},
	{name: "field that is a list", old: "{ field: as_id }", new: "{ field: items }"},
	{name: "field that is a list unknown to the catalog", old: "{ field: as_id }", new: "{ field: batchs }"},
	{name: "text for a number", old: "FRealQty: { field: item.r_qty }", new: "FRealQty: { field: item.sku_id }"},
	{name: "number for the bill number", old: "{ field: as_id }", new: "{ field: refund }"},
	{name: "number for a bool", old: "FIsFree: { expression: item.price == 0 }", new: "FIsFree: { field: item.price }"},
	{name: "text for a date", old: `{ expression: "latest(map(lines, .receive_date))" }`, new: "{ field: type }"},

	// Expressions.
	{name: "expression syntax", old: `lines: item.type == "退货" and item.r_qty > 0`, new: `lines: item.type == "退货" and (item.r_qty > 0`},
	{name: "expression with a single equals sign", old: `item.type == "退货"`, new: `item.type = "退货"`},
	{name: "expression with operators of other languages", old: "item.price == 0", new: "item.price === 0 or item.price <> 1 or item.price => 2 or item.price ≤ 3"},
	{name: "expression with words in capitals", old: `"退货" and item.r_qty > 0`, new: `"退货" AND NOT (item.r_qty > 0) Or True`},
	{name: "expression with typographic quotes", old: `item.type == "退货"`, new: `item.type in [“退货”, ‘拒收退货’, "其它”]`},
	{name: "expression with typographic quotes within quotes", old: `{ expression: "round(item.price * item.r_qty, 2)" }`, new: `{ expression: "item.type == “退货” ? item.price : item.r_qty" }`},
	{name: "expression with a quote alone", old: `item.type == "退货"`, new: `item.type == “退货`},
	{name: "expression with a quote that is not shut", old: `item.type == "退货" and item.r_qty > 0`, new: `item.type == "退货`},
	{name: "expression with full-width characters", old: `"round(item.price * item.r_qty, 2)"`, new: `"round（item．price × ２， 2）"`},
	{name: "expression with a full-width operator", old: `item.type == "退货"`, new: `item.type ＝ "退货"`},
	{name: "expression with a text without quotes", old: `item.type == "退货"`, new: "item.type == 退货"},
	{name: "expression that ends early", old: `"round(item.price * item.r_qty, 2)"`, new: `"item.price *"`},
	{name: "expression with an unknown name after Chinese", old: `lines: item.type == "退货" and item.r_qty > 0`, new: `lines: item.type == "退货" and r_qyt > 0`},
	{name: "expression with several mistakes", old: `"round(item.price * item.r_qty, 2)"`, new: `"rond(item.prize * item.rqty, 2) ?? nil"`},
	{name: "expression in single quotes", old: `"round(item.price * item.r_qty, 2)"`, new: `'item.name + "''" + prize'`},
	{name: "expression in double quotes", old: `"round(item.price * item.r_qty, 2)"`, new: `"\"\u9000\" + prize"`},
	{name: "expression in a block", old: `lines: item.type == "退货" and item.r_qty > 0`, new: "lines: |\n    item.type == \"退货\"\n      and item.r_qyt > 0"},
	{name: "expression in a folded block", old: `lines: item.type == "退货" and item.r_qty > 0`, new: "lines: >-\n    item.type == \"退货\"\n    and item.r_qyt > 0"},
	{name: "expression over two lines", old: `lines: item.type == "退货" and item.r_qty > 0`, new: "lines: item.type == \"退货\"\n    and item.r_qyt > 0"},
	{name: "expression over a tab", old: `lines: item.type == "退货" and item.r_qty > 0`, new: "lines: item.type ==\t\"退货\" and r_qyt > 0"},
	{name: "expression of many folded lines", old: `lines: item.type == "退货" and item.r_qty > 0`, new: "lines: >-\n    item.type == \"退货\"\n\n    and\n    item.r_qyt > 0"},
	{name: "expression with escapes", old: `"round(item.price * item.r_qty, 2)"`, new: `"'\x41\u4e2d\t' + prize"`},
	{name: "has without arguments", old: "item.price == 0", new: "has()"},
	{name: "expression with an unknown function", old: "latest(map(lines, .receive_date))", new: "latst(map(lines, .receive_date))"},
	{name: "expression with a function of floats", old: `"round(item.price * item.r_qty, 2)"`, new: `"abs(item.price)"`},
	{name: "expression with a predicate that is not allowed", old: `"round(item.price * item.r_qty, 2)"`, new: `"reduce(lines, #acc + .price)"`},
	{name: "expression with lines among the lines", old: `lines: item.type == "退货" and item.r_qty > 0`, new: "lines: len(lines) > 0"},
	{name: "expression with nil", old: "item.price == 0", new: "item.price == nil"},
	{name: "expression with a question mark and a dot", old: "item.price == 0", new: "item?.price == 0"},
	{name: "expression with a computed name", old: "item.price == 0", new: "'item[type] == item[type]'"},
	{name: "expression with $env", old: "item.price == 0", new: `$env.price == 0`},
	{name: "number against text", old: "item.price == 0", new: `item.price == "0"`},
	{name: "number added to text", old: "{ field: as_id }", new: `{ expression: "as_id + refund" }`},
	{name: "number in a list", old: "item.price == 0", new: "'item.price in [0, 1]'"},
	{name: "sum of text", old: `"round(item.price * item.r_qty, 2)"`, new: `"sum(map(lines, .sku_id))"`},
	{name: "sum of a number", old: `"round(item.price * item.r_qty, 2)"`, new: `"sum(item.price)"`},
	{name: "latest of numbers", old: "latest(map(lines, .receive_date))", new: "latest(map(lines, .price))"},
	{name: "join of numbers", old: "{ field: as_id }", new: `{ expression: 'join(map(lines, .price), ",")' }`},
	{name: "coalesce of two kinds", old: "latest(map(lines, .receive_date))", new: `coalesce(modified, '2024-03-01')`},
	{name: "coalesce of one", old: "latest(map(lines, .receive_date))", new: `coalesce(modified)`},
	{name: "round without places", old: `"round(item.price * item.r_qty, 2)"`, new: `"round(item.price)"`},
	{name: "has of a list", old: "item.price == 0", new: "has(lines)"},
	{name: "two kinds after a question mark", old: "item.price == 0", new: `(type == "x" ? item.price : "") == 0`},
	{name: "remainder", old: `"round(item.price * item.r_qty, 2)"`, new: `"item.price % 2"`},
	{name: "power", old: `"round(item.price * item.r_qty, 2)"`, new: `"item.price ** 2"`},
	{name: "number in scientific notation beyond reason", old: "item.price == 0", new: "item.price == 1e300"},
	{name: "number of another base", old: "item.price == 0", new: "item.price == (true ? 0x10 : 1)"},
	{name: "condition that is no condition", old: `lines: item.type == "退货" and item.r_qty > 0`, new: "lines: item.r_qty"},
	{name: "precondition that is no condition", old: `when: type == "仅退款"`, new: "when: type"},
	{name: "field of a number", old: "item.price == 0", new: "item.price.value == 0"},
	{name: "expression without end", old: "item.price == 0", new: strings.Repeat("item.price==0 and ", 210) + "true"},

	// Checks.
	{name: "precondition without a reason", old: "      reason: 仅退款\n", new: ""},
	{name: "requirement that is no condition", old: "  retry:", new: "  require:\n    - { that: item.qty, reason: x, message: x, advice: x }\n  retry:"},
	{name: "requirement of an unknown field", old: "  retry:", new: "  require:\n    - { that: item.rqty > 0, reason: x, message: x, advice: x }\n  retry:"},
	{name: "requirement without advice", old: "  retry:", new: "  require:\n    - { that: refund > 0, reason: x, message: x }\n  retry:"},
	{name: "requirement with words for a reason", old: "  retry:", new: "  require:\n    - { that: refund > 0, reason: 没有退款, message: x, advice: x }\n  retry:"},
	{name: "requirements of one reason", old: "  retry:", new: "  require:\n    - { that: refund > 0, reason: x, message: x, advice: x }\n    - { that: freight > 0, reason: x, message: x, advice: x }\n  retry:"},
	{name: "requirements that are no list", old: "  retry:", new: "  require: { that: refund > 0, reason: x, message: x, advice: x }\n  retry:"},
	{name: "money not booked that is no number", old: "  retry:", new: "  not_booked:\n    - { amount: type, reason: x }\n  retry:"},
	{name: "money not booked of a line", old: "  retry:", new: "  not_booked:\n    - { amount: item.amount, reason: x }\n  retry:"},
	{name: "split_defective in words", old: "  lines:", new: "  split_defective: yes\n  lines:"},
	{name: "one line made from no line with a lines condition", old: "  lines:", new: "  one_line: true\n  lines:"},
	{name: "discount from a text", old: "  lines:", new: "  discount: { amount: freight, from: sku_id }\n  lines:"},
	{name: "discount of a line", old: "  lines:", new: "  discount: { amount: item.amount, from: amount }\n  lines:"},
	{name: "flex field of another group", old: "      FIsFree:", new: "      FAuxpropId: { FSTOCKLOCID__FF100001: { field: item.name } }\n      FIsFree:"},
	{name: "field of a group in the line", old: "      FIsFree:", new: "      FSerialNo: { field: item.name }\n      FIsFree:"},
	{name: "codes that are seen as one", old: "values: { 天猫旗舰店: CUST_TMALL }", new: "values: { 天猫A店: CUST_TMALL, 天猫Ａ店: CUST_OTHER }"},
	{name: "attempts of 0", old: "attempts: 8", new: "attempts: 0"},
	{name: "factor of 1.5", old: "factor: 2", new: "factor: 1.5"},
	{name: "first longer than longest", old: "first: 2s", new: "first: 10m"},
	{name: "cron of four fields", old: `"*/10 * * * *"`, new: `"*/10 * * *"`},
	{name: "cron of minute 60", old: `"*/10 * * * *"`, new: `"60 * * * *"`},
	{name: "cron with a zone", old: `"*/10 * * * *"`, new: `"CRON_TZ=Asia/Tokyo */10 * * * *"`},
	{name: "cron that never comes due", old: `"*/10 * * * *"`, new: `"0 0 30 2 *"`},
	{name: "cron of a day and a weekday", old: `"*/10 * * * *"`, new: `"0 8 1 * MON"`},
	{name: "cron of no line", old: `"*/10 * * * *"`, new: `[]`},
	{name: "cron with a wrong line of two", old: `"*/10 * * * *"`, new: `["@hourly", "hourly"]`},
	{name: "span of the day that is no list", old: `time_zone: Asia/Shanghai`, new: `not_between: "01:00-05:00"`},
	{name: "span of the day that is no span", old: `time_zone: Asia/Shanghai`, new: `not_between: ["01:00", "24:00-01:00", "1-5", "00:00-24:00", "02:00-02:00"]`},
	{name: "since that is no time", old: "window: 6h", new: "since: yesterday"},
	{name: "lag limit of a second", old: "checks:\n", new: "checks:\n  lag_limit: 1s\n"},
	{name: "cron missing", old: `cron: "*/10 * * * *", `, new: ``},
	{name: "unknown time zone", old: "Asia/Shanghai", new: "Asia/Beijing"},
	{name: "time zone of the machine", old: "Asia/Shanghai", new: "Local"},

	// Alerts.
	{name: "company in capitals", old: "version: 1\n", new: "version: 1\ncompany: North\n"},
	{name: "company of one letter", old: "version: 1\n", new: "version: 1\ncompany: n\n"},
	{name: "company that is part of a setting", old: "version: 1\n", new: "version: 1\ncompany: open\n"},
	{name: "alerts without robots", old: "checks:\n", new: "alerts:\n  interval: 1h\nchecks:\n"},
	{name: "alerts of no robots", old: "checks:\n", new: "alerts:\n  robots: []\nchecks:\n"},
	{name: "alerts that are a list", old: "checks:\n", new: "alerts:\n  - robot: wecom\n    url_from: WECOM_ROBOT_URL\nchecks:\n"},
	{name: "alerts with an unknown key", old: "checks:\n", new: "alerts:\n  robots: [{ robot: wecom, url_from: A }]\n  intervall: 1h\nchecks:\n"},
	{name: "lag limit below the lag", old: "checks:\n", new: "alerts:\n  robots: [{ robot: wecom, url_from: A }]\nchecks:\n  lag_limit: 5m\n"},
	{name: "robot of an unknown kind", old: "checks:\n", new: "alerts:\n  robots: [{ robot: wechat, url_from: A }]\nchecks:\n"},
	{name: "robot without an address", old: "checks:\n", new: "alerts:\n  robots:\n    - robot: wecom\nchecks:\n"},
	{name: "robot with the address itself", old: "checks:\n", new: "alerts:\n  robots:\n    - { robot: wecom, url_from: 'https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0123456789' }\nchecks:\n"},
	{name: "robot with the address itself in typographic quotes", old: "checks:\n", new: "alerts:\n  robots:\n    - { robot: wecom, url_from: “https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0123456789” }\nchecks:\n"},
	{name: "robot with the secret itself", old: "checks:\n", new: "alerts:\n  robots:\n    - { robot: dingtalk, url_from: A, secret_from: SEC0123456789abcdef }\nchecks:\n"},
	{name: "robot with the secret itself in a block", old: "checks:\n", new: "alerts:\n  robots:\n    - robot: dingtalk\n      url_from: A\n      secret_from: SEC0123456789abcdef # of the robot\nchecks:\n"},
	{name: "robot with a secret that it has no use for", old: "checks:\n", new: "alerts:\n  robots: [{ robot: wecom, url_from: A, secret_from: B }]\nchecks:\n"},
	{name: "robot twice", old: "checks:\n", new: "alerts:\n  robots:\n    - { robot: wecom, url_from: A }\n    - { robot: dingtalk, url_from: A }\nchecks:\n"},
	{name: "robot that is text", old: "checks:\n", new: "alerts:\n  robots: [wecom]\nchecks:\n"},
	{name: "interval of a second", old: "checks:\n", new: "alerts:\n  robots: [{ robot: wecom, url_from: A }]\n  interval: 1s\nchecks:\n"},
	{name: "nothing_synced_for in words", old: "checks:\n", new: "alerts:\n  robots: [{ robot: wecom, url_from: A }]\n  nothing_synced_for: a day\nchecks:\n"},
	{name: "daily_at in words", old: "checks:\n", new: "alerts:\n  robots: [{ robot: wecom, url_from: A }]\n  daily_at: morning\nchecks:\n"},
	{name: "daily_at the end of the day", old: "checks:\n", new: "alerts:\n  robots: [{ robot: wecom, url_from: A }]\n  daily_at: \"24:00\"\nchecks:\n"},
}

func TestEveryMistakeIsReported(t *testing.T) {
	seen := map[string]bool{}
	for _, mistake := range mistakes {
		t.Run(mistake.name, func(t *testing.T) {
			file := regexp.MustCompile(`\W+`).ReplaceAllString(mistake.name, "_")
			require.False(t, seen[file], "another mistake has this name")
			seen[file] = true
			golden.Equal(t, "mistakes/"+file+".txt", mistake.problems(t).Error()+"\n")
		})
	}
}

// In Chinese, only names are English, what the file says, and in brackets what a library
// says.
func TestMistakesInChinese(t *testing.T) {
	text.Use(text.Chinese)
	t.Cleanup(func() { text.Use(text.English) })
	foreign := regexp.MustCompile(`（[^）]*）|“[^”]*”`)
	english := regexp.MustCompile(`\b([Tt]he|an?|is|are|should|expected|[Ff]ound|[Tt]here|of|can't)\b`)
	for _, mistake := range mistakes {
		t.Run(mistake.name, func(t *testing.T) {
			problems := mistake.problems(t)
			require.Contains(t, problems.Error(), "流程文件有")
			for _, problem := range problems {
				require.Regexp(t, `\p{Han}`, problem.What)
				require.NotRegexp(t, english, foreign.ReplaceAllString(problem.What, ""))
			}
		})
	}
}

func TestTheBaseOfTheMistakesHasNoMistake(t *testing.T) {
	assert.Empty(t, parseText(base(t), warehousesCSV).allProblems())
	assert.Empty(t, parseText(strings.ReplaceAll(base(t), "\n", "\r\n"), "\ufeff"+strings.ReplaceAll(warehousesCSV, "\n", "\r\n")).allProblems(),
		"files as Windows writes them")
	assert.Empty(t, parseText("\ufeff"+base(t), warehousesCSV).allProblems(), "with a byte order mark")
}

func TestWhatOnlyLooksLikeAMistakeIsAccepted(t *testing.T) {
	for _, c := range []struct{ name, old, new string }{
		{"a comment", "window: 6h", "window: 6h # 窗口：“六小时”，\t（全角）2.0001E+04 = AND"},
		{"prose", "reason: 仅退款", "reason: 仅退款：“只退款”，没有“退货”！"},
		{"a name in brackets", "天猫旗舰店: CUST_TMALL", "【官方】旗舰店（杭州）: CUST_TMALL"},
		{"odd codes in straight quotes", "天猫旗舰店: CUST_TMALL", `"“天猫”：旗舰店，": "ＣＵＳＴ"`},
		{"a code with a letter among its digits", "天猫旗舰店: CUST_TMALL", `"12E4": 2E05X`},
		{"a text in an expression", `type == "仅退款"`, `type in ["“退货”，＝ AND", '＝', "it's"]`},
		{"a variable", "item.price == 0", `"let free = item.price == 0; free"`},
		{"a remark in an expression", "item.price == 0", `"item.price == 0 // isn't = AND"`},
		{"a tab between key and value", "window: 6h", "window:\t6h"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Contains(t, base(t), c.old)
			assert.Empty(t, parseText(strings.Replace(base(t), c.old, c.new, 1), warehousesCSV).allProblems())
		})
	}
}

func TestAllMistakesOfAFolderAreReportedAtOnceAndInOrder(t *testing.T) {
	_, err := LoadFolder("testdata/folder")
	var problems Problems
	require.True(t, errors.As(err, &problems), "%v", err)
	golden.Equal(t, "folder.txt", strings.ReplaceAll(err.Error(), `\`, "/")+"\n")
}
