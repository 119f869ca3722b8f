package catalog

// BaseDataKeys are the fields that identify an entry of Kingdee's base data, which has no
// FID, by its form. It has the forms of which integrators are known to read FForbidStatus
// (禁用状态) and FDocumentStatus (数据状态) as well.
var BaseDataKeys = map[string]string{
	"BD_Customer":       "FCUSTID",     // 客户
	"BD_MATERIAL":       "FMATERIALID", // 物料
	"BD_STOCK":          "FStockId",    // 仓库
	"ORG_Organizations": "FORGID",      // 组织机构
}
