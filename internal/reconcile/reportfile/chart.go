package reportfile

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/shopspring/decimal"

	"refundsync/internal/fault"
	"refundsync/internal/reconcile"
	"refundsync/internal/text"
)

// plotHeight is the height of the chart by day in pixels, without its labels.
const plotHeight = 200

// fewestDays keeps the bars of a few days from becoming blocks.
const fewestDays = 5

// mostLabels is how many days have room for their label on a phone.
const mostLabels = 6

// mostCauses is how many causes are drawn; the others are one bar.
const mostCauses = 12

// chart is both sides by day. Across, all is in per cent of the width, so that the text
// keeps its size on any screen; down, in pixels.
type chart struct {
	Height int
	Lines  []chartLine
	Bars   []bar
	Labels []label
}

type chartLine struct {
	Y    int
	Text string
}

type bar struct {
	X, Y, Width, Height string
	Class, Title        string
}

type label struct{ X, Text string }

// chartOf draws amounts. What it rounds to pixels is in the table by day to the cent.
func chartOf(days []reconcile.Group) chart {
	c := chart{Height: plotHeight}
	if len(days) == 0 {
		return c
	}
	most := decimal.NewFromInt(1)
	for _, d := range days {
		most = decimal.Max(most, d.Source.Amount, d.Kingdee.Amount)
	}
	step := niceStep(most)
	steps := most.Div(step).Ceil()
	top := step.Mul(steps).InexactFloat64()
	for i := range steps.IntPart() + 1 {
		value := step.Mul(decimal.NewFromInt(i))
		c.Lines = append(c.Lines, chartLine{int(plotHeight - value.InexactFloat64()/top*plotHeight), grouped(value.String())})
	}
	slot := 100 / float64(max(len(days), fewestDays))
	every := (len(days) + mostLabels - 1) / mostLabels
	for i, d := range days {
		for side, s := range []struct {
			sum         reconcile.Sum
			class       string
			description text.Text
		}{{d.Source, "source", text.New("Jushuitan")}, {d.Kingdee, "kingdee", text.New("Kingdee")}} {
			height := max(0, s.sum.Amount.InexactFloat64()/top*plotHeight)
			c.Bars = append(c.Bars, bar{
				percent(slot * (float64(i) + 0.14 + 0.37*float64(side))), fmt.Sprintf("%.1f", plotHeight-height), percent(slot * 0.35), fmt.Sprintf("%.1f", height),
				s.class, fmt.Sprintf("%s %s %s", d.Name, s.description, grouped(fixed(s.sum.Amount))),
			})
		}
		if i%every == 0 {
			c.Labels = append(c.Labels, label{percent(slot * (float64(i) + 0.5)), d.Name[max(0, len(d.Name)-len("01-02")):]})
		}
	}
	return c
}

// niceStep is a step of an axis: 1, 2 or 5 with zeros, so that there are 3 to 7 of them.
func niceStep(most decimal.Decimal) decimal.Decimal {
	step := decimal.New(1, int32(most.NumDigits())+most.Exponent()-2)
	for i := 0; most.Div(step).GreaterThan(decimal.NewFromInt(6)); i++ {
		step = step.Mul([]decimal.Decimal{decimal.NewFromInt(2), decimal.New(25, -1), decimal.NewFromInt(2)}[i%3])
	}
	return step
}

func percent(x float64) string { return fmt.Sprintf("%.3f%%", x) }

// causes are the differences by kind and reason.
type causes []cause

type cause struct {
	Name  string
	Count int
	Width string
}

func causesOf(kinds []reconcile.KindSum) (shown causes) {
	for _, k := range kinds {
		if k.Kind.Differs() {
			shown = append(shown, cause{Name: text.Join(" · ", k.Kind.Label(), fault.ReasonText(k.Reason)).String(), Count: max(k.Source.Count, k.Kingdee.Count)})
		}
	}
	slices.SortStableFunc(shown, func(a, b cause) int { return cmp.Compare(b.Count, a.Count) })
	if len(shown) > mostCauses {
		rest := cause{Name: text.Sprintf("others")}
		for _, c := range shown[mostCauses-1:] {
			rest.Count += c.Count
		}
		shown = append(shown[:mostCauses-1], rest)
	}
	most := 1
	for _, c := range shown {
		most = max(most, c.Count)
	}
	for i := range shown {
		shown[i].Width = percent(100 * float64(shown[i].Count) / float64(most))
	}
	return shown
}
