package galaxy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A bill says who created, changed, audited and voided it, and when.
func TestBillsAreSigned(t *testing.T) {
	f := start(t, nil)
	signed := func() string {
		return f.query(`{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FCreatorId.FName,FCreateDate,FModifierId.FName,FModifyDate,FApproverId.FName,FApproveDate,FCancellerId.FName,FCancelDate"}`)
	}
	require.True(t, f.save(model("R1")).IsSuccess)
	require.JSONEq(t, `[["demo","2024-03-09T12:00:00","demo","2024-03-09T12:00:00","",null,"",null]]`, signed())
	f.clock = f.clock.Add(time.Hour)
	require.True(t, f.form("BatchSave", `{"Model":[{"FID":100001,"FHeadNote":"changed","FCreatorId":{"FName":"somebody"}}]}`).IsSuccess)
	require.JSONEq(t, `[["demo","2024-03-09T12:00:00","demo","2024-03-09T13:00:00","",null,"",null]]`, signed())
	require.NoError(t, f.tenant.AuditBills("R1", "李会计"))
	require.JSONEq(t, `[["demo","2024-03-09T12:00:00","demo","2024-03-09T13:00:00","李会计","2024-03-09T13:00:00","",null]]`, signed())
	require.Error(t, f.tenant.AuditBills("R1", "李会计"), "it is audited")
	require.Error(t, f.tenant.AuditBills("R2", "李会计"), "there is none")
	require.True(t, f.form("UnAudit", `{"Numbers":["R1"]}`).IsSuccess)
	require.NoError(t, f.tenant.VoidBills("R1"))
	require.JSONEq(t, `[["demo","2024-03-09T12:00:00","demo","2024-03-09T13:00:00","",null,"demo","2024-03-09T13:00:00"]]`, signed())
}
