package syncworker

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/kingdee"
	"refundsync/internal/tenant"
)

// formOf is a form source.
type formOf func() (kingdee.Form, error)

func (f formOf) Form(context.Context, string) (kingdee.Form, error) { return f() }

func TestCheckForms(t *testing.T) {
	flows, err := flowfile.LoadFolder("../../flows")
	require.NoError(t, err)
	for _, c := range []struct {
		name   string
		source formOf
		level  zapcore.Level
		says   string
	}{
		{"Kingdee is away", func() (kingdee.Form, error) {
			return kingdee.Form{}, &fault.Error{Class: fault.Retry, Reason: "unreachable", Message: "away"}
		}, zap.WarnLevel, "away"},
		{"no right", func() (kingdee.Form, error) {
			return kingdee.Form{}, &fault.Error{Class: fault.Final, Reason: "no_permission", Message: "没有权限"}
		}, zap.WarnLevel, "没有权限"},
		{"another form", func() (kingdee.Form, error) {
			return kingdee.Form{Parts: []kingdee.FormPart{{Key: "FBillHead"}, {Key: "FEntity"}}}, nil
		}, zap.WarnLevel, "does not fit the form"},
	} {
		t.Run(c.name, func(t *testing.T) {
			core, logs := observer.New(zap.InfoLevel)
			checkForms(t.Context(), c.source, flows, zap.New(core))
			require.NotEmpty(t, logs.All())
			require.Equal(t, c.level, logs.All()[0].Level)
			require.Contains(t, logs.All()[0].Message, c.says)
		})
	}
	t.Run("the worker stops", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		core, logs := observer.New(zap.InfoLevel)
		checkForms(ctx, formOf(func() (kingdee.Form, error) {
			cancel()
			return kingdee.Form{}, ctx.Err()
		}), flows, zap.New(core))
		require.Empty(t, logs.All())
	})
}

func TestLogTable(t *testing.T) {
	const name = "张三的店"
	for _, c := range []struct {
		name    string
		entries []flow.TableEntry // nil: never read
		err     error
		level   zapcore.Level
		says    string
	}{
		{"never read", nil, errors.New("away"), zap.WarnLevel, "orders that need it wait"},
		{"not read again", []flow.TableEntry{{Code: name, Value: "C1"}}, errors.New("away"), zap.WarnLevel, "stays as it was"},
		{"a code that stands twice", []flow.TableEntry{{Code: name, Value: "C1"}, {Code: name, Value: "C2"}}, nil, zap.WarnLevel, "table read"},
		{"nothing", []flow.TableEntry{}, nil, zap.WarnLevel, "table read"},
		{"all well", []flow.TableEntry{{Code: name, Value: "C1"}, {Code: "x", Value: "C2", Disabled: true}}, nil, zap.InfoLevel, "table read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := &flow.KingdeeTable{Name: "customers", Form: "BD_Customer"}
			if c.entries != nil {
				table.Set(flow.NewTableState(c.entries))
			}
			core, logs := observer.New(zap.InfoLevel)
			logTable(zap.New(core), tenant.TableRead{Table: table, Err: c.err})
			entry := logs.All()[0]
			require.Equal(t, c.level, entry.Level)
			require.Contains(t, entry.Message, c.says)
			require.Equal(t, "customers", entry.ContextMap()["table"])
			require.NotContains(t, fmt.Sprint(entry.ContextMap()), name, "a code may be somebody's name")
		})
	}
}
