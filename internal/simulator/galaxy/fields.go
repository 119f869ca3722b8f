package galaxy

import "strings"

// place is the part of the bill that a field belongs to.
type place int

const (
	inHead    place = iota
	inFinance       // SubHeadEntity
	inEntry         // FEntity
	places
)

// valueKind is the type of a field's value.
type valueKind int

const (
	isText valueKind = iota
	isDate
	isDecimal
	isWhole
	isFlag
	isReference // to base data, written {"FNumber":…}
	isID        // given by the system, read only
)

// field is a field of the form. label is its name in error texts.
type field struct {
	name, label string
	kind        valueKind
	set         set // of a reference
	required    bool
	// longest bounds a text, in UTF-16 units; 0 is no bound. A tenant's real limits are
	// not published.
	longest int
	// readOnly fields are set by the system; what a caller sends is ignored.
	readOnly bool

	place place
	index int // in the values of its place
}

// The names of fields that the simulator's own rules use.
const (
	fieldBillNo   = "FBillNo"
	fieldDate     = "FDate"
	fieldQuantity = "FRealQty"
	fieldPrice    = "FTaxPrice"
	fieldNet      = "FPrice"
	fieldRate     = "FEntryTaxRate"
	fieldAmount   = "FAmount"
	fieldTax      = "FEntryTaxAmount"
	fieldAll      = "FAllAmount"
	fieldFinance  = "SubHeadEntity"
	fieldEntries  = "FEntity"
	fieldID       = "FID"
	fieldStatus   = "FDocumentStatus"
	fieldCancel   = "FCancelStatus"
	fieldNote     = "FHeadNote"
	fieldEntryID  = "FEntryID"
	fieldSeq      = "FSeq"
)

// form holds all known fields of SAL_RETURNSTOCK, by place, and those that the merchant
// added in Kingdee's designer: F_DEMO_….
var form = [places][]*field{
	inHead: {
		{name: "FBillTypeID", label: "单据类型", kind: isReference, set: billTypes},
		{name: fieldBillNo, label: "单据编号"},
		{name: fieldDate, label: "日期", kind: isDate},
		{name: "FSaleOrgId", label: "销售组织", kind: isReference, set: organisations, required: true},
		{name: "FStockOrgId", label: "库存组织", kind: isReference, set: organisations, required: true},
		{name: "FRetcustId", label: "退货客户", kind: isReference, set: customers, required: true},
		{name: fieldNote, label: "备注", longest: 255},
		{name: "FOwnerTypeIdHead", label: "货主类型"},
		{name: "FOwnerIdHead", label: "货主", kind: isReference, set: organisations},
		{name: "FReceiveCusContact", label: "收货方联系人", kind: isReference, set: contacts},
		{name: "F_DEMO_OnlineOrder", label: "网上订单号"},
		{name: "F_DEMO_Shop", label: "店铺客户", kind: isReference, set: customers},
		{name: "F_DEMO_Refund", label: "退款金额", kind: isDecimal},
		{name: "F_DEMO_Lines", label: "退货行数", kind: isWhole},
		{name: "F_DEMO_Confirmed", label: "确认日期", kind: isDate},
		{name: "F_DEMO_Exchange", label: "是否换货", kind: isFlag},
		{name: fieldID, label: "实体主键", kind: isID, readOnly: true},
		{name: fieldStatus, label: "单据状态", readOnly: true},
		{name: fieldCancel, label: "作废状态", readOnly: true},
		{name: "FCreatorId", label: "创建人", kind: isReference, set: users, readOnly: true},
		{name: "FCreateDate", label: "创建日期", kind: isDate, readOnly: true},
		{name: "FModifierId", label: "最后修改人", kind: isReference, set: users, readOnly: true},
		{name: "FModifyDate", label: "最后修改日期", kind: isDate, readOnly: true},
		{name: "FApproverId", label: "审核人", kind: isReference, set: users, readOnly: true},
		{name: "FApproveDate", label: "审核日期", kind: isDate, readOnly: true},
		{name: "FCancellerId", label: "作废人", kind: isReference, set: users, readOnly: true},
		{name: "FCancelDate", label: "作废日期", kind: isDate, readOnly: true},
	},
	inFinance: {
		{name: "FSettleOrgId", label: "结算组织", kind: isReference, set: organisations},
		{name: "FSettleCurrId", label: "结算币别", kind: isReference, set: currencies},
		{name: "FLocalCurrId", label: "本位币", kind: isReference, set: currencies},
		{name: "FExchangeTypeId", label: "汇率类型", kind: isReference, set: exchangeTypes},
		{name: "FExchangeRate", label: "汇率", kind: isDecimal},
		{name: "FThirdBillNo", label: "第三方单据编号"},
	},
	inEntry: {
		{name: "FMaterialId", label: "物料编码", kind: isReference, set: materials, required: true},
		{name: "FUnitID", label: "销售单位", kind: isReference, set: units},
		{name: fieldQuantity, label: "实退数量", kind: isDecimal, required: true},
		{name: fieldPrice, label: "含税单价", kind: isDecimal},
		{name: fieldNet, label: "单价", kind: isDecimal},
		{name: fieldRate, label: "税率", kind: isDecimal},
		{name: fieldAmount, label: "金额", kind: isDecimal, readOnly: true},
		{name: fieldTax, label: "税额", kind: isDecimal, readOnly: true},
		{name: fieldAll, label: "价税合计", kind: isDecimal, readOnly: true},
		{name: "FIsFree", label: "是否赠品", kind: isFlag},
		{name: "FReturnType", label: "退货类型", kind: isReference, set: returnTypes},
		{name: "FOwnerTypeId", label: "货主类型"},
		{name: "FOwnerId", label: "货主", kind: isReference, set: organisations},
		{name: "FStockId", label: "仓库", kind: isReference, set: stocks, required: true},
		{name: "FStockstatusId", label: "库存状态", kind: isReference, set: stockStatuses},
		{name: "FDeliveryDate", label: "退货日期", kind: isDate},
		{name: "FLot", label: "批号"},
		{name: "FNote", label: "备注", longest: 255},
		{name: "FETHIRDBILLNO", label: "第三方单据编号"},
		{name: "F_DEMO_Wanted", label: "申请数量", kind: isDecimal},
		{name: "F_DEMO_Properties", label: "颜色规格"},
		{name: fieldEntryID, label: "分录内码", kind: isID, readOnly: true},
		{name: fieldSeq, label: "行号", kind: isID, readOnly: true},
	},
}

// fieldsByName finds a field by its name in lower case.
var fieldsByName = func() [places]map[string]*field {
	var byName [places]map[string]*field
	for p, fields := range form {
		byName[p] = map[string]*field{}
		for i, f := range fields {
			f.place, f.index = place(p), i
			byName[p][strings.ToLower(f.name)] = f
		}
	}
	return byName
}()

// lookUp finds a field of any place, in any case; names of head, finance and entries are
// distinct.
func lookUp(name string) *field {
	for p := range fieldsByName {
		if f := fieldsByName[p][strings.ToLower(name)]; f != nil {
			return f
		}
	}
	return nil
}

// billNo is looked up for every stored bill.
var billNo = lookUp(fieldBillNo)
