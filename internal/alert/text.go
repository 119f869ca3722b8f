package alert

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/literal"
)

// reasonsShown bounds the reasons that a message lists.
const reasonsShown = 8

// Text is a message as people read it: a title and lines, without markup.
type Text struct {
	Title string
	Lines []string
}

// String is the title and the lines below each other.
func (t Text) String() string {
	return t.Title + "\n" + strings.Join(t.Lines, "\n")
}

// Text puts a notice into words, Chinese first, English second. Every title
// holds the word refundsync, for robots that ask for a keyword.
func (n Notice) Text() Text {
	t := Text{Title: fmt.Sprintf("refundsync · %s：%s", literal.Chat(cmp.Or(n.Title, n.Flow)), n.verdict())}
	if n.Test {
		t.add("这是一条测试消息，收到即表示机器人设置正确。 This is a test message; that it came shows that the robot is set up.")
	}
	for _, trouble := range n.Wrong {
		t.add(trouble.wrong(literal.Chat(n.Flow))...)
	}
	for _, trouble := range n.WellAgain {
		t.add(trouble.wellAgain())
	}
	t.add(fmt.Sprintf("流程 flow %s · %s", literal.Chat(n.Flow), clock(n.At)))
	return t
}

func (n Notice) verdict() string {
	switch {
	case n.Test:
		return "测试 test"
	case len(n.Wrong) > 0:
		return "需要处理 needs attention"
	default:
		return "已恢复 well again"
	}
}

func (t *Text) add(lines ...string) { t.Lines = append(t.Lines, lines...) }

func (t Trouble) wrong(flow string) []string {
	see := "查看 see: starter status --flow " + flow
	switch t.Cause {
	case RunFailed:
		return []string{
			fmt.Sprintf("✗ 运行失败 %[1]d 次，最近一次的原因：%[2]s。 Runs failed: %[1]d, the last for %[2]s.", t.FailedRuns, literal.Chat(t.Reason)),
			"运行 run: " + literal.Chat(t.RunID),
			"查看 see: starter watch " + literal.Chat(t.WorkflowID),
		}
	case OrdersParked:
		return []string{
			fmt.Sprintf("✗ 新挂起 %[1]d 单：%[2]s；共 %[3]d 单等待处理。 Orders newly parked: %[1]d (%[2]s); %[3]d wait in all.",
				total(t.Parked), byReason(t.Parked), t.Waiting),
			"查看 see: starter parked list --flow " + flow,
		}
	case SweepFound:
		var lines []string
		if t.Found > 0 {
			lines = append(lines, fmt.Sprintf("✗ 复查发现漏收或变动的单：%[1]d，已按流程保存或挂起。 Orders that a sweep found missed or changed, and saved or parked: %[1]d.", t.Found))
		}
		if t.Reason != "" {
			lines = append(lines, fmt.Sprintf("✗ 复查没有完成，原因：%[1]s。 The sweep did not come to its end: %[1]s.", t.Reason))
		}
		return append(lines, "运行 run: "+t.RunID, "查看 see: starter watch "+t.WorkflowID)
	case NothingSynced:
		return []string{
			fmt.Sprintf("✗ 已超过 %[1]s 没有保存任何单据（自 %[2]s 起）。 No bill was saved for over %[1]s (since %[2]s).", hours(t.LimitSeconds), clockOf(t.Last)),
			see,
		}
	default:
		return []string{
			fmt.Sprintf("✗ 水位落后超过 %[1]s（停在 %[2]s）。 The watermark lags by more than %[1]s (it stands at %[2]s).", hours(t.LimitSeconds), clockOf(t.Last)),
			see,
		}
	}
}

func (t Trouble) wellAgain() string {
	well := map[Cause]string{
		RunFailed:     "运行恢复成功。 Runs succeed again.",
		OrdersParked:  "挂起的单都已处理。 No parked order waits any more.",
		SweepFound:    "复查没有再发现漏收或变动。 A sweep found nothing missed or changed.",
		NothingSynced: "又有单据保存。 Bills are saved again.",
		LagOverLimit:  "水位已跟上。 The watermark has caught up.",
	}[t.Cause]
	return fmt.Sprintf("✓ %s (问题始于 trouble began %s)", well, clock(t.Since))
}

// byReason lists counts, the highest first.
func byReason(counts map[string]int) string {
	reasons := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var parts []string
	for i, reason := range reasons {
		if i == reasonsShown {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, fmt.Sprintf("%s %d", literal.Chat(reason), counts[reason]))
	}
	return strings.Join(parts, ", ")
}

func total(counts map[string]int) int {
	sum := 0
	for _, count := range counts {
		sum += count
	}
	return sum
}

// clock is a time of Beijing.
func clock(t time.Time) string { return t.In(beijing.Zone).Format("2006-01-02 15:04") }

func clockOf(t *time.Time) string {
	if t == nil {
		return "?"
	}
	return clock(*t)
}

// hours writes a time without the parts that are nought: 24h, not 24h0m0s.
func hours(seconds int) string {
	text := (time.Duration(seconds) * time.Second).String()
	for _, nought := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, nought) {
			text = text[:len(text)-2]
		}
	}
	return text
}
