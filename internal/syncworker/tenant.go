package syncworker

import (
	"context"
	"maps"
	"slices"

	"go.uber.org/zap"

	"refundsync/internal/flow"
	"refundsync/internal/tenant"
)

// logTable logs the result of reading a table from Kingdee. It names no codes, which may
// be names of persons; starter check does.
func logTable(log *zap.Logger, read tenant.TableRead) {
	fields := []zap.Field{zap.String("table", read.Table.Name), zap.String("form", read.Table.Form)}
	state := read.Table.State()
	switch {
	case read.Err != nil && state == nil:
		log.Warn("a table cannot be read; orders that need it wait", append(fields, zap.Error(read.Err))...)
	case read.Err != nil:
		log.Warn("a table cannot be read and stays as it was", append(fields, zap.Error(read.Err))...)
	case len(state.Ambiguous)+len(state.Empty) > 0 || state.Codes() == 0:
		log.Warn("table read; starter check names the codes", append(fields, zap.String("holds", state.Summary()))...)
	default:
		log.Info("table read", append(fields, zap.String("holds", state.Summary()))...)
	}
}

// checkForms asks Kingdee once which fields the forms of the flows have, and logs what
// does not fit. No work waits for it: Kingdee may be down, or not allow it.
func checkForms(ctx context.Context, source tenant.FormSource, flows flow.Flows, log *zap.Logger) {
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		f := flows[name]
		_, findings, err := tenant.CheckForm(ctx, source, f)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			log.Warn(tenant.CatalogAlone(f.Call.FormId, err), zap.String("flow", name))
			continue
		}
		for _, found := range findings {
			log.Warn("the flow does not fit the form", zap.String("flow", name), zap.String("field", found.Field),
				zap.String("kind", string(found.Kind)), zap.Bool("sure", found.Sure), zap.String("found", found.String()))
		}
		log.Info("form checked", zap.String("flow", name), zap.Int("findings", len(findings)))
	}
}
