package flow

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
)

func TestTheBuiltInFlow(t *testing.T) {
	f := builtIn(t)
	assert.Equal(t, "refund_to_return", f.Name)
	assert.Equal(t, "聚水潭售后单 → 金蝶云星空销售退货单", f.Title)
	assert.True(t, f.Enabled)
	assert.Equal(t, Source{
		Method:     "jushuitan.refund.list.query",
		Parameters: map[string]string{"page_size": "50", "date_type": "0", "status": "Confirmed", "good_status": "SELLER_RECEIVED"},
		PageSize:   50,
		DateType:   "0",
		Window:     6 * time.Hour,
		Overlap:    10 * time.Minute,
		Lag:        5 * time.Minute,
		Cursor:     CursorTime,
		Key:        "as_id",
	}, f.Source)
	assert.Equal(t, Call{FormId: "SAL_RETURNSTOCK", Operation: "batchSave", IsVerifyBaseDataField: true, BatchCount: 5}, f.Call)
	assert.Equal(t, Options{Existing: ExistingLeave, SubmitAndAudit: SubmitAndAuditNone, InFlight: 100, WindowsAtOnce: 4}, f.Options)
	assert.Equal(t, 80, f.TooManyFailures)
	assert.Equal(t, ClosedPeriods{Until: beijing("2023-12-31"), Then: ClosedPark}, f.ClosedPeriods)
	assert.Equal(t, Retry{Attempts: 8, First: 2 * time.Second, Longest: 5 * time.Minute, Factor: 2}, f.Retry)
	assert.Equal(t, Schedule{Cron: "*/10 * * * *", TimeZone: "Asia/Shanghai"}, f.Schedule)
}

// The built-in flow is the working example of every field of the two tables that
// the integration is built on.
func TestTheBuiltInFlowUsesEveryCoreField(t *testing.T) {
	f := builtIn(t)
	for _, field := range catalog.Jushuitan().Fields[catalog.Request] {
		_, fixed := f.Source.Parameters[field.Name]
		filled := field.Name == "page_index" || field.Name == "start_time" || field.Name == "end_time"
		if field.Origin == catalog.Core {
			assert.True(t, fixed || filled, "%s is not sent", field.Name)
		}
	}

	record, err := os.ReadFile("testdata/orders/returned.json")
	require.NoError(t, err)
	bill, err := f.Bill(pick(t, f, string(record)))
	require.NoError(t, err)
	var head map[string]json.RawMessage
	var finance map[string]json.RawMessage
	var entries []map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(bill.Model, &head))
	require.NoError(t, json.Unmarshal(head["SubHeadEntity"], &finance))
	require.NoError(t, json.Unmarshal(head["FEntity"], &entries))
	for place, sent := range map[catalog.Place]map[string]json.RawMessage{catalog.Head: head, catalog.SubHeadEntity: finance, catalog.FEntity: entries[0]} {
		for _, field := range catalog.Kingdee().Fields[place] {
			if field.Origin == catalog.Core {
				assert.Contains(t, sent, field.Name, "%s is not mapped", place)
			}
		}
	}
}

// What a flow may leave out has the default that its documentation gives, which is
// what the built-in flow says.
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
	require.Empty(t, p.all())
	least, full := p.flow, builtIn(t)
	assert.Equal(t, "least", least.Title)
	assert.Equal(t, map[string]string{"page_size": "50", "date_type": "0"}, least.Source.Parameters)
	assert.Equal(t, full.Enabled, least.Enabled)
	assert.Equal(t, full.Call, least.Call)
	assert.Equal(t, full.Options, least.Options)
	assert.Equal(t, full.Retry, least.Retry)
	assert.Equal(t, Schedule{}, least.Schedule)
	assert.Equal(t, ClosedPeriods{}, least.ClosedPeriods)
	full.Source.Parameters = least.Source.Parameters
	assert.Equal(t, full.Source, least.Source)

	bill, err := least.Bill(pick(t, least, `{"as_id": 1, "shop_name": "x", "wms_co_id": 2, "items": [{"sku_id": "A", "r_qty": 0}]}`))
	require.NoError(t, err)
	assert.Equal(t, `{"FBillNo":"1","FSaleOrgId":{"FNumber":"100"},"FStockOrgId":{"FNumber":"100"},"FRetcustId":{"FNumber":"x"},"FEntity":[{"FMaterialId":{"FNumber":"A"},"FRealQty":0,"FStockId":{"FNumber":"2"}}]}`, string(bill.Model),
		"without a lines condition every line is kept")
}

