package catalog

import (
	"slices"
	"strings"
)

// BaseDataKeys are the fields that identify an entry of Kingdee's base data, which has no
// FID, by its form. Integrators are known to read FForbidStatus (禁用状态) and FDocumentStatus
// (数据状态) of BD_Customer, BD_MATERIAL, BD_STOCK and ORG_Organizations; of the others,
// whether both exist is unknown.
var BaseDataKeys = map[string]string{
	"BD_Currency":              "FCURRENCYID",    // 币别
	"BD_Customer":              "FCUSTID",        // 客户
	"BD_Department":            "FDEPTID",        // 部门
	"BD_MATERIAL":              "FMATERIALID",    // 物料
	"BD_STOCK":                 "FStockId",       // 仓库
	"BD_StockStatus":           "FStockStatusId", // 库存状态
	"BD_UNIT":                  "FUnitId",        // 计量单位
	"BOS_ASSISTANTDATA_DETAIL": "FId",            // 辅助资料
	"BOS_BillType":             "FBILLTYPEID",    // 单据类型
	"ORG_Organizations":        "FORGID",         // 组织机构
}

// IsNumber reports whether a field, in any case, is the number of the bills of a form.
func IsNumber(name string) bool {
	return slices.ContainsFunc(Forms(), func(form string) bool { return strings.EqualFold(All()[form].Form.Number, name) })
}

// RefersTo reports whether a field, in any case, refers to base data of a form such as
// BD_MATERIAL in the bills of any form.
func RefersTo(name, baseData string) bool {
	for _, form := range Forms() {
		for _, fields := range All()[form].Fields {
			if slices.ContainsFunc(fields, func(f Field) bool { return f.LookUp == baseData && strings.EqualFold(f.Name, name) }) {
				return true
			}
		}
	}
	return false
}
