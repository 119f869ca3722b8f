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
	"refundsync/internal/text"
)

// readTables reads the flow's tables from Kingdee. A flow without tables needs neither
// Kingdee nor its settings.
func readTables(ctx context.Context, f *flow.Flow) error {
	if len(f.KingdeeTables) == 0 {
		return nil
	}
	settings, err := config.FromProcess().Of(f.Company).LoadKingdee()
	if err != nil {
		return err
	}
	ledger, err := syncworker.KingdeeClient(settings)
	if err != nil {
		return err
	}
	for _, table := range f.KingdeeTables {
		if err := readTable(ctx, ledger, table); err != nil {
			return text.Errorf("table %s: %w", table.Name, err)
		}
	}
	return nil
}

func readTable(ctx context.Context, ledger *kingdee.Client, table *flow.KingdeeTable) error {
	return within(ctx, func(ctx context.Context) error { return tenant.ReadTable(ctx, ledger, table) })
}

// tables reads the flow's tables from Kingdee, and reports codes that can't be used.
func (c *checks) tables(ctx context.Context, ledger *kingdee.Client, f *flow.Flow) {
	for _, table := range f.KingdeeTables {
		what := text.Sprintf("Table %s (%s)", table.Name, f.Name)
		if err := readTable(ctx, ledger, table); err != nil {
			c.report(what, "", err)
			continue
		}
		state := table.State()
		var err error
		if state.Codes() == 0 {
			err = text.Errorf("%s has no usable code; check by, value and where, and which organisations' data the integration user can see. %s", table.Form, state.Summary())
		}
		c.report(what, state.Summary(), err)
		if codes := withValues(state.Ambiguous); len(codes) > 0 {
			c.note(what, text.Sprintf("codes with several values, which are not used: %s", firstOf(codes)))
		}
		if codes := withValues(state.Disabled); len(codes) > 0 {
			c.note(what, text.Sprintf("codes that are disabled or not audited: %s", firstOf(codes)))
		}
		if len(state.Empty) > 0 {
			c.note(what, text.Sprintf("codes without a value: %s", firstOf(state.Empty)))
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

// firstOf lists the first twenty.
func firstOf(codes []string) string {
	const most = 20
	if rest := len(codes) - most; rest > 0 {
		return fmt.Sprintf("%s … +%d", strings.Join(codes[:most], "; "), rest)
	}
	return strings.Join(codes, "; ")
}
