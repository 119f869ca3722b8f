package flow

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/contract"
)

func TestExpressionsThatAreTooMuch(t *testing.T) {
	loop := "lines"
	for range maxLoops + 1 {
		loop = "map(lines, len(" + loop + "))"
	}
	for name, c := range map[string]struct{ source, says string }{
		"parentheses without end": {strings.Repeat("(", 1<<20), "at most 4000"},
		"nots without end":        {strings.Repeat("!", maxExpression+1), "at most 4000"},
		"parentheses":             {strings.Repeat("(", maxExpression), ""},
		"nots":                    {strings.Repeat("!", maxExpression-4) + "true", "nodes"},
		"loops within loops":      {loop, "more than 3 deep"},
	} {
		t.Run(name, func(t *testing.T) {
			_, mistakes := Compile(refunds, c.source, OrderScope)
			require.NotEmpty(t, mistakes)
			require.Contains(t, mistakes[0].What.String(), c.says)
		})
	}
}

func TestExpressionsBuildNoEndlessValues(t *testing.T) {
	doubled := func(operator string) string {
		source := `let a0 = as_id + "x"; `
		if operator == "*" {
			source = "let a0 = refund; "
		}
		for i := range 40 {
			source += fmt.Sprintf("let a%d = a%d %s a%d; ", i+1, i, operator, i)
		}
		return source + "a40"
	}
	for name, c := range map[string]struct{ source, says string }{
		"a text that is doubled":      {doubled("+"), "more than 65536 bytes"},
		"a number that is squared":    {doubled("*"), "too many digits"},
		"a text of replacements":      {`replace(replace(replace("` + strings.Repeat("a", 500) + `", "", "` + strings.Repeat("b", 500) + `"), "b", "cc"), "c", "dd")`, "more than 65536 bytes"},
		"a text of joined parts":      {`join(map(items, .sku_id), "` + strings.Repeat("b", 3000) + `")`, "more than 65536 bytes"},
		"a text of split parts":       {`join(split("` + strings.Repeat("a", 500) + `", ""), "` + strings.Repeat("b", 500) + `")`, "more than 65536 bytes"},
		"parts of a long text":        {`len(split(join(map(items, .sku_id), "` + strings.Repeat(",", 1000) + `"), ","))`, "more than 1000 parts"},
		"more steps than anybody has": {`count(items, count(items, count(items, .sku_id == "x") > 0) > 0)`, "too many lines"},
	} {
		t.Run(name, func(t *testing.T) {
			compiled, mistakes := Compile(refunds, c.source, OrderScope)
			require.Empty(t, mistakes)
			f := &Flow{Source: Source{Interface: refunds}, header: sorted(compiled.Header), items: sorted(compiled.Items)}
			lines := 50
			if strings.Contains(c.says, "lines") {
				lines = 2000
			}
			opened := f.open(contract.Order{ID: "7"}, map[string]any{"as_id": "7", "refund": "10.5", "items": slices.Repeat([]any{map[string]any{"sku_id": "A"}}, lines)})
			require.NoError(t, opened.err)
			_, err := opened.run(compiled, nil)
			require.ErrorContains(t, err, c.says)
		})
	}
}

// The bounds are far above what flows do: each line of an order of 5,000 may go over all
// lines.
func TestWorkOfAnExpression(t *testing.T) {
	for source, want := range map[string]work{
		`as_id`:                        {1},
		`as_id + "x"`:                  {3},
		`count(items, .sku_id == "x")`: {3, 5},
		`count(items, any(items, .sku_id == as_id))`: {3, 3, 5},
	} {
		compiled, mistakes := Compile(refunds, source, OrderScope)
		require.Empty(t, mistakes, source)
		require.Equal(t, want, compiled.work, source)
	}
	walk, _ := Compile(refunds, `count(items, .sku_id == item.sku_id)`, EntryScope)
	require.Less(t, 5000*walk.work.steps(5000), float64(maxSteps))
}
