package galaxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator/faults"
)

// disturbed returns a tenant with faults.
func disturbed(t testing.TB, options faults.Options, change func(*Options)) (*fixture, *faults.Injector) {
	injector, err := faults.New(options)
	require.NoError(t, err)
	return start(t, func(o *Options) {
		o.Faults = injector
		if change != nil {
			change(o)
		}
	}), injector
}

func always(names ...faults.Name) faults.Options {
	p := faults.Probabilities{}
	for _, name := range names {
		p[name] = 1
	}
	return faults.Options{Seed: 1, Probabilities: p, HangTime: 20 * time.Millisecond, SaveDelay: 20 * time.Millisecond}
}

// try makes a call that may fail in any way.
func (f *fixture) try(method, data string) (status int, body string, err error) {
	f.t.Helper()
	path := formPath + method + ".common.kdsvc"
	request, err := http.NewRequest(http.MethodPost, f.url+path, strings.NewReader(`{"formid":"SAL_RETURNSTOCK","data":`+data+`}`))
	require.NoError(f.t, err)
	request.Header = signedHeaders(path)
	response, err := f.client.Do(request)
	if err != nil {
		return 0, "", err
	}
	raw, err := io.ReadAll(response.Body)
	return response.StatusCode, string(raw), errors.Join(err, response.Body.Close())
}

const queryAll = `{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FBillNo"}`

// Operations with data for an existing bill R1; after is what they store of a bill that
// is new.
var disturbedCalls = []struct{ method, data, after string }{
	{"BatchSave", `{"Model":[` + model("R2") + `]}`, "R1=A R2=A"},
	{"Submit", `{"Numbers":["R1"]}`, "R1=B"},
	{"ExecuteBillQuery", queryAll, "R1=A"},
}

func (f *fixture) bills() string {
	var bills []string
	for _, b := range f.tenant.State(true).Bills {
		bills = append(bills, b.Number+"="+b.Status)
	}
	return strings.Join(bills, " ")
}

// callFault makes each call once under one fault, and checks what the caller saw and what
// Kingdee holds afterwards.
func callFault(t *testing.T, name faults.Name, check func(t *testing.T, status int, body string, err error)) map[string]string {
	after := map[string]string{}
	for _, c := range disturbedCalls {
		t.Run(c.method, func(t *testing.T) {
			f, injector := disturbed(t, always(), nil)
			require.True(t, f.save(model("R1")).IsSuccess)
			require.NoError(t, injector.Set(faults.Probabilities{name: 1}))
			status, body, err := f.try(c.method, c.data)
			check(t, status, body, err)
			require.Equal(t, map[faults.Name]int{name: 1}, injector.Injected())
			after[c.method] = f.bills()
		})
	}
	return after
}

func undone() map[string]string {
	return map[string]string{"BatchSave": "R1=A", "Submit": "R1=A", "ExecuteBillQuery": "R1=A"}
}

func done() map[string]string {
	after := map[string]string{}
	for _, c := range disturbedCalls {
		after[c.method] = c.after
	}
	return after
}

func TestCallFailsBeforeProcessing(t *testing.T) {
	cases := []struct {
		name  faults.Name
		check func(t *testing.T, status int, body string, err error)
	}{
		{faults.KingdeeServerError, func(t *testing.T, status int, _ string, err error) {
			require.NoError(t, err)
			require.GreaterOrEqual(t, status, 500)
		}},
		{faults.KingdeeHang, func(t *testing.T, _ int, _ string, err error) { require.ErrorIs(t, err, io.EOF) }},
		{faults.KingdeeFrameworkError, func(t *testing.T, status int, body string, err error) {
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status)
			require.Regexp(t, `^response_error:\{"Message":".*"\}$`, body)
		}},
		{faults.KingdeeCallLimit, func(t *testing.T, status int, body string, err error) {
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status)
			require.Contains(t, body, `"MsgCode":14`)
		}},
	}
	for _, c := range cases {
		t.Run(string(c.name), func(t *testing.T) { require.Equal(t, undone(), callFault(t, c.name, c.check)) })
	}
}

