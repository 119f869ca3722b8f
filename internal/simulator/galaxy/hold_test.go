package galaxy

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReleasedSavesProceed(t *testing.T) {
	f := start(t, nil)
	f.tenant.ReleaseSaves() // a no-op
	f.tenant.HoldSaves(1)
	require.True(t, f.save(model("R1")).IsSuccess, "the first bill is let through")

	saved := make(chan int, 1)
	go func() {
		status, _, err := f.try("BatchSave", `{"Model":[`+model("R2")+`]}`)
		if err != nil {
			status = 0
		}
		saved <- status
	}()
	held := func() bool { return f.tenant.HeldSaves() == 1 }
	require.Eventually(t, held, time.Minute, time.Millisecond)
	require.Equal(t, "R1=A", f.bills())
	require.Equal(t, `[["R1"]]`, f.post(formPath+"ExecuteBillQuery.common.kdsvc",
		`{"parameters":["{\"FormId\":\"SAL_RETURNSTOCK\",\"FieldKeys\":\"FBillNo\"}"]}`), "what only reads is not held")
	f.tenant.ReleaseSaves()
	require.Equal(t, http.StatusOK, <-saved)
	require.Equal(t, "R1=A R2=A", f.bills())
	require.Zero(t, f.tenant.HeldSaves())

	// A held call whose caller has gone never arrives.
	f.tenant.HoldSaves(0)
	ctx, give := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+formPath+"BatchSave.common.kdsvc", strings.NewReader(`{"parameters":["SAL_RETURNSTOCK","{}"]}`))
		if err == nil {
			_, _ = f.client.Do(request) // it is cancelled
		}
	}()
	require.Eventually(t, held, time.Minute, time.Millisecond)
	give()
	<-gone
	require.Eventually(t, func() bool { return f.tenant.HeldSaves() == 0 }, time.Minute, time.Millisecond)
	f.tenant.ReleaseSaves()
	require.Equal(t, "R1=A R2=A", f.bills())
}
