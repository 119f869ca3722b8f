package catalog

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var refunds, returns = All()["jushuitan.refund.list.query"], All()["SAL_RETURNSTOCK"]

// The two tables that this integration is built on, field by field.
var coreFields = []struct {
	face   *Interface
	place  Place
	name   string
	typ    Type
	labels string
}{
	{refunds, Request, "page_size", Text, "每页条数"},
	{refunds, Request, "good_status", Text, "货物状态"},
	{refunds, Request, "end_time", Text, "结束时间"},
	{refunds, Request, "start_time", Text, "起始时间"},
	{refunds, Request, "date_type", Text, "时间类型"},
	{refunds, Request, "page_index", Text, "第几页"},
	{refunds, Request, "status", Text, "售后单状态"},

	{refunds, Header, "as_id", Text, "售后单号"},
	{refunds, Header, "as_date", Time, "申请时间"},
	{refunds, Header, "outer_as_id", Text, "线上售后单号"},
	{refunds, Header, "so_id", Text, "线上订单号"},
	{refunds, Header, "type", Text, "售后类型"},
	{refunds, Header, "modified", Time, "修改时间"},
	{refunds, Header, "items", List, "商品明细"},
	{refunds, Header, "shop_name", Text, "店铺名称"},
	{refunds, Header, "date_type", Text, "时间类型"},
	{refunds, Header, "wms_co_id", Text, "仓库编号"},
	{refunds, Header, "drp_co_id_from", Text, "分销商编号"},
	{refunds, Items, "amount", Decimal, "金额"},
	{refunds, Items, "combine_sku_id", Text, "组合商品编码"},
	{refunds, Items, "asi_id", Text, "售后明细编号"},
	{refunds, Items, "sku_id", Text, "商品编码"},
	{refunds, Items, "qty", Decimal, "申请数量"},
	{refunds, Items, "price", Decimal, "单价"},
	{refunds, Items, "name", Text, "商品名称"},
	{refunds, Items, "type", Text, "明细类型"},
	{refunds, Items, "properties_value", Text, "颜色规格"},
	{refunds, Items, "r_qty", Decimal, "实收数量"},

	{returns, Head, "FBillTypeID", Reference, "单据类型"},
	{returns, Head, "FBillNo", Text, "单据编号"},
	{returns, Head, "FDate", Date, "日期"},
	{returns, Head, "FSaleOrgId", Reference, "销售组织"},
	{returns, Head, "FStockOrgId", Reference, "库存组织"},
	{returns, Head, "FRetcustId", Reference, "退货客户"},
	{returns, Head, "FHeadNote", Text, "备注"},
	{returns, Head, "FEntity", List, "明细信息"},
	{returns, Head, "SubHeadEntity", Object, "财务信息"},
	{returns, "SubHeadEntity", "FSettleCurrId", Reference, "结算币别"},
	{returns, "SubHeadEntity", "FSettleOrgId", Reference, "结算组织"},
	{returns, "FEntity", "FMaterialId", Reference, "物料编码"},
	{returns, "FEntity", "FRealQty", Decimal, "实退数量"},
	{returns, "FEntity", "FTaxPrice", Decimal, "含税单价"},
	{returns, "FEntity", "FAmount", Decimal, "金额"},
	{returns, "FEntity", "FIsFree", Bool, "是否赠品"},
	{returns, "FEntity", "FReturnType", Reference, "退货类型"},
	{returns, "FEntity", "FStockId", Reference, "仓库"},
	{returns, "FEntity", "FOwnerTypeId", Text, "货主类型"},
	{returns, "FEntity", "FOwnerId", Reference, "货主"},
	{returns, "FEntity", "FNote", Text, "备注"},
	{returns, Options, "FormId", Text, "业务对象表单Id"},
	{returns, Options, "Operation", Text, "执行的操作"},
	{returns, Options, "IsAutoSubmitAndAudit", Bool, "提交并审核"},
	{returns, Options, "IsVerifyBaseDataField", Bool, "验证基础资料"},
	{returns, Options, "BatchCount", Integer, "服务端开启的线程数"},
}

