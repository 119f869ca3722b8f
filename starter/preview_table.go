package main

import (
	"io"

	"github.com/jedib0t/go-pretty/v6/table"

	"refundsync/internal/preview"
	"refundsync/internal/text"
)

// printPreview prints what would become of an order, and its bill beside Kingdee's.
func printPreview(w io.Writer, o preview.Order) {
	title := "\n" + previewTitle(o)
	if len(o.Head) == 0 {
		say(w, title)
		return
	}
	t := newTable(w)
	t.SetTitle("%s", title)
	both := len(o.Bills) > 0
	header := table.Row{text.New("Line"), text.New("Field"), text.New("Flow")}
	if both {
		header = append(header, text.New("Kingdee"), "")
	}
	t.AppendHeader(header)
	for _, field := range o.Head {
		t.AppendRow(previewRow("", field, both))
	}
	for _, line := range o.Lines {
		t.AppendSeparator()
		name := any(line.Number)
		if line.Number == 0 {
			name = text.New("only in Kingdee: %d", line.Kingdee)
		} else if both && line.Kingdee == 0 {
			name = text.New("%d, not in Kingdee", line.Number)
		}
		for i, field := range line.Fields {
			if i > 0 {
				name = ""
			}
			t.AppendRow(previewRow(name, field, both))
		}
	}
	t.Render()
	for _, link := range shownLinks(o.Links) {
		say(w, link)
	}
}

func previewRow(line any, field preview.Field, both bool) table.Row {
	value := any(field.Value)
	switch {
	case field.Hidden:
		value = text.New("(not shown)")
	case field.Wrong != "":
		value = "✗ " + field.Wrong
	}
	row := table.Row{line, field.Field + "（" + field.Label + "）", value}
	if !both {
		return row
	}
	differs := ""
	if field.Differs {
		differs = "≠"
	}
	return append(row, field.Kingdee, differs)
}
