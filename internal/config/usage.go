package config

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"
)

// Usage writes a table of all settings, with default, meaning, which are
// secrets, and an example where there is no default. It keeps to ASCII before the
// last column: a tabwriter counts a Chinese character as one wide.
func Usage(w io.Writer) error {
	tabs := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tabs, "  NAME\tDEFAULT\tMEANING")
	for setting := range definitions() {
		line := fmt.Sprintf("  %s\t%s\t%s。 %s.", setting.name, cmp.Or(setting.otherwise, "("+setting.need+")"), setting.zh, setting.en)
		if setting.secret {
			line += " [保密 secret]"
		}
		if setting.need != "" {
			line += " 例如 such as " + setting.example
		}
		fmt.Fprintln(tabs, line)
	}
	return tabs.Flush()
}
