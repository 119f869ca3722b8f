package config

import (
	"cmp"
	"fmt"
	"io"
	"reflect"
	"text/tabwriter"
)

// Usage writes a table of all settings, with default, meaning, which are
// secrets, and an example where there is no default. It keeps to ASCII before the
// last column: a tabwriter counts a Chinese character as one wide.
func Usage(w io.Writer) error {
	tabs := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tabs, "  NAME\tDEFAULT\tMEANING")
	for field := range reflect.TypeFor[texts]().Fields() {
		tag := field.Tag
		line := fmt.Sprintf("  %s\t%s\t%s。 %s.", tag.Get("env"), cmp.Or(tag.Get("default"), "("+tag.Get("need")+")"), tag.Get("zh"), tag.Get("en"))
		if tag.Get("secret") != "" {
			line += " [保密 secret]"
		}
		if tag.Get("need") != "" {
			line += " 例如 such as " + tag.Get("example")
		}
		fmt.Fprintln(tabs, line)
	}
	return tabs.Flush()
}
