package flowfile

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/beijing"
	"refundsync/internal/catalog"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
)

const builtInPath = "../../flows/refund_to_return.yaml"

func builtIn(t testing.TB) *flow.Flow {
	t.Helper()
	f, err := Load(builtInPath)
	require.NoError(t, err)
	return f
}

// decode reads a reply as the client does.
func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var record map[string]any
	require.NoError(t, decoder.Decode(&record))
	return record
}

func pick(t testing.TB, f *flow.Flow, record string) contract.Order {
	t.Helper()
	picked, err := f.Pick(decode(t, record))
	require.NoError(t, err)
	return picked.Order
}

func TestTheBuiltInFlow(t *testing.T) {
	f := builtIn(t)
	assert.Equal(t, "refund_to_return", f.Name)
	assert.Equal(t, "聚水潭售后单 → 金蝶云星空销售退货单", f.Title)
	assert.True(t, f.Enabled)
	assert.Equal(t, flow.Source{
		Interface:  catalog.All()["jushuitan.refund.list.query"],
		Method:     "jushuitan.refund.list.query",
		Parameters: map[string]string{"page_size": "100", "date_type": "0"},
		PageSize:   100,
		DateType:   "0",
		Window:     7*day - 2*time.Second,
		Overlap:    10 * time.Minute,
		Lag:        5 * time.Minute,
		Cursor:     contract.CursorTime,
		Key:        "as_id",
	}, f.Source)
	assert.Equal(t, flow.Call{FormId: "SAL_RETURNSTOCK", Operation: "batchSave", IsVerifyBaseDataField: true, BatchCount: 5}, f.Call)
	assert.Equal(t, flow.Options{Existing: flow.ExistingReport, Withdrawn: flow.WithdrawnReport, SubmitAndAudit: flow.SubmitAndAuditNone, InFlight: 100, WindowsAtOnce: 8, Grain: contract.GrainAuto}, f.Options)
	assert.Equal(t, 80, f.TooManyFailures)
	assert.Equal(t, time.Hour, f.LagLimit)
	assert.Equal(t, flow.ClosedPeriods{Until: time.Date(2023, 12, 31, 0, 0, 0, 0, beijing.Zone), Then: flow.ClosedPark}, f.ClosedPeriods)
	assert.Equal(t, contract.Retry{Attempts: 8, First: 2 * time.Second, Longest: 5 * time.Minute, Factor: 2}, f.Retry)
	assert.Equal(t, time.Hour, f.LagLimit)
	assert.Equal(t, flow.Schedule{Cron: []string{"*/10 * * * *"}, TimeZone: "Asia/Shanghai"}, f.Schedule)
	assert.Equal(t, &flow.Daily{Days: 15, At: 3*60 + 30}, f.Sweep)
	assert.Equal(t, &flow.Daily{Days: 3, At: 6 * 60}, f.Reconcile)
}

// A flow whose bills take each line's received quantity may supplement them.
func TestSupplementIsTaken(t *testing.T) {
	p := parseText(strings.Replace(base(t), "submit_and_audit: none", "existing: supplement", 1), warehousesCSV)
	require.Empty(t, p.allProblems())
	assert.True(t, p.flow.Supplements())
}

func TestDailyWorkIsTaken(t *testing.T) {
	for added, want := range map[string]struct{ sweep, reconcile *flow.Daily }{
		"":                  {},
		"  sweep: {}\n":     {sweep: &flow.Daily{Days: 15, At: 210}},
		"  reconcile: {}\n": {reconcile: &flow.Daily{Days: 3, At: 360}},
		"  sweep: { days: 90, at: \"00:05\" }\n  reconcile: { days: 31, at: \"23:59\" }\n": {&flow.Daily{Days: 90, At: 5}, &flow.Daily{Days: 31, At: 1439}},
	} {
		p := parseText(base(t)+added, warehousesCSV)
		require.Empty(t, p.allProblems())
		assert.Equal(t, want.sweep, p.flow.Sweep, added)
		assert.Equal(t, want.reconcile, p.flow.Reconcile, added)
	}
}