func TestCallFailsAfterProcessing(t *testing.T) {
	cases := []struct {
		name  faults.Name
		check func(t *testing.T, status int, body string, err error)
	}{
		{faults.KingdeeReplyLost, func(t *testing.T, _ int, _ string, err error) { require.ErrorIs(t, err, io.EOF) }},
		{faults.KingdeeTruncatedBody, func(t *testing.T, _ int, _ string, err error) { require.ErrorIs(t, err, io.ErrUnexpectedEOF) }},
		{faults.KingdeeMalformedJSON, func(t *testing.T, status int, body string, err error) {
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status)
			require.NotEmpty(t, body)
			require.False(t, json.Valid([]byte(body)), body)
		}},
	}
	for _, c := range cases {
		t.Run(string(c.name), func(t *testing.T) { require.Equal(t, done(), callFault(t, c.name, c.check)) })
	}
}

func TestHangEndsWhenItsCallerHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := always(faults.KingdeeHang)
		options.HangTime = time.Hour
		f, _ := disturbed(t, options, nil)
		f.client.Timeout = time.Minute
		_, _, err := f.try("ExecuteBillQuery", queryAll)
		require.ErrorIs(t, err, context.DeadlineExceeded) // and nothing remains running in the bubble
	})
}

func TestFaultsOfALogin(t *testing.T) {
	for _, name := range []faults.Name{faults.KingdeeServerError, faults.KingdeeHang, faults.KingdeeMalformedJSON, faults.KingdeeTruncatedBody} {
		f, injector := disturbed(t, always(name), nil)
		response, err := f.client.Post(f.url+authPath+"ValidateUser.common.kdsvc", "", strings.NewReader(`{"parameters":["5f0000000000a1","demo","pass",2052]}`))
		var raw []byte
		if err == nil {
			raw, _ = io.ReadAll(response.Body) // cut in the middle for one of them
			require.NoError(t, response.Body.Close())
		}
		require.False(t, json.Valid(raw), name)
		require.Equal(t, map[faults.Name]int{name: 1}, injector.Injected())
		require.Equal(t, 1, f.tenant.State(false).Calls["ValidateUser"])
	}
}

func TestSessionLost(t *testing.T) {
	f, injector := disturbed(t, always(), nil)
	f.headers = http.Header{}
	f.post(authPath+"ValidateUser.common.kdsvc", `{"parameters":["5f0000000000a1","demo","pass",2052]}`)
	require.True(t, f.save(model("R1")).IsSuccess)
	require.NoError(t, injector.Set(faults.Probabilities{faults.KingdeeSessionLost: 1}))
	status := f.save(model("R2"))
	require.Equal(t, msgSessionLost, status.MsgCode)
	require.Equal(t, "会话信息已丢失，请重新登录", status.Errors[0].Message)
	require.Zero(t, f.tenant.State(false).Sessions)
	injector.Clear()
	require.Equal(t, msgSessionLost, f.save(model("R2")).MsgCode, "it stays lost")
	require.Equal(t, "R1=A", f.bills())
}

// A login that has served a call ends, in one of many ways; a new one is not affected
// before it has served one.
func TestSessionRefused(t *testing.T) {
	f, injector := disturbed(t, always(faults.KingdeeSessionRefused), nil)
	f.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	seen := map[string]bool{}
	for range 60 {
		f.headers = http.Header{}
		f.post(authPath+"ValidateUser.common.kdsvc", `{"parameters":["5f0000000000a1","demo","pass",2052]}`)
		require.Equal(t, `[]`, f.query(queryAll))
		request, err := http.NewRequest(http.MethodPost, f.url+formPath+"ExecuteBillQuery.common.kdsvc", strings.NewReader(`{"data":`+queryAll+`}`))
		require.NoError(t, err)
		for _, cookie := range f.cookies {
			request.AddCookie(cookie)
		}
		response, err := f.client.Do(request)
		require.NoError(t, err)
		raw, err := io.ReadAll(response.Body)
		require.NoError(t, errors.Join(err, response.Body.Close()))
		require.NotEqual(t, `[]`, string(raw))
		seen[fmt.Sprint(response.StatusCode, string(raw))] = true
	}
	require.Len(t, seen, len(sessionRefusals))
	require.Equal(t, map[faults.Name]int{faults.KingdeeSessionRefused: 60}, injector.Injected())
	require.Zero(t, f.tenant.State(false).Sessions)
}

func TestSessionRefusedIsForLoginsOnly(t *testing.T) {
	f, injector := disturbed(t, always(faults.KingdeeSessionRefused), nil)
	require.True(t, f.save(model("R1")).IsSuccess)
	require.True(t, f.save(model("R2")).IsSuccess)
	require.Empty(t, injector.Injected())
}

