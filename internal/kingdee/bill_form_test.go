package kingdee

var (
	returns = BillForm{
		ID: "SAL_RETURNSTOCK", Lines: "FEntity", Number: "FBillNo", Date: "FDate", Note: "FHeadNote", BillType: "FBillTypeID.FNumber",
		Organisation: "FSaleOrgId.FNumber", Customer: "FRetcustId.FNumber", Item: "FMaterialId.FNumber", Stock: "FStockId.FNumber",
		Quantity: "FRealQty", Price: "FTaxPrice", Amount: "FAllAmount",
	}
	refunds = BillForm{
		ID: "AR_REFUNDBILL", Lines: "FREFUNDBILLENTRY", Number: "FBillNo", Date: "FDATE", Note: "FREMARK", BillType: "FBillTypeID.FNumber",
		Organisation: "FSETTLEORGID.FNumber", Customer: "FCONTACTUNIT.FNumber", Item: "FPURPOSEID.FNumber", Amount: "FREFUNDAMOUNTFOR",
	}
)