// The built-in flow is the working example of every core field of both interfaces.
func TestTheBuiltInFlowUsesEveryCoreField(t *testing.T) {
	f := builtIn(t)
	for _, field := range catalog.All()["jushuitan.refund.list.query"].Fields[catalog.Request] {
		_, fixed := f.Source.Parameters[field.Name]
		// What these two would filter out must be read: it may have been booked.
		seen := field.Name == "status" || field.Name == "good_status"
		filled := field.Name == "page_index" || field.Name == "start_time" || field.Name == "end_time"
		if field.Origin == catalog.Core {
			assert.True(t, fixed || filled || seen, "%s is not sent", field.Name)
		}
	}

	record, err := os.ReadFile("../flow/testdata/orders/returned.json")
	require.NoError(t, err)
	bill, err := f.Open(pick(t, f, string(record))).Bill()
	require.NoError(t, err)
	var head map[string]json.RawMessage
	var finance map[string]json.RawMessage
	var entries []map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(bill.Model, &head))
	require.NoError(t, json.Unmarshal(head["SubHeadEntity"], &finance))
	require.NoError(t, json.Unmarshal(head["FEntity"], &entries))
	for place, sent := range map[catalog.Place]map[string]json.RawMessage{catalog.Head: head, "SubHeadEntity": finance, "FEntity": entries[0]} {
		for _, field := range catalog.All()["SAL_RETURNSTOCK"].Fields[place] {
			if field.Origin == catalog.Core && field.Name != "FAmount" { // which Kingdee computes
				assert.Contains(t, sent, field.Name, "%s is not mapped", place)
			}
		}
	}
}

// What a flow may leave out has the documented default, which the built-in flow spells out.
func TestDefaults(t *testing.T) {
	text := `
version: 1
name: least
source:
  method: jushuitan.refund.list.query
  parameters: { page_index: "{page_index}", start_time: "{start_time}", end_time: "{end_time}" }
  key: as_id
bill:
  FormId: SAL_RETURNSTOCK
  Operation: batchSave
  fields:
    FBillNo: { field: as_id }
    FSaleOrgId: { constant: "100" }
    FStockOrgId: { constant: "100" }
    FRetcustId: { field: shop_name }
    FEntity: { FMaterialId: { field: item.sku_id }, FRealQty: { field: item.r_qty }, FStockId: { field: wms_co_id } }
`
	p := parseText(text, "")
	require.Empty(t, p.allProblems())
	least, full := p.flow, builtIn(t)
	assert.Equal(t, "least", least.Title)
	assert.Equal(t, map[string]string{"page_size": "100", "date_type": "0"}, least.Source.Parameters)
	assert.Equal(t, full.Enabled, least.Enabled)
	assert.Equal(t, full.Call, least.Call)
	assert.Equal(t, full.Options, least.Options)
	assert.Equal(t, full.Retry, least.Retry)
	assert.Equal(t, full.LagLimit, least.LagLimit)
	assert.Equal(t, flow.Schedule{}, least.Schedule)
	assert.Equal(t, flow.Alerts{}, least.Alerts)
	assert.Equal(t, flow.ClosedPeriods{}, least.ClosedPeriods)
	full.Source.Parameters = least.Source.Parameters
	assert.Equal(t, full.Source, least.Source)

	bill, err := least.Open(pick(t, least, `{"as_id": 1, "shop_name": "x", "wms_co_id": 2, "items": [{"sku_id": "A", "r_qty": 0}]}`)).Bill()
	require.NoError(t, err)
	assert.Equal(t, `{"FBillNo":"1","FSaleOrgId":{"FNumber":"100"},"FStockOrgId":{"FNumber":"100"},"FRetcustId":{"FNumber":"x"},"FEntity":[{"FMaterialId":{"FNumber":"A"},"FRealQty":0,"FStockId":{"FNumber":"2"}}],"FHeadNote":"`+bill.Mark.String()+`"}`, string(bill.Model),
		"without a lines condition every line is kept")
}

