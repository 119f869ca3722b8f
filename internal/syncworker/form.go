package syncworker

import (
	"context"
	"maps"
	"slices"

	"go.uber.org/zap"

	"refundsync/internal/flow"
	"refundsync/internal/tenant"
)

// checkForms asks Kingdee once which fields the forms of the flows have, and logs what
// does not go together. No work waits for it: Kingdee may be away, or not let us ask.
func checkForms(ctx context.Context, source tenant.FormSource, flows flow.Flows, log *zap.Logger) {
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		f := flows[name]
		findings, err := tenant.CheckForm(ctx, source, f)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			log.Warn(tenant.CatalogAlone(f.Call.FormId, err), zap.String("flow", name))
			continue
		}
		for _, found := range findings {
			log.Warn("流程与表单不符 the flow and the form do not go together", zap.String("flow", name), zap.String("field", found.Field),
				zap.String("kind", string(found.Kind)), zap.Bool("sure", found.Sure), zap.String("found", found.String()))
		}
		log.Info("form checked", zap.String("flow", name), zap.Int("findings", len(findings)))
	}
}
