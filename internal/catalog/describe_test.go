package catalog

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each role that an interface gives one of its fields is told to people.
func TestEveryRoleIsAProperty(t *testing.T) {
	for _, role := range []any{&Source{}, &Form{}} {
		given := reflect.ValueOf(role).Elem()
		var want []string
		for n := range given.NumField() {
			if field := given.Field(n); field.Kind() == reflect.String {
				name := fmt.Sprintf("field_%d", n)
				field.SetString(name)
				want = append(want, name)
			}
		}
		require.NotEmpty(t, want)
		i := &Interface{}
		switch role := role.(type) {
		case *Source:
			i.Source = role
		case *Form:
			i.Form = role
		}
		shown := fmt.Sprint(i.Properties())
		for _, name := range want {
			assert.Contains(t, shown, name, "%T", role)
		}
	}
}

func TestPropertiesAndPlacesOfEveryInterface(t *testing.T) {
	for name, i := range All() {
		t.Run(name, func(t *testing.T) {
			assert.ElementsMatch(t, slices.Collect(maps.Keys(i.Fields)), i.Places())
			for _, property := range i.Properties() {
				for _, value := range property.Values {
					assert.NotEmpty(t, value.String(), property.Name)
				}
			}
			for _, fields := range i.Fields {
				for _, field := range fields {
					assert.NotEmpty(t, field.Origin.Label().String(), field.Name)
					assert.NotEmpty(t, field.Origin.Meaning().String(), field.Name)
				}
			}
		})
	}
}

func TestPlacesAreInTheOrderOfTheBill(t *testing.T) {
	assert.Equal(t, []Place{Request, Header, Items}, refunds.Places())
	assert.Equal(t, []Place{Head, "FEntity", "FTaxDetailSubEntity", "FSerialSubEntity", "FEntity_Link", "SubHeadEntity", Options}, returns.Places())
}