func TestExplicitSettingsAreTaken(t *testing.T) {
	text := base(t)
	for old, new := range map[string]string{
		`page_size: "50"`:        `page_size: "100"`,
		"window: 6h":             "window: 167h59m58s\n  overlap: 0s\n  lag: 1h30m\n  since: \"2024-03-01 08:00:00\"\n  cursor: row_version\n  since_ts: 9007199254740993",
		"BatchCount: 5":          "BatchCount: 10\n  IsAutoSubmitAndAudit: true\n  IsVerifyBaseDataField: false",
		"submit_and_audit: none": "{ submit_and_audit: kingdee, in_flight: 1000, windows_at_once: 50, grain: page, existing: update, withdrawn: delete }",
		"checks:\n":              "checks:\n  enabled: false\n  lag_limit: 90m\n",
		"attempts: 8, first: 2s, factor: 2, longest: 5m": "attempts: 1, first: 1s, factor: 1, longest: 24h",
		`cron: "*/10 * * * *", time_zone: Asia/Shanghai`: `cron: ["@hourly", "*/5 8-20 * * MON-FRI"], not_between: ["01:00-05:30", "23:30-00:30", "22:00-24:00"], time_zone: UTC`,
	} {
		require.Contains(t, text, old)
		text = strings.Replace(text, old, new, 1)
	}
	text = strings.Replace(text, "status: Confirmed", `date_type: "2"`, 1)
	p := parseText(text, warehousesCSV)
	require.Empty(t, p.allProblems())
	since := int64(9007199254740993)
	assert.Equal(t, flow.Source{
		Interface: catalog.All()["jushuitan.refund.list.query"],
		Method:    "jushuitan.refund.list.query", Parameters: map[string]string{"page_size": "100", "date_type": "2"}, PageSize: 100, DateType: "2",
		Window: 7*24*time.Hour - 2*time.Second, Overlap: 0, Lag: 90 * time.Minute, Cursor: contract.CursorRowVersion, SinceTS: &since, Key: "as_id",
		Since: time.Date(2024, 3, 1, 8, 0, 0, 0, beijing.Zone),
	}, p.flow.Source)
	assert.Equal(t, flow.Call{FormId: "SAL_RETURNSTOCK", Operation: "batchSave", IsAutoSubmitAndAudit: true, BatchCount: 10}, p.flow.Call)
	assert.Equal(t, flow.Options{Existing: flow.ExistingUpdate, Withdrawn: flow.WithdrawnDelete, SubmitAndAudit: flow.SubmitAndAuditKingdee, InFlight: 1000, WindowsAtOnce: 50, Grain: contract.GrainPage}, p.flow.Options)
	assert.Equal(t, contract.Retry{Attempts: 1, First: time.Second, Factor: 1, Longest: 24 * time.Hour}, p.flow.Retry)
	assert.Equal(t, 90*time.Minute, p.flow.LagLimit)
	assert.Equal(t, flow.Schedule{
		Cron: []string{"@hourly", "*/5 8-20 * * MON-FRI"}, TimeZone: "UTC",
		NotBetween: []flow.DaySpan{{From: 60, To: 330}, {From: 23*60 + 30, To: 30}, {From: 22 * 60, To: 24 * 60}},
	}, p.flow.Schedule)
	assert.False(t, p.flow.Enabled)
}

