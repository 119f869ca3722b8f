package jushuitan

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/version"
)

// beijing is the zone of every time on this wire, none of which says so. China
// has had no summer time since 1991.
var beijing = time.FixedZone("Asia/Shanghai", 8*60*60)

// systemParameters are the client's own; every other name is a business
// parameter and passes through as it is.
func (c *Client) systemParameters() map[string]string {
	return map[string]string{
		"method":         refundListQuery,
		"app_key":        c.config.AppKey,
		"target_app_key": c.config.TargetAppKey,
		"customer_id":    c.config.CustomerID,
		"session":        c.config.Session,
		"timestamp":      c.config.Now().In(beijing).Format(time.DateTime),
		"format":         "json", // the gateway's default is XML
		"v":              "2.0",
		"sign_method":    string(c.config.SignMethod),
		"sign":           "",
	}
}

// newRequest builds the signed POST and gives the sign beside it, so that it
// can be kept out of errors.
func (c *Client) newRequest(ctx context.Context, params map[string]string) (*http.Request, string, error) {
	system := c.systemParameters()
	signed := maps.Clone(system)
	for name, value := range params {
		if _, taken := system[name]; taken {
			f := newFault(fault.Final, "reserved_parameter",
				"这是系统参数，由程序自己填写。 This is a system parameter, filled in by the program.",
				"请从流程文件的 source.parameters 里删掉它。 Remove it from source.parameters of the flow file.")
			f.Field = name
			return nil, "", f
		}
		signed[name] = value
	}
	sign, err := Sign(c.config.SignMethod, c.config.AppSecret, signed)
	if err != nil {
		return nil, "", fmt.Errorf("sign %s: %w", refundListQuery, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.URL, strings.NewReader(encode(params)))
	if err != nil {
		return nil, "", fmt.Errorf("make the request of %s: %w", refundListQuery, err)
	}
	system["sign"] = sign
	request.URL.RawQuery = encode(system)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", version.UserAgent())
	return request, sign, nil
}

func encode(params map[string]string) string {
	values := url.Values{}
	for name, value := range withoutBlank(params) {
		values.Set(name, value)
	}
	return values.Encode()
}
