package config

import (
	"io"
	"text/tabwriter"

	"github.com/kelseyhightower/envconfig"
)

// usageFormat keeps to ASCII before the last column: a tabwriter counts a
// Chinese character as one wide.
const usageFormat = `  NAME	DEFAULT	MEANING
{{range .}}  {{usage_key .}}	{{with usage_default .}}{{.}}{{else}}({{.Tags.Get "need"}}){{end}}	{{.Tags.Get "zh"}}。 {{.Tags.Get "en"}}.{{if .Tags.Get "secret"}} [保密 secret]{{end}}{{if .Tags.Get "need"}} 例如 such as {{.Tags.Get "example"}}{{end}}
{{end}}`

// Usage writes a table of all settings, with default, meaning, which are
// secrets, and an example where there is no default.
func Usage(w io.Writer) error {
	tabs := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	if err := envconfig.Usagef("", &environment{}, tabs, usageFormat); err != nil {
		return err
	}
	return tabs.Flush()
}