func TestAlerts(t *testing.T) {
	read := func(alerts string) flow.Alerts {
		p := parseText(strings.Replace(base(t), "checks:\n", alerts+"checks:\n", 1), warehousesCSV)
		require.Empty(t, p.allProblems())
		return p.flow.Alerts
	}
	assert.Equal(t, flow.Alerts{
		Robots:   []flow.Robot{{Kind: flow.RobotWeCom, URLFrom: "WECOM_ROBOT_URL"}},
		Interval: time.Hour, NothingSyncedFor: 24 * time.Hour,
	}, read("alerts: { robots: [{ robot: wecom, url_from: WECOM_ROBOT_URL }] }\n"))
	assert.Equal(t, flow.Alerts{
		Robots: []flow.Robot{
			{Kind: flow.RobotDingTalk, URLFrom: "A", SecretFrom: "B"}, {Kind: flow.RobotFeishu, URLFrom: "C", SecretFrom: "D"},
			{Kind: flow.RobotFeishu, URLFrom: "E"}, {Kind: flow.RobotWebhook, URLFrom: "F"},
		},
		Interval: 10 * time.Minute, NothingSyncedFor: 0,
	}, read(`alerts:
  robots:
    - { robot: dingtalk, url_from: A, secret_from: B }
    - { robot: feishu, url_from: C, secret_from: D }
    - { robot: feishu, url_from: E }
    - { robot: webhook, url_from: F }
  interval: 10m
  nothing_synced_for: 0s
`))
}

// An address or a secret put into the flow file by mistake does not end up in a log.
func TestMistakesShowNoSecret(t *testing.T) {
	for _, alerts := range []string{
		"alerts: { robots: [{ robot: wecom, url_from: 'https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0123456789' }] }\n",
		"alerts:\n  robots:\n    - { robot: dingtalk, url_from: 'http://x/?access_token=0123456789', secret_from: SEC0123456789abc }\n",
		"alerts:\n  robots:\n    - robot: dingtalk\n      url_from: A\n      secret_from: SEC0123456789abc\n",
		"alerts:\n  robots:\n    - robot: dingtalk\n      url_from: >-\n        http://x/?access_token=0123456789\n",
		"alerts: { robots: [{ robot: wecom, url: 'http://x/?key=0123456789' }] }\n",
		"alerts: { robots: ['http://x/?key=0123456789'] }\n",
		"alerts: { robots: http://x/?key=0123456789 }\n",
		"alerts: http://x/?key=0123456789\n",
	} {
		problems := parseText(strings.Replace(base(t), "checks:\n", alerts+"checks:\n", 1), warehousesCSV).allProblems()
		require.NotEmpty(t, problems)
		require.NotContains(t, problems.Error(), "0123456789", alerts)
	}
}

func TestVersionFollowsTheFlowFileAndItsTables(t *testing.T) {
	version := func(text, csv string) string { return parseText(text, csv).flow.Version }
	first := version(base(t), warehousesCSV)
	assert.Regexp(t, `^[0-9a-f]{12}$`, first)
	assert.Equal(t, first, version(base(t), warehousesCSV))
	assert.NotEqual(t, first, version(base(t)+"# more\n", warehousesCSV))
	assert.NotEqual(t, first, version(base(t), warehousesCSV+"20004,CK004,\n"))
}

func TestClosedPeriodsNeedADate(t *testing.T) {
	text := strings.Replace(base(t), "checks:\n", "checks:\n  closed_periods: { month_closes_on_day: 5 }\n", 1)
	text = strings.Replace(text, `    FDate: { expression: "latest(map(lines, .receive_date))" }`+"\n", "", 1)
	problems := parseText(text, warehousesCSV).allProblems()
	require.Len(t, problems, 1)
	require.ErrorContains(t, problems, "With closed_periods, the bill's fields need FDate（日期）.")
}

// A corrected flow can map the parked orders; one that names other fields can't.
func TestPickVersionFollowsTheFieldsNamed(t *testing.T) {
	first := parseText(base(t), warehousesCSV).flow.PickVersion
	assert.Regexp(t, `^[0-9a-f]{12}$`, first)
	mended := strings.Replace(base(t), "CUST_TMALL", "CUST_TMALL_2", 1)
	require.NotEqual(t, base(t), mended)
	assert.Equal(t, first, parseText(mended, warehousesCSV+"20004,CK004,\n").flow.PickVersion)
	header := strings.Replace(base(t), "{ field: as_id }", "{ field: outer_as_id }", 1)
	require.NotEqual(t, base(t), header)
	assert.NotEqual(t, first, parseText(header, warehousesCSV).flow.PickVersion)
}

