package galaxy

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/testkit/nettest"
)

var credentials = Credentials{
	AcctID: "5f0000000000a1", Username: "demo", Password: "pass", LCID: 2052, OrgNumber: "100",
	AppID: "123456_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY", AppSecret: "0123456789abcdef0123456789abcdef",
}

var now = time.Date(2024, time.March, 9, 12, 0, 0, 0, beijing)

const (
	formPath = "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService."
	authPath = "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.AuthService."
)

// fixture is a tenant with a caller.
type fixture struct {
	t       testing.TB
	tenant  *Tenant
	url     string
	clock   time.Time
	client  *http.Client
	cookies []*http.Cookie
	// headers are sent with every call; nil signs each call.
	headers http.Header
}

func start(t testing.TB, change func(*Options)) *fixture {
	f := &fixture{t: t, url: nettest.URL, clock: now}
	options := Options{
		Credentials: credentials,
		BaseData: BaseData{
			Organisations: []string{"100"},
			Customers:     []string{"C1", "C2"},
			Materials:     []string{"M1", "M2"},
			Stocks:        []string{"CK1"},
		},
		Now: func() time.Time { return f.clock },
	}
	if change != nil {
		change(&options)
	}
	var err error
	f.tenant, err = New(options)
	require.NoError(t, err)
	f.client = &http.Client{Transport: &http.Transport{DialContext: nettest.Serve(t, f.tenant).Dial}}
	t.Cleanup(func() { require.NoError(t, f.tenant.Close()) })
	return f
}

// signedHeaders returns the headers of the vendor's SDKs, following its published steps.
func signedHeaders(path string) http.Header {
	appData := "5f0000000000a1,demo,2052,100"
	h := http.Header{}
	h.Set("X-Api-ClientID", "123456")
	h.Set("X-Api-Auth-Version", "2.0")
	h.Set("x-api-timestamp", "1700000000")
	h.Set("x-api-nonce", "1700000000")
	h.Set("x-api-signheaders", "x-api-timestamp,x-api-nonce")
	h.Set("X-Api-Signature", hexDigest("cXJ2cCN1fn8qfHl/eX14aDNiajc0YTNr",
		"POST\n"+strings.ReplaceAll(path, "/", "%2F")+"\n\nx-api-nonce:1700000000\nx-api-timestamp:1700000000\n"))
	h.Set("X-Kd-Appkey", credentials.AppID)
	h.Set("X-Kd-Appdata", base64.StdEncoding.EncodeToString([]byte(appData)))
	h.Set("X-Kd-Signature", hexDigest(credentials.AppSecret, credentials.AppID+appData))
	return h
}

// post makes a call and returns the body of the reply.
func (f *fixture) post(path, body string) string {
	f.t.Helper()
	request, err := http.NewRequest(http.MethodPost, f.url+path, strings.NewReader(body))
	require.NoError(f.t, err)
	request.Header = signedHeaders(path)
	if f.headers != nil {
		request.Header = f.headers.Clone()
	}
	for _, cookie := range f.cookies {
		request.AddCookie(cookie)
	}
	response, err := f.client.Do(request)
	require.NoError(f.t, err)
	defer func() { require.NoError(f.t, response.Body.Close()) }()
	if cookies := response.Cookies(); len(cookies) > 0 {
		f.cookies = cookies
	}
	raw, err := io.ReadAll(response.Body)
	require.NoError(f.t, err)
	require.Equal(f.t, http.StatusOK, response.StatusCode, "%s", raw)
	return string(raw)
}

// form calls a method of the form service with data in the shape of the Python SDK.
func (f *fixture) form(method, data string) responseStatus {
	f.t.Helper()
	return f.formOf("SAL_RETURNSTOCK", method, data)
}

// formOf is form for another form of bills.
func (f *fixture) formOf(formID, method, data string) responseStatus {
	f.t.Helper()
	return statusOf(f.t, f.post(formPath+method+".common.kdsvc", `{"formid":"`+formID+`","data":`+data+`}`))
}

// statusOf reads the ResponseStatus of a reply.
func statusOf(t testing.TB, body string) responseStatus {
	t.Helper()
	var r resultReply
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&r), body)
	return r.Result.ResponseStatus
}

// save saves bills and returns the status.
func (f *fixture) save(models ...string) responseStatus {
	f.t.Helper()
	return f.form("BatchSave", `{"IsVerifyBaseDataField":true,"Model":[`+strings.Join(models, ",")+`]}`)
}

// query returns the rows of a query as JSON.
func (f *fixture) query(data string) string {
	f.t.Helper()
	return f.post(formPath+"ExecuteBillQuery.common.kdsvc", `{"data":`+data+`}`)
}

// model returns a bill with all required fields. changes are pairs of an old and a new
// text.
func model(number string, changes ...string) string {
	m := fmt.Sprintf(`{"FBillTypeID":{"FNUMBER":"XSTHD01_SYS"},"FBillNo":%q,"FDate":"2024-03-02","FSaleOrgId":{"FNumber":"100"},`+
		`"FStockOrgId":{"FNumber":"100"},"FRetcustId":{"FNumber":"C1"},"FHeadNote":"note","SubHeadEntity":{"FSettleOrgId":{"FNumber":"100"},`+
		`"FSettleCurrId":{"FNumber":"PRE001"},"FThirdBillNo":"third"},"FEntity":[{"FMaterialId":{"FNumber":"M1"},"FRealQty":"2.5",`+
		`"FTaxPrice":19.99,"FAmount":1,"FIsFree":false,"FReturnType":{"FNumber":"THLX01_SYS"},"FOwnerTypeId":"BD_OwnerOrg",`+
		`"FOwnerId":{"FNumber":"100"},"FStockId":{"FNumber":"CK1"},"FNote":"line"}]}`, number)
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(m, changes[i]) {
			panic("the model does not contain " + changes[i])
		}
		m = strings.Replace(m, changes[i], changes[i+1], 1)
	}
	return m
}
