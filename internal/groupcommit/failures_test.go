package groupcommit

import (
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

// rule makes failures as the client gives them.
type rule struct {
	class  fault.Class
	reason string
}

func (r rule) failure(method, message string) *fault.Error {
	return &fault.Error{Class: r.class, Reason: r.reason, Call: method, Message: message}
}

var (
	badRequest       = rule{fault.Final, "bad_request"}
	badQuery         = rule{fault.Final, "bad_query"}
	licence          = rule{fault.Final, "licence"}
	noPermission     = rule{fault.Final, "no_permission"}
	unknownMaterial  = rule{fault.Final, "unknown_material"}
	validationFailed = rule{fault.Final, "validation_failed"}
	wrongAddress     = rule{fault.Final, "wrong_address"}
	connectionLost   = rule{fault.Retry, "connection"}
	serverError      = rule{fault.Retry, "http_status"}
	timedOut         = rule{fault.Retry, "timeout"}
	unclear          = rule{fault.Retry, "unclear"}
	unreachable      = rule{fault.Retry, "unreachable"}
	callLimit        = rule{fault.RateLimited, "call_limit"}
	sessionLost      = rule{fault.SessionLost, "session_lost"}
)

const lookUpTooOld = "look_up_too_old"

func requireFault(t *testing.T, err error, class fault.Class, reason string) *fault.Error {
	t.Helper()
	f := fault.As(err)
	require.NotNil(t, f, "want a *fault.Error, got %v", err)
	require.Equal(t, class, f.Class, f.Error())
	require.Equal(t, reason, f.Reason, f.Error())
	return f
}
