package groupcommit

import "refundsync/internal/kingdee"

var formF = kingdee.BillForm{ID: "F", Number: "FBillNo", Note: "FHeadNote"}