func TestExplicitSettingsAreTaken(t *testing.T) {
	text := base(t)
	for old, new := range map[string]string{
		`page_size: "50"`:        `page_size: "100"`,
		"window: 6h":             "window: 167h59m58s\n  overlap: 0s\n  lag: 1h30m\n  cursor: row_version\n  since_ts: 9007199254740993",
		"BatchCount: 5":          "BatchCount: 10\n  IsAutoSubmitAndAudit: true\n  IsVerifyBaseDataField: false",
		"submit_and_audit: none": "{ submit_and_audit: kingdee, in_flight: 1000, windows_at_once: 50, existing: leave }",
		"checks:\n":              "checks:\n  enabled: false\n",
		"attempts: 8, first: 2s, factor: 2, longest: 5m": "attempts: 1, first: 1s, factor: 1, longest: 24h",
		`cron: "*/10 * * * *", time_zone: Asia/Shanghai`: `cron: "@hourly", time_zone: UTC`,
	} {
		require.Contains(t, text, old)
		text = strings.Replace(text, old, new, 1)
	}
	text = strings.Replace(text, "status: Confirmed", `date_type: "2"`, 1)
	p := parseText(text, warehousesCSV)
	require.Empty(t, p.all())
	since := int64(9007199254740993)
	assert.Equal(t, Source{
		Method: "jushuitan.refund.list.query", Parameters: map[string]string{"page_size": "100", "date_type": "2"}, PageSize: 100, DateType: "2",
		Window: 7*24*time.Hour - 2*time.Second, Overlap: 0, Lag: 90 * time.Minute, Cursor: CursorRowVersion, SinceTS: &since, Key: "as_id",
	}, p.flow.Source)
	assert.Equal(t, Call{FormId: "SAL_RETURNSTOCK", Operation: "batchSave", IsAutoSubmitAndAudit: true, BatchCount: 10}, p.flow.Call)
	assert.Equal(t, Options{Existing: ExistingLeave, SubmitAndAudit: SubmitAndAuditKingdee, InFlight: 1000, WindowsAtOnce: 50}, p.flow.Options)
	assert.Equal(t, Retry{Attempts: 1, First: time.Second, Factor: 1, Longest: 24 * time.Hour}, p.flow.Retry)
	assert.Equal(t, Schedule{Cron: "@hourly", TimeZone: "UTC"}, p.flow.Schedule)
	assert.False(t, p.flow.Enabled)
}

func TestVersionFollowsTheFlowFileAndItsTables(t *testing.T) {
	version := func(text, csv string) string { return parseText(text, csv).flow.Version }
	first := version(base(t), warehousesCSV)
	assert.Regexp(t, `^[0-9a-f]{12}$`, first)
	assert.Equal(t, first, version(base(t), warehousesCSV))
	assert.NotEqual(t, first, version(base(t)+"# more\n", warehousesCSV))
	assert.NotEqual(t, first, version(base(t), warehousesCSV+"20004,CK004,\n"))
}

// A flow that was mended can map the orders that wait; one that names other
// fields can't.
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
	assert.ErrorContains(t, err, "读不到流程文件 testdata/none.yaml。 The flow file testdata/none.yaml can't be read:")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestLoadFolder(t *testing.T) {
	flows, err := LoadFolder("../../flows")
	require.NoError(t, err)
	require.Contains(t, flows, "refund_to_return")
	assert.Equal(t, builtIn(t).Version, flows["refund_to_return"].Version)

	_, err = LoadFolder("testdata/none")
	assert.ErrorContains(t, err, "读不到流程文件夹")
	_, err = LoadFolder(t.TempDir())
	assert.ErrorContains(t, err, "没有流程文件")
}

func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("testdata/base.yaml")
	require.NoError(f, err)
	f.Add(string(text), warehousesCSV)
	for _, mistake := range mistakes {
		f.Add(strings.Replace(string(text), mistake.old, mistake.new, 1), mistake.csv)
	}
	f.Fuzz(func(t *testing.T, text, csv string) {
		p := parseText(text, csv)
		for _, problem := range p.all() {
			if problem.Line < 0 || problem.Line > 0 && (problem.Column < 1 || problem.Length < 1) || problem.Chinese == "" || problem.English == "" {
				t.Fatalf("%+v", problem)
			}
			_ = problem.String()
		}
		if len(p.all()) == 0 {
			order, err := p.flow.Pick(map[string]any{p.flow.Source.Key: "1", "items": []any{map[string]any{}}})
			if err != nil {
				t.Fatal(err)
			}
			_, _, _ = p.flow.Skip(order)
			_, _ = p.flow.Bill(order)
		}
	})
}