func TestLoad(t *testing.T) {
	f, err := Load("testdata/folder/first.yaml")
	require.Error(t, err)
	assert.Nil(t, f)
	var problems Problems
	require.ErrorAs(t, err, &problems)
	assert.Equal(t, filepath.Join("testdata", "folder", "warehouses.csv"), problems[0].File)

	_, err = Load("testdata/none.yaml")
	assert.ErrorContains(t, err, "can't read the flow file testdata/none.yaml: ")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// Two documents may have the same key, and bills are found by their number alone.
func TestFlowsOfDifferentDocumentsNeedDifferentNumbers(t *testing.T) {
	library := filepath.Join("..", "..", "flows", "library")
	for _, c := range []struct {
		name     string
		flows    []string
		old, new string
		wrong    bool
		notes    string
	}{
		{name: "receipts and after-sales orders", flows: []string{"refund_to_return_open", "receipt_to_return"}},
		{name: "without the prefix", flows: []string{"refund_to_return_open", "receipt_to_return"}, old: "FBillNo: { expression: '\"SH\" + io_id' }", new: "FBillNo: { field: io_id }", wrong: true},
		{name: "one document of two sources", flows: []string{"saleout_to_outstock", "saleout_to_outstock_open"}},
		{name: "one document, numbered in two ways", flows: []string{"saleout_to_outstock_open", "saleout_to_outstock"}, old: "FBillNo: { field: io_id }", new: "FBillNo: { expression: '\"%s\" + io_id' }",
			notes: "saleout_to_outstock.yaml numbers the bills of the same documents in another way"},
		{name: "two forms", flows: []string{"refund_only_to_other_receivable", "refund_only_to_refund_bill"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			require.NoError(t, os.CopyFS(filepath.Join(folder, "tables"), os.DirFS(filepath.Join(library, "tables"))))
			for i, name := range c.flows {
				raw, err := os.ReadFile(filepath.Join(library, name+".yaml"))
				require.NoError(t, err)
				if c.old != "" {
					raw = bytes.Replace(raw, []byte(c.old), []byte(strings.Replace(c.new, "%s", "AB"[i:i+1], 1)), 1)
				}
				require.NoError(t, os.WriteFile(filepath.Join(folder, name+".yaml"), raw, 0o600))
			}
			_, notes, err := CheckFolder(folder)
			if !c.wrong {
				require.NoError(t, err)
				if c.notes == "" {
					require.Empty(t, notes)
				} else {
					require.ErrorContains(t, notes, c.notes)
				}
				return
			}
			require.ErrorContains(t, err, "receipt_to_return.yaml numbers the bills of other documents in the same way")
		})
	}
}

func TestLoadFolder(t *testing.T) {
	flows, err := LoadFolder("../../flows")
	require.NoError(t, err)
	require.Contains(t, flows, "refund_to_return")
	assert.Equal(t, builtIn(t).Version, flows["refund_to_return"].Version)

	_, err = LoadFolder("testdata/none")
	assert.ErrorContains(t, err, "can't read the folder of flow files testdata/none: ")
	_, err = LoadFolder(t.TempDir())
	assert.ErrorContains(t, err, "no flow files")
}

func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("testdata/base.yaml")
	require.NoError(f, err)
	f.Add(string(text), warehousesCSV)
	for _, mistake := range mistakes {
		f.Add(strings.Replace(string(text), mistake.old, mistake.new, 1), mistake.csv)
	}
	schema := compiledSchema(f)
	f.Fuzz(func(t *testing.T, text, csv string) {
		p := parseText(text, csv)
		for _, problem := range p.allProblems() {
			if problem.Line < 0 || problem.Line > 0 && (problem.Column < 1 || problem.Length < 1) || problem.What == "" {
				t.Fatalf("%+v", problem)
			}
			_ = problem.String()
		}
		if len(p.allProblems()) == 0 {
			require.NoError(t, editorSays(schema, text))
			picked, err := p.flow.Pick(map[string]any{p.flow.Source.Key: "1", "items": []any{map[string]any{}}})
			if err != nil {
				t.Fatal(err)
			}
			_, _, _ = picked.Skip()
			_, _ = picked.Bill()
		}
	})
}

