package qimen

import (
	"time"

	"refundsync/internal/simulator/merchant"
)

// maxClockError is how far a caller's clock may be off.
const maxClockError = 10 * time.Minute

// checkSystem checks the gateway's own parameters, in the order in which they are needed.
// The codes are those of Taobao's open platform.
func (g *Gateway) checkSystem(params map[string]string, now time.Time) *errorReply {
	credentials := g.options.Credentials
	switch method := params["method"]; method {
	case "":
		return refusal(21, "Missing Method")
	default:
		if g.served[method] == nil {
			return refusal(22, "Invalid Method")
		}
	}
	switch params["app_key"] {
	case credentials.AppKey:
	case "":
		return refusal(28, "Missing App Key")
	default:
		return refusal(29, "Invalid App Key")
	}
	switch params["v"] {
	case "2.0":
	case "":
		return refusal(32, "Missing Version")
	default:
		return refusal(33, "Invalid Version")
	}
	// The gateway's default is XML, which is not simulated.
	if params["format"] != "json" {
		return refusal(23, "Invalid Format")
	}
	if reply := checkTimestamp(params["timestamp"], now); reply != nil {
		return reply
	}
	if reply := g.checkSign(params); reply != nil {
		return reply
	}
	if reply := checkArgument(params, "target_app_key", credentials.TargetAppKey); reply != nil {
		return reply
	}
	return checkArgument(params, "customer_id", credentials.CustomerID)
}

func checkTimestamp(timestamp string, now time.Time) *errorReply {
	if timestamp == "" {
		return refusal(30, "Missing Timestamp")
	}
	t, err := time.ParseInLocation(time.DateTime, timestamp, merchant.Beijing)
	if err != nil || t.Sub(now).Abs() > maxClockError {
		return refusal(31, "Invalid Timestamp")
	}
	return nil
}

func (g *Gateway) checkSign(params map[string]string) *errorReply {
	if params["sign_method"] == "" {
		return refusal(40, "Missing Required Arguments:sign_method")
	}
	accepted := false
	for _, secret := range *g.secrets.Load() {
		want, known := sign(params["sign_method"], secret, params)
		if !known {
			return refusal(41, "Invalid Arguments:sign_method")
		}
		accepted = accepted || params["sign"] == want
	}
	switch {
	case params["sign"] == "":
		return refusal(24, "Missing Signature")
	case !accepted:
		return refusal(25, "Invalid signature")
	}
	return nil
}

func checkArgument(params map[string]string, name, want string) *errorReply {
	switch params[name] {
	case want:
		return nil
	case "":
		return refusal(40, "Missing Required Arguments:"+name)
	default:
		return refusal(41, "Invalid Arguments:"+name)
	}
}
