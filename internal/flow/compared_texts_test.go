package flow_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
)

func TestComparedTexts(t *testing.T) {
	for source, want := range map[string][]flow.Compared{
		`status == "Cancelled"`:                        {{"status", "Cancelled", 10, 21}},
		`"a" != type and has(o_id)`:                    {{"type", "a", 0, 3}},
		`status not in ["", "x"]`:                      {{"status", "", 15, 17}, {"status", "x", 19, 22}},
		`all(items, .type == "x") or item.type == "y"`: nil,
		`upper(status) == "X"`:                         nil,
		`status contains "X"`:                          nil,
		`status ==`:                                    nil,
		`r_qty == 1`:                                   nil,
		`type == "换货" ? status == "中文" : "a" == "b"`:   {{"status", "中文", 25, 29}, {"type", "换货", 8, 12}},
	} {
		require.ElementsMatch(t, want, flow.ComparedTexts(source), source)
	}
}