// A caller with signed headers silently gets another session.
func TestSessionLostWithSignedHeaders(t *testing.T) {
	f, injector := disturbed(t, always(faults.KingdeeSessionLost), nil)
	require.True(t, f.save(model("R1")).IsSuccess)
	first := f.cookies[0].Value
	require.True(t, f.save(model("R2")).IsSuccess)
	require.NotEqual(t, first, f.cookies[0].Value)
	require.Equal(t, map[faults.Name]int{faults.KingdeeSessionLost: 1}, injector.Injected(), "the first call had none to lose")
	require.Equal(t, 1, f.tenant.State(false).Sessions)
}

func TestConflictOfACall(t *testing.T) {
	f, injector := disturbed(t, always(faults.KingdeeConflict), nil)
	codes := map[int]bool{}
	for range 20 {
		status := f.save(model("R1"), model("R2"))
		require.False(t, status.IsSuccess)
		require.Contains(t, status.Errors[0].Message, "冲突，请稍候再使用。")
		require.Len(t, status.Errors, 1)
		codes[status.MsgCode] = true
	}
	require.Equal(t, map[int]bool{msgNone: true, msgNetworkConflict: true}, codes)
	require.Equal(t, `[]`, f.query(queryAll), "a query is in nobody's way")
	require.Equal(t, map[faults.Name]int{faults.KingdeeConflict: 20}, injector.Injected())
}

func TestConflictOfABill(t *testing.T) {
	options := always()
	options.Probabilities[faults.KingdeeBillConflict] = 0.5
	f, injector := disturbed(t, options, nil)
	numbers := []string{"R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7"}
	var models []string
	for _, number := range numbers {
		models = append(models, model(number))
	}
	status := f.save(models...)
	require.NotEmpty(t, status.Errors)
	require.NotEmpty(t, status.SuccessEntitys)
	require.Len(t, status.Errors, injector.Injected()[faults.KingdeeBillConflict])
	for _, e := range status.Errors {
		require.Contains(t, e.Message, "冲突，请稍候再使用。")
		require.NotContains(t, f.bills(), numbers[e.DIndex])
	}
	for _, s := range status.SuccessEntitys {
		require.Contains(t, f.bills(), numbers[s.DIndex])
	}
	require.Len(t, f.tenant.State(true).Bills, len(status.SuccessEntitys))
}

func TestBusyBill(t *testing.T) {
	f, injector := disturbed(t, always(faults.KingdeeBillBusy), nil)
	texts := map[string]bool{}
	for range 20 {
		status := f.save(model("R1"))
		require.Equal(t, msgInvalid, status.MsgCode)
		require.Len(t, status.Errors, 1)
		require.Nil(t, status.Errors[0].FieldName)
		texts[status.Errors[0].Message] = true
	}
	require.Len(t, texts, len(busyTexts))
	require.Empty(t, f.bills())
	require.Equal(t, map[faults.Name]int{faults.KingdeeBillBusy: 20}, injector.Injected())
}

func TestAuditRefusedAfterTheSave(t *testing.T) {
	f, injector := disturbed(t, always(faults.KingdeeAuditRefused), nil)
	require.True(t, f.save(model("R0")).IsSuccess, "there is nothing to audit")
	status := f.form("BatchSave", `{"IsAutoSubmitAndAudit":true,"Model":[`+model("R1")+`,`+model("R2")+`]}`)
	require.Equal(t, msgNoPermission, status.MsgCode)
	require.Empty(t, status.SuccessEntitys)
	require.Equal(t, "R0=A R1=A R2=A", f.bills())
	require.Equal(t, map[faults.Name]int{faults.KingdeeAuditRefused: 1}, injector.Injected())
}