// The commented-out alerts of the built-in flow work as they are.
func TestTheAlertsOfTheBuiltInFlowWork(t *testing.T) {
	text, err := os.ReadFile("../../flows/refund_to_return.yaml")
	require.NoError(t, err)
	before, alerts, found := strings.Cut(string(text), "\n# alerts:\n")
	require.True(t, found)
	alerts = strings.ReplaceAll("\n# alerts:\n"+alerts, "\n# ", "\n")
	p := parse("flow.yaml", []byte(before+alerts), func(string) ([]byte, error) { return []byte(warehousesCSV), nil })
	require.Empty(t, p.allProblems())
	assert.Equal(t, flow.Alerts{
		Robots: []flow.Robot{
			{Kind: flow.RobotWeCom, URLFrom: "WECOM_ROBOT_URL"},
			{Kind: flow.RobotDingTalk, URLFrom: "DINGTALK_ROBOT_URL", SecretFrom: "DINGTALK_ROBOT_SECRET"},
			{Kind: flow.RobotFeishu, URLFrom: "FEISHU_ROBOT_URL", SecretFrom: "FEISHU_ROBOT_SECRET"},
			{Kind: flow.RobotWebhook, URLFrom: "WEBHOOK_URL"},
		},
		Interval: time.Hour, NothingSyncedFor: 24 * time.Hour, DailyAt: new(9 * 60),
	}, p.flow.Alerts)
	assert.Empty(t, builtIn(t).Alerts)
}

// Any expression is refused with its place, or gives a result or a failure that names the
// order.
func FuzzExpression(f *testing.F) {
	text, err := os.ReadFile("testdata/base.yaml")
	require.NoError(f, err)
	const built = `"round(item.price * item.r_qty, 2)"`
	require.Equal(f, 1, strings.Count(string(text), built))
	for _, seed := range []string{
		"round(item.price * item.r_qty, 2)", "item.price / item.r_qty", "sum(map(lines, .price))", "1 / 0", "round(1, 1000000000)",
		"item.price * 1e40 * 1e40", `len(filter(items, .type matches "(a+)+b"))`, "coalesce(item.price, 0)", "1 ** 9999999", "[1,2,3][item.qty]",
		`date(item.receive_date)`, `join(split(item.name, ""), "x")`, "-item.price", "((((((1))))))",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		quoted, err := json.Marshal(expression)
		require.NoError(t, err)
		p := parseText(strings.Replace(string(text), built, string(quoted), 1), warehousesCSV)
		for _, problem := range p.allProblems() {
			require.NotEmpty(t, problem.What)
			_ = problem.String()
		}
		if len(p.allProblems()) > 0 {
			return
		}
		picked, err := p.flow.Pick(decode(t, `{"as_id":"70001","type":"普通退货","modified":"2024-03-01 08:00:00","shop_name":"店","wms_co_id":"20001",
			"items":[{"asi_id":"1","sku_id":"S","type":"退货","qty":"2","r_qty":"2","price":"19.90","name":"T恤"},{"asi_id":"2","type":"退货","r_qty":1}]}`))
		require.NoError(t, err)
		if _, err := picked.Bill(); err != nil {
			require.NotNil(t, fault.As(err), "%v", err)
			require.ErrorContains(t, err, "70001")
		}
	})
}

func TestFilesAreBounded(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join("..", "..", "flows"))))
	flowFile, table := filepath.Join(folder, "refund_to_return.yaml"), filepath.Join(folder, "tables", "warehouses.csv")
	rows, err := os.ReadFile(table)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(table, append(rows, make([]byte, maxTableFile)...), 0o600))
	_, err = Load(flowFile)
	require.ErrorContains(t, err, "more than 16777216")
	require.NoError(t, os.WriteFile(flowFile, make([]byte, maxFlowFile+1), 0o600))
	_, err = Load(flowFile)
	require.ErrorContains(t, err, "more than 262144")
}