func TestEveryCoreFieldIsInTheCatalog(t *testing.T) {
	for _, want := range coreFields {
		field, ok := want.face.Find(want.place, want.name)
		if assert.Truef(t, ok, "%s: %s is missing in %s", want.face.Name, want.name, want.place) {
			assert.Equal(t, want.typ, field.Type, want.name)
			assert.Equal(t, want.labels, field.Chinese, want.name)
			assert.Equal(t, Core, field.Origin, want.name)
		}
	}
}

func TestNothingElseClaimsToBeCore(t *testing.T) {
	var core int
	for _, face := range All() {
		for place, fields := range face.Fields {
			for _, field := range fields {
				// All forms share the options.
				if field.Origin == Core && (place != Options || face == returns) {
					core++
				}
			}
		}
	}
	assert.Equal(t, len(coreFields), core)
}

func TestWiderFieldsAreInTheCatalog(t *testing.T) {
	for place, names := range map[Place][]string{
		Request: {"type", "start_ts", "end_ts", "is_get_total", "shop_id", "wms_co_id", "as_ids", "so_ids", "o_ids",
			"is_offline_shop", "archive", "order_types", "owner_co_id", "is_get_promotion"},
		Header: {
			"o_id", "created", "confirm_date", "status", "shop_status", "good_status", "question_type", "remark", "node",
			"warehouse", "wh_id", "refund", "payment", "freight", "shop_id", "shop_buyer_id", "logistics_company", "l_id",
			"order_status", "order_type", "drp_co_id_to", "labels", "refund_version", "ts", "batchs", "sns",
		},
		Items: {"i_id", "shop_sku_id", "pic", "sku_type", "outer_oi_id", "defective_qty", "receive_date"},
	} {
		assert.Subset(t, refunds.Names(place), names)
	}
	for place, names := range map[Place][]string{
		// All of the form's template except the ids that Kingdee gives.
		Head: {
			"FBillTypeID", "FBillNo", "FDate", "FSaleOrgId", "FRetcustId", "FSaledeptid", "FReturnReason", "FHeadLocId", "FSaleGroupId",
			"FTransferBizType", "FCorrespondOrgId", "FSalesManId", "FStockOrgId", "FStockDeptId", "FStockerGroupId", "FStockerId", "FHeadNote",
			"FReceiveCustId", "FReceiveAddress", "FSettleCustId", "FReceiveCusContact", "FPayCustId", "FOwnerTypeIdHead", "FOwnerIdHead",
			"FScanBox", "FCDateOffsetUnit", "FCDateOffsetValue", "FIsTotalServiceOrCost", "FLinkMan", "FLinkPhone", "FSHOPNUMBER", "FGYDATE", "FSALECHANNEL",
		},
		"SubHeadEntity": {
			"FSettleCurrId", "FThirdBillNo", "FThirdBillId", "FThirdSrcType", "FSettleOrgId", "FSettleTypeId", "FChageCondition",
			"FPriceListId", "FDiscountListId", "FLocalCurrId", "FExchangeTypeId", "FExchangeRate",
		},
		"FEntity": {
			"FRowType", "FMapId", "FMaterialId", "FAuxpropId", "FUnitID", "FInventoryQty", "FRealQty", "FParentMatId", "FPrice", "FTaxPrice",
			"FIsFree", "FTaxCombination", "FEntryTaxRate", "FBOMId", "FReturnType", "FOwnerTypeId", "FOwnerId", "FProduceDate", "FExpiryDate",
			"FStockId", "FStocklocId", "FStockstatusId", "FDeliveryDate", "FMtoNo", "FNote", "FDiscountRate", "FPriceDiscount", "FAuxUnitQty",
			"FExtAuxUnitId", "FExtAuxUnitQty", "FSalCostPrice", "FISCONSUMESUM", "FLot", "FSalUnitID", "FSalUnitQty", "FSalBaseQty",
			"FPriceBaseQty", "FProjectNo", "FQualifyType", "FEOwnerSupplierId", "FIsOverLegalOrg", "FESettleCustomerId", "FSOEntryId",
			"FThirdEntryId", "FPriceListEntry", "FARNOTJOINQTY", "FIsReturnCheck", "FETHIRDBILLID", "FETHIRDBILLNO", "FTaxDetailSubEntity",
			"FSerialSubEntity", "FEntity_Link", "FSrcBillTypeId", "FSrcBillNo", "FORDERNO", "FAmount", "FAllAmount", "FEntryTaxAmount",
		},
		"FTaxDetailSubEntity": {"FTaxRate"},
		"FSerialSubEntity":    {"FSerialNo", "FSerialNote"},
		"FEntity_Link": {
			"FEntity_Link_FRuleId", "FEntity_Link_FSTableName", "FEntity_Link_FSTableId", "FEntity_Link_FSBillId", "FEntity_Link_FSId",
			"FEntity_Link_FFlowId", "FEntity_Link_FFlowLineId", "FEntity_Link_FBaseunitQty", "FEntity_Link_FBaseunitQtyOld",
		},
	} {
		assert.Subset(t, returns.Names(place), names)
	}
}

