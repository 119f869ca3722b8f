package kingdee

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

// Go's transport resends a request if its idle connection turns out to be broken, as
// after a suspension. The check applies to it as well.
func TestResentRequestIsChecked(t *testing.T) {
	for name, test := range map[string]struct {
		tooOld bool // by then
		saves  int32
	}{"the look-up holds": {false, 1}, "the look-up is too old": {true, 0}} {
		t.Run(name, func(t *testing.T) {
			var saves atomic.Int32
			server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
				if !strings.Contains(body, `"Model"`) {
					write(w, `[]`)
					return
				}
				saves.Add(1)
				write(w, savedReply)
			})
			c := newClient(t, vectorConfig(server.URL))
			s := <-c.sessions
			first := &brittleConn{}
			s.http.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
				if err != nil || first.Conn != nil {
					return conn, err
				}
				first.Conn = conn
				return first, nil
			}
			c.put(s)
			_, err := c.FindBills(t.Context(), returns, []string{"1"})
			require.NoError(t, err)
			first.broken.Store(true)
			_, err = c.BatchSave(WithSendCheck(t.Context(), func() error {
				if first.failed.Load() && test.tooOld {
					return LookUpTooOld(MethodBatchSave, nil)
				}
				return nil
			}), oneBill)
			if test.tooOld {
				requireFault(t, err, fault.Retry, "look_up_too_old")
			} else {
				require.NoError(t, err)
			}
			require.True(t, first.failed.Load())
			require.Equal(t, test.saves, saves.Load())
		})
	}
}

// brittleConn writes nothing once it is broken.
type brittleConn struct {
	net.Conn
	broken, failed atomic.Bool
}

func (c *brittleConn) Write(p []byte) (int, error) {
	if c.broken.Load() {
		c.failed.Store(true)
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}
