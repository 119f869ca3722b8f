package jushuitan

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/text"
	"refundsync/internal/version"
)

// beijing is the zone of every time on this wire, none of which names it. China has
// had no summer time since 1991.
var beijing = time.FixedZone("Asia/Shanghai", 8*60*60)

// systemParameters are the client's own; every other name is a business parameter.
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

// newRequest builds the signed POST. It returns the sign as well, so that it can be
// kept out of errors.
func (c *Client) newRequest(ctx context.Context, params map[string]string) (*http.Request, string, error) {
	query := c.systemParameters()
	signed := maps.Clone(query)
	for name, value := range params {
		if _, taken := query[name]; taken {
			f := newFault(fault.Final, "reserved_parameter",
				text.Errorf("this is a system parameter, which the program fills in"),
				text.New("Remove it from source.parameters of the flow file."))
			f.Field = name
			return nil, "", f
		}
		signed[name] = value
	}
	sign, err := Sign(c.config.SignMethod, c.config.AppSecret, signed)
	if err != nil {
		return nil, "", text.Errorf("sign %s: %w", refundListQuery, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.URL, strings.NewReader(encode(params)))
	if err != nil {
		return nil, "", text.Errorf("make the request of %s: %w", refundListQuery, err)
	}
	query["sign"] = sign
	request.URL.RawQuery = encode(query)
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
