package kingdee

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/testkit/nettest"
)

// Replies seen on live servers, or taken from Kingdee's documents.
const (
	lostReply        = `{"Result":{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,"Errors":[{"FieldName":null,"Message":"会话信息已丢失，请重新登录","DIndex":0}],"SuccessEntitys":[],"SuccessMessages":[],"MsgCode":1}}}`
	lostQueryReply   = `[[` + lostReply + `]]`
	savedReply       = `{"Result":{"ResponseStatus":{"IsSuccess":true,"Errors":[],"SuccessEntitys":[{"Id":100040,"Number":"RT100","DIndex":0}],"SuccessMessages":[],"MsgCode":0},"NeedReturnData":[{}]}}`
	loggedInReply    = `{"Message":null,"MessageCode":"CheckPasswordPolicy","LoginResultType":1,"KDSVCSessionId":"from-the-body"}`
	conflictText     = `“demo”使用业务单据：“销售订单”业务操作-“[销售订单-2021-28-修改]”冲突，请稍候再使用。`
	duplicateText    = `违反字段唯一性要求：编码唯一。[RT100]在当前系统中已经被使用。`
	requiredText     = `字段“客户”是必填项`
	requiredLineText = `单据体实体【明细信息】第【1】行分录，【仓库】字段必录`
)

// vectorConfig is the account of the published signature vector.
func vectorConfig(url string) Config {
	return Config{
		URL:       url + "/k3cloud/",
		AcctID:    "5f0000000000a1",
		Username:  "demo",
		Password:  "pass&word",
		AppID:     "123456_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY",
		AppSecret: "0123456789abcdef0123456789abcdef",
		LCID:      2052,
		OrgNumber: "100",
		Sessions:  1,
		Now:       func() time.Time { return time.Unix(1700000000, 0) },
	}
}

func newClient(t *testing.T, config Config) *Client {
	t.Helper()
	c, err := New(config)
	require.NoError(t, err)
	return c
}

// bubbleClient is a client in a synctest bubble, and reply its Kingdee.
func bubbleClient(t *testing.T, reply http.HandlerFunc) *Client {
	t.Helper()
	server := nettest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // otherwise a lost connection goes unnoticed
		reply(w, r)
	}))
	c := newClient(t, vectorConfig(nettest.URL))
	s := <-c.sessions
	s.http.Transport = &http.Transport{DialContext: server.Dial}
	c.sessions <- s
	return c
}

// methodOf is the last part of …DynamicFormService.BatchSave.common.kdsvc.
func methodOf(r *http.Request) string {
	parts := strings.Split(strings.TrimSuffix(r.URL.Path, ".common.kdsvc"), ".")
	return parts[len(parts)-1]
}

// serve answers every request with what reply gives for its method and body.
func serve(t *testing.T, reply func(w http.ResponseWriter, r *http.Request, body string)) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		reply(w, r, string(body))
	}))
	t.Cleanup(server.Close)
	return server
}

// always answers every request with the same text.
func always(t *testing.T, text string) *httptest.Server {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request, _ string) { write(w, text) })
}

func write(w http.ResponseWriter, text string) {
	// Some tests disconnect the client.
	_, _ = io.WriteString(w, text)
}

func golden(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(bytes.TrimSuffix(raw, []byte("\n")))
}

func requireFault(t *testing.T, err error, class fault.Class, reason string) *fault.Error {
	t.Helper()
	f := fault.As(err)
	require.NotNil(t, f, "want a *fault.Error, got %v", err)
	require.Equal(t, class, f.Class, f.Error())
	require.Equal(t, reason, f.Reason, f.Error())
	return f
}

// oneBill is the smallest call of BatchSave.
var oneBill = BatchSave{Form: returns, Model: bills(`{"FBillNo":"RT100"}`)}
