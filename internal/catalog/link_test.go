package catalog

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLinksNameFieldsOfTheForm(t *testing.T) {
	for _, name := range Forms() {
		form := All()[name]
		link := form.Form.Link
		if link == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			has := func(place Place, names ...string) {
				for _, name := range names {
					_, ok := form.Find(place, name)
					require.Truef(t, ok, "%s has no %s", place, name)
				}
			}
			has(form.Form.Lines, link.Form, link.Number, link.Unit, string(link.List))
			has(form.Form.Lines, slices.Concat(link.Money, link.Quantities)...)
			has(link.List, link.Rule, link.Table, link.Bill, link.Line)
			has(link.List, slices.Concat(link.Base, slices.Collect(maps.Keys(link.Constants)))...)
			require.NotEmpty(t, link.Sources)
			for form, source := range link.Sources {
				for _, value := range []string{source.Rule, source.Table, string(source.Lines), source.Item, source.Unit, source.Quantity, source.Base} {
					require.NotEmpty(t, value, form)
				}
				require.NotEmpty(t, source.Returned, form)
			}
		})
	}
}