func TestEveryFieldIsWhole(t *testing.T) {
	for _, face := range All() {
		for place, fields := range face.Fields {
			require.False(t, face.Label(place).IsZero())
			seen := map[string]bool{}
			for _, field := range fields {
				assert.Regexp(t, `^\w+$`, field.Name, "flow writes names into JSON as they are")
				assert.Regexp(t, `^\w*$`, field.ReferenceKey, "flow writes names into JSON as they are")
				assert.NotEmpty(t, field.Chinese, field.Name)
				assert.NotEmpty(t, field.English, field.Name)
				assert.False(t, field.Type.Label().IsZero(), field.Name)
				assert.Contains(t, Origins, field.Origin, field.Name)
				assert.Equal(t, place, field.Place, field.Name)
				assert.True(t, field.Of == "" || field.Type == List, "%s: only lists have values of a type", field.Name)
				assert.Equal(t, field.Type == Reference, field.ReferenceKey != "", "%s: only references have a reference key", field.Name)
				assert.False(t, seen[field.Name], "%s: %s stands twice", place, field.Name)
				seen[field.Name] = true
			}
		}
	}
}

func TestEveryInterfaceIsWhole(t *testing.T) {
	systems := map[string]string{Qimen: Jushuitan, Open: Jushuitan, WebAPI: Kingdee}
	for name, face := range All() {
		t.Run(name, func(t *testing.T) {
			assert.NotEmpty(t, face.Chinese)
			assert.NotEmpty(t, face.English)
			assert.Equal(t, systems[face.Transport], face.System)
			assert.NotEmpty(t, face.Facts)
			for _, fact := range face.Facts {
				assert.Contains(t, Origins, fact.Origin)
				assert.NotEmpty(t, fact.Chinese, fact.English)
				assert.NotEmpty(t, fact.English, fact.Chinese)
			}
			assert.Equal(t, face.System == Jushuitan, face.Source != nil)
			assert.Equal(t, face.System == Kingdee, face.Form != nil)
		})
	}
}

