package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/workflows"
)

func TestEstimateSaysWhetherAllWasCounted(t *testing.T) {
	const by = "（按聚水潭的限额与金蝶的常速 by Jushuitan's allowance and Kingdee's usual pace）"
	for _, c := range []struct {
		name string
		e    workflows.Estimate
		want string
	}{
		{"all counted", workflows.Estimate{Windows: 3, Orders: 200, Counted: 3, Duration: 4 * time.Second}, "预计 expected: 窗口 windows 3 · 单 orders 200 · 用时 takes 约 about 4s" + by},
		{"some counted", workflows.Estimate{Windows: 53, Orders: 20000, Counted: 5, Duration: 150 * time.Second}, "预计 expected: 窗口 windows 53 · 单 orders 约 about 20000（数了 counted 5/53） · 用时 takes 约 about 2m30s" + by},
		{"by row versions", workflows.Estimate{Windows: 1}, "预计 expected: 按行版本读，聚水潭不报有多少单 by row versions, of which Jushuitan gives no count"},
		{"nothing to read", workflows.Estimate{}, "预计 expected: 时段为空，没有要读的 nothing to read, the range is empty"},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, estimateText(c.e)) })
	}
}
