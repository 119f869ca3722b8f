package groupcommit

import (
	"context"

	"refundsync/internal/kingdee"
)

// SourceLines is [kingdee.Client.SourceLines] for the caller's values.
func (g *Groups) SourceLines(ctx context.Context, q kingdee.SourceQuery, values []string) (map[string][]kingdee.SourceLine, error) {
	m := &member{numbers: values}
	if err := g.share(ctx, sourceCall{q}, kingdee.MostSources, []*member{m}); err != nil {
		return nil, err
	}
	if m.result.Err != nil {
		return nil, m.result.Err
	}
	return m.answer.(map[string][]kingdee.SourceLine), nil
}

// sourceCall is a SourceLines without its values.
type sourceCall struct{ query kingdee.SourceQuery }

func (c sourceCall) method() string { return kingdee.MethodQuery }

func (c sourceCall) make(ctx context.Context, g *Groups, members []*member) error {
	found, err := g.client.SourceLines(ctx, c.query, numbersOf(members))
	if err != nil {
		return err
	}
	for _, m := range members {
		answer := map[string][]kingdee.SourceLine{}
		for _, value := range m.numbers {
			if lines, ok := found[value]; ok {
				answer[value] = lines
			}
		}
		m.answer = answer
	}
	return nil
}

func (c sourceCall) inherit(kingdee.BillResult) (kingdee.BillResult, bool) {
	return kingdee.BillResult{}, false
}
