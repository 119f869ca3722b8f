package galaxy

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStates(t *testing.T) {
	const (
		notSubmittable = "单据编号为“R1”的销售退货单，只有暂存、创建和重新审核的数据才允许提交！"
		notAuditable   = "单据编号为“R1”的销售退货单，只有审核中的数据才允许审核！"
		notReopenable  = "单据编号为“R1”的销售退货单，只有已审核的数据才允许反审核！"
		notDeletable   = "单据编号为“R1”的销售退货单，只有暂存、创建和重新审核的数据才允许删除！"
		notSavable     = "单据编号为“R1”的销售退货单，只有暂存、创建和重新审核的数据才允许保存！"
	)
	steps := []struct {
		operation, message, after string
	}{
		{"Audit", notAuditable, "A"},
		{"UnAudit", notReopenable, "A"},
		{"Submit", "", "B"},
		{"Submit", notSubmittable, "B"},
		{"Delete", notDeletable, "B"},
		{"BatchSave", notSavable, "B"},
		{"Audit", "", "C"},
		{"Audit", notAuditable, "C"},
		{"Submit", notSubmittable, "C"},
		{"Delete", notDeletable, "C"},
		{"BatchSave", notSavable, "C"},
		{"UnAudit", "", "D"},
		{"BatchSave", "", "D"},
		{"Submit", "", "B"},
		{"Audit", "", "C"},
		{"UnAudit", "", "D"},
		{"Delete", "", ""},
		{"Submit", `编码值["R1"]不存在`, ""},
	}
	f := start(t, nil)
	require.True(t, f.save(model("R1")).IsSuccess)
	for i, step := range steps {
		data := `{"Numbers":["R1"]}`
		if step.operation == "BatchSave" {
			data = `{"Model":[{"FID":100001,"FHeadNote":"changed"}]}`
		}
		status := f.form(step.operation, data)
		require.Equal(t, step.message == "", status.IsSuccess, "step %d: %v", i, status)
		if step.message != "" {
			require.Equal(t, step.message, status.Errors[0].Message, "step %d", i)
		} else {
			require.Equal(t, "R1", status.SuccessEntitys[0].Number, "step %d", i)
		}
		after := ""
		for _, b := range f.tenant.State(true).Bills {
			after = b.Status
		}
		require.Equal(t, step.after, after, "step %d", i)
	}
}

func TestWaysToNameBills(t *testing.T) {
	for _, data := range []string{
		`{"Numbers":["R1","R9","R2"]}`,
		`{"Numbers":"R1,R9,R2"}`,
		`{"Ids":"100001,100009,100002"}`,
		`{"Ids":["100001",100009],"Numbers":["R2"]}`,
	} {
		f := start(t, nil)
		require.True(t, f.save(model("R1"), model("R2")).IsSuccess)
		status := f.form("Submit", data)
		require.False(t, status.IsSuccess)
		require.Equal(t, []billSuccess{
			{ID: json.Number("100001"), Number: "R1", DIndex: 0},
			{ID: json.Number("100002"), Number: "R2", DIndex: 2},
		}, status.SuccessEntitys, data)
		require.Len(t, status.Errors, 1)
		require.Equal(t, 1, status.Errors[0].DIndex)
		require.Equal(t, msgFieldMissing, status.MsgCode)
	}
}

func TestOperationWithoutBills(t *testing.T) {
	f := start(t, nil)
	require.Equal(t, msgIDEmpty, f.form("Submit", `{"Numbers":[],"Ids":""}`).MsgCode)
}

func TestNumberIsFreeAfterDelete(t *testing.T) {
	f := start(t, nil)
	require.True(t, f.save(model("R1")).IsSuccess)
	require.True(t, f.form("Delete", `{"Numbers":["R1"]}`).IsSuccess)
	status := f.save(model("R1"))
	require.True(t, status.IsSuccess)
	require.Equal(t, json.Number("100002"), status.SuccessEntitys[0].ID, "an id is used once")
}

func TestView(t *testing.T) {
	f := start(t, nil)
	require.True(t, f.save(model("R1")).IsSuccess)
	for _, data := range []string{`{"Number":"R1"}`, `{"Id":"100001"}`, `{"Number":"","Id":100001}`} {
		var reply struct {
			Result struct {
				ResponseStatus *responseStatus
				Result         struct {
					ID                   json.Number `json:"Id"`
					BillNo               string
					DocumentStatus       string
					Date                 string
					RetcustID            struct{ Number string }        `json:"RetcustId"`
					SalReturnstockFin    []struct{ ThirdBillNo string } `json:"SAL_RETURNSTOCKFIN"`
					SalReturnstockEntrys []struct {
						RealQty, TaxPrice, Amount json.Number
						IsFree                    bool
						MaterialID                struct{ Number string } `json:"MaterialId"`
					} `json:"SAL_RETURNSTOCKENTRY"`
				}
			}
		}
		require.NoError(t, json.Unmarshal([]byte(f.post(formPath+"View.common.kdsvc", `{"formid":"SAL_RETURNSTOCK","data":`+data+`}`)), &reply))
		bill := reply.Result.Result
		require.Nil(t, reply.Result.ResponseStatus)
		require.Equal(t, []string{"100001", "R1", "A", "2024-03-02T00:00:00", "C1"},
			[]string{bill.ID.String(), bill.BillNo, bill.DocumentStatus, bill.Date, bill.RetcustID.Number})
		require.Equal(t, "third", bill.SalReturnstockFin[0].ThirdBillNo)
		entry := bill.SalReturnstockEntrys[0]
		require.Equal(t, []string{"2.5", "19.99", "49.98", "M1"},
			[]string{entry.RealQty.String(), entry.TaxPrice.String(), entry.Amount.String(), entry.MaterialID.Number})
		require.False(t, entry.IsFree)
	}
	require.Equal(t, msgNotFound, f.form("View", `{"Number":"R9"}`).MsgCode)
	require.Equal(t, msgIDEmpty, f.form("View", `{}`).MsgCode)
}
