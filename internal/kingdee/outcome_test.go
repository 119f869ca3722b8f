package kingdee

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhichFailuresAreOverload(t *testing.T) {
	ofStatus := func(status int) error {
		return httpFailure(MethodBatchSave, &http.Response{StatusCode: status}, nil)
	}
	ofConnection := func(err error) error { return connectionFailure(t.Context(), MethodBatchSave, err) }
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"success":                       {nil, false},
		"call limit":                    {callLimit.failure(MethodBatchSave, nil), true},
		"call limit, wrapped":           {fmt.Errorf("x: %w", callLimit.failure(MethodBatchSave, nil)), true},
		"HTTP 429":                      {ofStatus(http.StatusTooManyRequests), true},
		"HTTP 408":                      {ofStatus(http.StatusRequestTimeout), true},
		"HTTP 503":                      {ofStatus(http.StatusServiceUnavailable), true},
		"HTTP 504":                      {ofStatus(http.StatusGatewayTimeout), true},
		"no reply in time":              {ofConnection(context.DeadlineExceeded), true},
		"HTTP 500":                      {ofStatus(http.StatusInternalServerError), false},
		"HTTP 502":                      {ofStatus(http.StatusBadGateway), false},
		"HTTP 404":                      {ofStatus(http.StatusNotFound), false},
		"connection refused":            {ofConnection(&net.OpError{Op: "dial", Err: errors.New("refused")}), false},
		"no connection in time":         {ofConnection(&net.OpError{Op: "dial", Err: context.DeadlineExceeded}), false},
		"connection lost":               {ofConnection(errors.New("reset")), false},
		"session lost":                  {sessionLost.failure(MethodBatchSave, nil), false},
		"network control":               {networkControl.failure(MethodBatchSave, nil), false},
		"a mistake in the request":      {badRequest.failure(MethodBatchSave, nil), false},
		"cancelled":                     {context.Canceled, false},
		"given up before it was called": {waitFailure(MethodBatchSave, context.DeadlineExceeded), false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, IsOverload(test.err)) })
	}
}