func TestOtherShapes(t *testing.T) {
	f, injector := disturbed(t, always(faults.KingdeeOtherShape), nil)
	shapes := map[string]bool{}
	for i := range 30 {
		body := f.post(formPath+"BatchSave.common.kdsvc", fmt.Sprintf(`{"formid":"SAL_RETURNSTOCK","data":{"Model":[%s]}}`, model(fmt.Sprint("R", i))))
		require.Contains(t, body, fmt.Sprint("R", i))
		shapes[body[:3]] = true
	}
	require.Equal(t, map[string]bool{`"{\`: true, `{"R`: true, `[{"`: true}, shapes)
	require.Regexp(t, `^"\[.*\]"$`, f.query(queryAll))
	require.Equal(t, map[faults.Name]int{faults.KingdeeOtherShape: 31}, injector.Injected())
}

func TestPartialFailureReportsEitherResult(t *testing.T) {
	f, injector := disturbed(t, always(faults.KingdeePartialFailure), nil)
	flags := map[bool]bool{}
	for i := range 20 {
		numbers := []string{fmt.Sprintf("A%d", i), fmt.Sprintf("B%d", i), fmt.Sprintf("C%d", i)}
		status := f.save(model(numbers[0]), model(numbers[1]), model(numbers[2]))
		require.Len(t, status.Errors, 1)
		require.Len(t, status.SuccessEntitys, 2)
		require.Equal(t, msgDatabaseFailure, status.MsgCode)
		require.NotContains(t, f.bills(), numbers[status.Errors[0].DIndex]+"=")
		flags[status.IsSuccess] = true
	}
	require.Equal(t, map[bool]bool{true: true, false: true}, flags)
	require.True(t, f.save(model("alone")).IsSuccess, "a bill alone is no part")
	require.Equal(t, map[faults.Name]int{faults.KingdeePartialFailure: 20}, injector.Injected())
	require.Len(t, f.tenant.State(true).Bills, 41)
}

func TestShuffledSuccesses(t *testing.T) {
	f, injector := disturbed(t, always(faults.KingdeeShuffled), nil)
	status := f.save(model("R0"), model("R1"), model("R2"), model("R3"), model("R4"))
	require.True(t, status.IsSuccess)
	var indexes []int
	for _, s := range status.SuccessEntitys {
		require.Equal(t, fmt.Sprintf("R%d", s.DIndex), s.Number)
		indexes = append(indexes, s.DIndex)
	}
	require.False(t, slices.IsSorted(indexes), indexes)
	slices.Sort(indexes)
	require.Equal(t, []int{0, 1, 2, 3, 4}, indexes)
	require.False(t, slices.IsSortedFunc(f.form("Submit", `{"Numbers":["R0","R1","R2"]}`).SuccessEntitys,
		func(a, b billSuccess) int { return a.DIndex - b.DIndex }))
	require.True(t, f.save(model("alone")).IsSuccess)
	require.Equal(t, map[faults.Name]int{faults.KingdeeShuffled: 2}, injector.Injected())
}

func TestBillInNeitherList(t *testing.T) {
	for _, c := range []struct {
		name  faults.Name
		after string
	}{
		{faults.KingdeeBillUnmentioned, "R1=B R2=A"},
		{faults.KingdeeBillForgotten, "R1=A"},
	} {
		t.Run(string(c.name), func(t *testing.T) {
			f, injector := disturbed(t, always(), nil)
			require.True(t, f.save(model("R1")).IsSuccess)
			require.NoError(t, injector.Set(faults.Probabilities{c.name: 1}))
			for _, status := range []responseStatus{f.save(model("R2")), f.form("Submit", `{"Numbers":["R1"]}`)} {
				require.True(t, status.IsSuccess)
				require.Empty(t, status.Errors)
				require.Empty(t, status.SuccessEntitys)
			}
			require.Equal(t, c.after, f.bills())
			require.Equal(t, map[faults.Name]int{c.name: 2}, injector.Injected())
		})
	}
}

// landLateSaves waits until all late saves have landed, by the clock of the test's
// bubble.
func (f *fixture) landLateSaves() {
	f.t.Helper()
	time.Sleep(time.Minute)
	require.Zero(f.t, f.tenant.State(false).LateSaves)
}

func TestLateSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, injector := disturbed(t, always(), nil)
		seen := map[string]bool{}
		for i := range 12 {
			number := fmt.Sprintf("R%02d", i)
			require.NoError(t, injector.Set(faults.Probabilities{faults.KingdeeSaveLate: 1}))
			status, body, err := f.try("BatchSave", `{"Model":[`+model(number)+`,`+model(number+"b")+`]}`)
			if err == nil {
				require.Equal(t, http.StatusGatewayTimeout, status, body)
			} else {
				require.ErrorIs(t, err, io.EOF)
			}
			seen[fmt.Sprint(status)] = true
		}
		require.Equal(t, map[string]bool{"0": true, "504": true}, seen)
		f.landLateSaves()
		bills := f.tenant.State(true).Bills
		require.Len(t, bills, 24)
		require.Len(t, bills[0].Entries, 1)
		require.Equal(t, map[faults.Name]int{faults.KingdeeSaveLate: 12}, injector.Injected())
		require.Empty(t, f.tenant.State(false).Violations)
	})
}

// A caller that looks, finds nothing and saves again can overtake its late save. If the
// tenant requires unique numbers, the late save then finds the number in use.
func TestLateSaveFindsItsNumberUsed(t *testing.T) {
	for allowed, doubles := range map[bool][]string{false: {}, true: {"R1"}} {
		t.Run(fmt.Sprintf("duplicates allowed %t", allowed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				options := always(faults.KingdeeSaveLate)
				options.SaveDelay = time.Second
				f, injector := disturbed(t, options, func(o *Options) { o.AllowDuplicateNumbers = allowed })
				_, _, _ = f.try("BatchSave", `{"Model":[`+model("R1")+`]}`)
				injector.Clear()
				require.Equal(t, `[]`, f.query(queryAll))
				require.Equal(t, 1, f.tenant.State(false).LateSaves)
				require.True(t, f.save(model("R1")).IsSuccess)
				f.landLateSaves()
				require.Equal(t, doubles, f.tenant.State(false).Doubles)
			})
		})
	}
}

func TestLateSaveIsDroppedWhenTheTenantIsClosed(t *testing.T) {
	options := always(faults.KingdeeSaveLate)
	options.SaveDelay = time.Hour
	path := filepath.Join(t.TempDir(), "bills.jsonl")
	f, _ := disturbed(t, options, func(o *Options) { o.Data = path })
	_, _, _ = f.try("BatchSave", `{"Model":[`+model("R1")+`]}`)
	require.Empty(t, reopened(t, f, path).tenant.State(true).Bills)
}

func TestBillStoredIsCalled(t *testing.T) {
	var mu sync.Mutex
	var stored []string
	f, _ := disturbed(t, always(faults.KingdeeReplyLost), func(o *Options) {
		o.BillStored = func(_, number string) {
			mu.Lock()
			defer mu.Unlock()
			stored = append(stored, number)
		}
	})
	_, _, _ = f.try("BatchSave", `{"Model":[`+model("R1")+`,`+model("R2", `"FMaterialId":{"FNumber":"M1"},`, ``)+`,`+model("R1")+`]}`)
	_, _, _ = f.try("Save", `{"Model":{"FID":100001,"FHeadNote":"changed"}}`)
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, []string{"R1", "R1"}, stored)
}

// Whatever strikes, callers that keep saving the same numbers make one complete bill of
// each, and a caller that keeps trying succeeds.
func TestEveryFaultAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		options := always()
		for _, name := range faults.Names() {
			options.Probabilities[name] = 0.1
		}
		f, injector := disturbed(t, options, nil)
		const callers, numbers = 6, 20
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				for n := 0; n < numbers; n += 2 {
					for range 10 {
						_, _, _ = f.try("BatchSave", fmt.Sprintf(`{"Model":[%s,%s]}`, model(fmt.Sprintf("R%02d", n)), model(fmt.Sprintf("R%02d", n+1))))
					}
				}
			})
		}
		group.Wait()
		injector.Clear()
		f.landLateSaves()
		state := f.tenant.State(true)
		require.Len(t, state.Bills, numbers)
		require.Empty(t, state.Doubles)
		require.Empty(t, state.Violations)
		for _, b := range state.Bills {
			require.Len(t, b.Entries, 1, b.Number)
			require.Equal(t, "49.98", b.Entries[0].Fields["FAmount"])
		}
		struck := slices.Sorted(maps.Keys(injector.Injected()))
		require.Contains(t, struck, faults.KingdeeSaveLate)
		require.Contains(t, struck, faults.KingdeeReplyLost)
	})
}

// Calls made in sequence see the same faults.
func TestSameSeedSameFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := func(seed uint64) []string {
			options := always()
			options.Seed = seed
			for _, name := range faults.Names() {
				options.Probabilities[name] = 0.15
			}
			// When a late save lands depends on time.
			delete(options.Probabilities, faults.KingdeeSaveLate)
			f, _ := disturbed(t, options, nil)
			var seen []string
			for i := range 30 {
				status, body, err := f.try("BatchSave", fmt.Sprintf(`{"Model":[%s,%s]}`, model(fmt.Sprintf("A%d", i)), model(fmt.Sprintf("B%d", i))))
				seen = append(seen, fmt.Sprint(status, body, err != nil))
			}
			return append(seen, f.bills())
		}
		require.Equal(t, run(7), run(7))
		require.NotEqual(t, run(7), run(8))
	})
}
