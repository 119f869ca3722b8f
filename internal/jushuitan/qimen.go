package jushuitan

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/text"
	"refundsync/internal/version"
)

// beijing is the zone of every time on this wire, none of which names it. China has
// had no summer time since 1991.
var beijing = time.FixedZone("Asia/Shanghai", 8*60*60)

// qimenTransport calls through Alibaba's Qimen gateway.
type qimenTransport struct {
	Qimen
	now func() time.Time
}

var qimenAdvice = advice{
	retry:       text.New("It is retried; if it keeps failing, check the network, the proxy (HTTPS_PROXY, NO_PROXY), JUSHUITAN_URL and the state of Qimen."),
	certificate: text.New("Check the host of JUSHUITAN_URL, and this machine's CA certificates and clock."),
	url:         text.New("Check JUSHUITAN_URL: it should be https://…/router/qm"),
}

func (qimenTransport) advice() advice { return qimenAdvice }

// systemParameters are the client's own; every other name is a business parameter.
func (q qimenTransport) systemParameters(method string) map[string]string {
	return map[string]string{
		"method":         method,
		"app_key":        q.AppKey,
		"target_app_key": q.TargetAppKey,
		"customer_id":    q.CustomerID,
		"session":        q.Session,
		"timestamp":      q.now().In(beijing).Format(time.DateTime),
		"format":         "json", // the gateway's default is XML
		"v":              "2.0",
		"sign_method":    string(q.SignMethod),
		"sign":           "",
	}
}

// newRequest puts the system parameters into the URL query and the business parameters
// into a form body, as the vendor's SDK does.
func (q qimenTransport) newRequest(ctx context.Context, source *catalog.Interface, params map[string]string) (request, error) {
	query := q.systemParameters(source.Name)
	signed := maps.Clone(query)
	for name, value := range params {
		if _, taken := query[name]; taken {
			return request{}, &fault.Error{
				Class: fault.Final, Reason: "reserved_parameter", Field: name,
				Err:    text.Errorf("this is a system parameter, which the program fills in"),
				Advice: text.New("Remove it from source.parameters of the flow file."),
			}
		}
		signed[name] = value
	}
	sign, err := Sign(q.SignMethod, q.AppSecret, signed)
	if err != nil {
		return request{}, text.Errorf("sign %s: %w", source.Name, err)
	}
	query["sign"] = sign
	made, err := newPost(ctx, q.URL, params)
	if err != nil {
		return request{}, err
	}
	made.URL.RawQuery = encode(query)
	return request{Request: made, secrets: []string{q.AppSecret, q.Session, sign}}, nil
}

func newPost(ctx context.Context, address string, form map[string]string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(encode(form)))
	if err != nil {
		return nil, text.Errorf("make the request: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", version.UserAgent())
	return request, nil
}

func encode(params map[string]string) string {
	values := url.Values{}
	for name, value := range withoutBlank(params) {
		values.Set(name, value)
	}
	return values.Encode()
}
