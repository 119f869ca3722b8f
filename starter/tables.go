package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/syncworker"
	"refundsync/internal/tenant"
)

// readTables reads the flow's tables from Kingdee. A flow without any needs no Kingdee,
// and no settings of it.
func readTables(ctx context.Context, f *flow.Flow) error {
	if len(f.KingdeeTables) == 0 {
		return nil
	}
	settings, err := config.FromProcess().LoadKingdee()
	if err != nil {
		return err
	}
	ledger, err := syncworker.KingdeeClient(settings)
	if err != nil {
		return err
	}
	for _, table := range f.KingdeeTables {
		if err := readTable(ctx, ledger, table); err != nil {
			return fmt.Errorf("对照表 table %s: %w", table.Name, err)
		}
	}
	return nil
}

func readTable(ctx context.Context, ledger *kingdee.Client, table *flow.KingdeeTable) error {
	return within(ctx, func(ctx context.Context) error { return tenant.ReadTable(ctx, ledger, table) })
}

// tables reads the flow's tables from Kingdee, and says which codes can't be used.
func (c *checks) tables(ctx context.Context, ledger *kingdee.Client, f *flow.Flow) {
	for _, table := range f.KingdeeTables {
		what := fmt.Sprintf("对照表 table %s (%s)", table.Name, f.Name)
		if err := readTable(ctx, ledger, table); err != nil {
			c.report(what, "", err)
			continue
		}
		state := table.State()
		var err error
		if state.Codes() == 0 {
			err = fmt.Errorf("%[1]s 里没有可用的编码：请核对 by、value、where，以及集成用户能看到哪些组织的资料。 There is no code to translate in %[1]s: look at by, value and where, and at which organisations' data the integration user sees. %[2]s",
				table.Form, state.Summary())
		}
		c.report(what, state.Summary(), err)
		for _, unusable := range []struct {
			why   string
			codes []string
		}{
			{"对应多个值，不会采用 stand for several values, and are not used", withValues(state.Ambiguous)},
			{"已禁用或未审核 are disabled or not audited", withValues(state.Disabled)},
			{"没有值 have no value", state.Empty},
		} {
			if len(unusable.codes) > 0 {
				c.note(what, fmt.Sprintf("编码 codes %s: %s", unusable.why, firstOf(unusable.codes)))
			}
		}
	}
}

// withValues lists codes with their values, in order.
func withValues(codes map[string][]string) (list []string) {
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		list = append(list, code+" ("+strings.Join(codes[code], ", ")+")")
	}
	return list
}

// firstOf lists the first of many.
func firstOf(codes []string) string {
	const most = 20
	if rest := len(codes) - most; rest > 0 {
		return fmt.Sprintf("%s … +%d", strings.Join(codes[:most], "; "), rest)
	}
	return strings.Join(codes, "; ")
}
