package groupcommit

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/kingdee"
)

func TestSourceLinesShareAQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newFakeClient()
		client.shows = func(value string) bool { return value != "none" }
		g := newGroups(client, 9, testOptions)
		returns, notices := kingdee.SourceQuery{FormID: "S", Field: "F1"}, kingdee.SourceQuery{FormID: "S", Field: "F2"}
		for _, c := range []struct {
			query kingdee.SourceQuery
			value string
		}{{returns, "a"}, {returns, "b"}, {returns, "none"}, {notices, "c"}} {
			go func() {
				found, err := g.SourceLines(t.Context(), c.query, []string{c.value})
				assert.NoError(t, err)
				if c.value == "none" {
					assert.Empty(t, found)
				} else {
					assert.Equal(t, map[string][]kingdee.SourceLine{c.value: {{BillNumber: "of " + c.value}}}, found)
				}
			}()
			synctest.Wait()
		}
		time.Sleep(time.Second)
		require.ElementsMatch(t, []string{"sources S [a b none] at 20ms", "sources S [c] at 20ms"}, client.groups())
	})
}

func TestSourceLinesThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newFakeClient()
		client.fails = func([]string) error { return &fault.Error{Class: fault.Retry, Reason: "timeout"} }
		_, err := newGroups(client, 9, testOptions).SourceLines(context.Background(), kingdee.SourceQuery{FormID: "S"}, []string{"a"})
		require.Equal(t, "timeout", fault.As(err).Reason)
	})
}
