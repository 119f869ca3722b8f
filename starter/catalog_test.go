package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
)

func runCatalog(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRootCommand()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(append([]string{"catalog"}, args...))
	err := root.Execute()
	return out.String(), err
}

func TestCatalogKnowsEveryInterface(t *testing.T) {
	listed, err := runCatalog(t, "list")
	require.NoError(t, err)
	for name, i := range catalog.All() {
		assert.Contains(t, listed, name)

		shown, err := runCatalog(t, "show", name)
		require.NoError(t, err)
		for _, fact := range i.Facts {
			assert.Contains(t, shown, fact.English)
		}

		raw, err := runCatalog(t, "show", name, "-o", "json")
		require.NoError(t, err)
		var face map[string]any
		require.NoError(t, json.Unmarshal([]byte(raw), &face))
		assert.Equal(t, name, face["name"])
		assert.Equal(t, i.Direction(), face["direction"])
		assert.Equal(t, i.Source != nil, face["source"] != nil)
		assert.Equal(t, i.Form != nil, face["form"] != nil)
		assert.Len(t, face["facts"], len(i.Facts))

		table, err := runCatalog(t, "fields", name)
		require.NoError(t, err)
		raw, err = runCatalog(t, "fields", name, "-o", "json")
		require.NoError(t, err)
		var fields []struct{ Name, Place, Chinese, Type, Origin string }
		require.NoError(t, json.Unmarshal([]byte(raw), &fields))
		count := 0
		for place := range i.Fields {
			count += len(i.Fields[place])
		}
		assert.Len(t, fields, count)
		for _, shown := range fields {
			field, ok := i.Find(catalog.Place(shown.Place), shown.Name)
			require.True(t, ok, shown.Name)
			assert.Equal(t, field.Chinese, shown.Chinese)
			assert.EqualValues(t, field.Origin, shown.Origin)
			assert.Contains(t, table, shown.Name)
		}
	}
}

func TestCatalogSuggestsAndCompletes(t *testing.T) {
	_, err := runCatalog(t, "show", "SAL_RETURNSTOK")
	require.ErrorContains(t, err, `There is no interface "SAL_RETURNSTOK". Did you mean SAL_RETURNSTOCK?`)
	var exit *exitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, exitUsage, exit.code)
	_, err = runCatalog(t, "fields", "x")
	require.ErrorContains(t, err, "The interfaces are: ")

	var out bytes.Buffer
	root := newRootCommand()
	root.SetOut(&out)
	root.SetErr(&bytes.Buffer{})
	root.SetArgs([]string{"__complete", "catalog", "fields", ""})
	require.NoError(t, root.Execute())
	for name := range catalog.All() {
		assert.Contains(t, out.String(), name+"\t")
	}
}