func TestTheFieldsOfASourceExist(t *testing.T) {
	for _, name := range Sources() {
		t.Run(name, func(t *testing.T) {
			face := All()[name]
			source := face.Source
			is := func(place Place, name string, types ...Type) {
				field, ok := face.Find(place, name)
				assert.True(t, ok, "%s: no field %q", place, name)
				assert.Contains(t, types, field.Type, "%s: %s", place, name)
			}
			assert.NotEmpty(t, source.Noun.Chinese)
			assert.NotEmpty(t, source.Noun.English)
			is(Header, source.Key, Text)
			is(Items, source.LineKey, Text)
			is(Header, string(Items), List)
			is(Header, source.Modified, Time)
			is(Header, source.Online, Text)
			if source.Total != "" {
				is(Header, source.Total, Decimal)
			}
			is(Header, source.Shop, Text)
			is(Header, source.Stock, Text)
			is(Items, source.Item, Text)
			is(Items, source.Quantity, Decimal)
			is(Items, source.Amount, Decimal)
			for _, name := range []string{source.Received, source.Defective} {
				if name != "" {
					is(Items, name, Decimal)
				}
			}
			if source.RowVersion != "" {
				is(Header, source.RowVersion, Text)
				is(Request, "start_ts", Text, Integer)
			}
			assert.Equal(t, source.Modified, source.Times["0"])
			dateType, ok := face.Find(Request, "date_type")
			assert.Equal(t, len(source.Times) > 1, ok, "date_type chooses among several times")
			for value, field := range source.Times {
				is(Header, field, Time)
				if ok {
					assert.Contains(t, dateType.Values, value)
				}
			}
			is(Request, source.From, Text)
			is(Request, source.To, Text)
			assert.Positive(t, source.LongestSpan)
			assert.Positive(t, source.LargestPage)
			assert.Contains(t, source.IDs, source.Key, "orders are looked up by their key")
			for field, ids := range source.IDs {
				is(Header, field, Text)
				is(Request, ids.Parameter, map[string]Type{Qimen: Text, Open: List}[face.Transport])
				assert.Equal(t, field, source.Narrowing[ids.Parameter])
				assert.Positive(t, ids.Most)
			}
			for parameter, field := range source.Narrowing {
				is(Request, parameter, Text, Integer, List)
				_, ok := face.Find(Header, field)
				assert.True(t, ok, field)
			}
			for _, parameter := range source.Widening {
				is(Request, parameter, Text, Bool)
			}
			is(Header, source.Withdrawn.Field, Text)
			assert.NotEmpty(t, source.Withdrawn.Values)
			if status, ok := face.Find(Request, source.Withdrawn.Field); ok {
				for _, value := range source.Withdrawn.Values {
					assert.Contains(t, status.Values, value)
				}
			}
			for _, field := range face.Fields[Request] {
				if face.Transport == Qimen {
					assert.Equal(t, Text, field.Type, "%s: every parameter is text on the wire", field.Name)
				}
			}
			assert.Positive(t, face.Limits.CallsPerSecond)
			assert.Positive(t, face.Limits.CallsPerMinute)
		})
	}
}

func TestFieldsOfOnePlaceAreNotFoundInAnother(t *testing.T) {
	_, ok := returns.Find(Head, "FStockId")
	assert.False(t, ok)
	_, ok = returns.Find("FEntity", "FStockId")
	assert.True(t, ok)
}

func TestFlexFieldsAreFoundByTheirNames(t *testing.T) {
	field, ok := returns.FindFlex("FAuxpropId", "FAUXPROPID__FF100001")
	assert.True(t, ok)
	assert.Equal(t, Field{Name: "FAUXPROPID__FF100001", Chinese: "辅助属性", English: "auxiliary properties", Type: Reference, ReferenceKey: "FNumber", Place: "FAuxpropId"}, field)
	for place, name := range map[Place]string{"FAuxpropId": "FSTOCKLOCID__FF100001", "FStocklocId": "FSTOCKLOCID__FF", "FEntity": "FAUXPROPID__FF100001", Head: "FBillNo"} {
		_, ok := returns.FindFlex(place, name)
		assert.False(t, ok, "%s in %s", name, place)
	}
}

func TestAMistakeInACatalogFileIsFound(t *testing.T) {
	assert.PanicsWithValue(t,
		"catalog: test.yaml: [1:1] unknown field \"nmae\"\n>  1 | nmae: x\n       ^\n",
		func() { read("test.yaml", []byte("nmae: x"), new(Interface)) })
}

func TestRolesOfAFormAreFieldsOfIt(t *testing.T) {
	for _, name := range Forms() {
		face := All()[name]
		form := face.Form
		has := func(place Place, fields ...string) {
			for _, field := range fields {
				_, ok := face.Find(place, field)
				assert.Truef(t, ok, "%s: %s is missing in %s", name, field, place)
			}
		}
		has(Head, string(form.Lines), form.Number, form.Date, form.Note, form.BillType, form.Organisation, form.Customer)
		has(form.Lines, form.Item, form.Amount)
		for _, field := range []string{form.Quantity, form.Price, form.Stock} {
			if field != "" {
				has(form.Lines, field)
			}
		}
		for place, fields := range form.ReadBack {
			has(place, fields...)
		}
		assert.NotEmpty(t, face.English, name)
		for _, fact := range face.Facts {
			assert.Contains(t, Origins, fact.Origin, name)
			assert.NotEmpty(t, fact.English, name)
			assert.NotEmpty(t, fact.Chinese, name)
		}
	}
}
