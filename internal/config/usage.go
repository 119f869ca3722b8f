package config

import (
	"fmt"
	"io"
	"text/tabwriter"

	"refundsync/internal/text"
)

// Usage writes a table of all settings: meaning, which are secrets, and the default or
// an example. Only the last column has more than ASCII: a tabwriter counts a Chinese
// character as one column.
func Usage(w io.Writer) error {
	tabs := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for setting := range definitions() {
		meaning := text.New("%s (default %s)", setting.description, setting.defaultValue)
		if setting.defaultValue == "" {
			meaning = text.New("%s (%s; such as %s)", setting.description, setting.need, setting.example)
		}
		if setting.secret {
			meaning = text.New("%s [secret]", meaning)
		}
		fmt.Fprintf(tabs, "  %s\t%s\n", setting.name, meaning)
	}
	return tabs.Flush()
}
