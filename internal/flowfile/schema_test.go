package flowfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
	"refundsync/internal/testkit"
	"refundsync/internal/testkit/golden"
)

func compiledSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("flow.json", schema))
	compiled, err := compiler.Compile("flow.json")
	require.NoError(t, err)
	return compiled
}

// editorSays is what an editor that knows the schema says about a flow file.
func editorSays(schema *jsonschema.Schema, text string) error {
	data, err := yaml.YAMLToJSON([]byte(strings.TrimPrefix(text, "\ufeff")))
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

func TestFlowFilesFitTheSchema(t *testing.T) {
	schema := compiledSchema(t)
	for _, path := range []string{builtInPath, "testdata/base.yaml", "testdata/every_key.yaml", "../simulation/testdata/flow.yaml"} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.NoError(t, editorSays(schema, string(text)), path)
	}
	text, err := os.ReadFile(builtInPath)
	require.NoError(t, err)
	named, _, _ := strings.Cut(strings.TrimPrefix(string(text), "# yaml-language-server: $schema="), "\n")
	assert.FileExists(t, filepath.Join(filepath.Dir(builtInPath), named), "the schema that the first line names")
}

// The golden file says which of the loader's mistakes an editor shows too, by the schema or
// because it can't read the YAML.
func TestMistakesThatAnEditorShows(t *testing.T) {
	schema := compiledSchema(t)
	var b strings.Builder
	for _, m := range mistakes {
		shown := "editor"
		if editorSays(schema, m.text(t)) == nil {
			shown = "loader"
		}
		fmt.Fprintf(&b, "%s: %s\n", shown, m.name)
	}
	golden.Equal(t, "mistakes_shown.txt", b.String())
}

// every gives testdata/every_key.yaml as a tree.
func every(t *testing.T) any { return tree(t, "testdata/every_key.yaml") }

// tree reads a YAML file.
func tree(t *testing.T, path string) any {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	data, err := yaml.YAMLToJSON(text)
	require.NoError(t, err)
	var tree any
	require.NoError(t, json.Unmarshal(data, &tree))
	return tree
}

// namesIn collects the keys of a tree.
func namesIn(tree any, names map[string]bool) {
	switch tree := tree.(type) {
	case map[string]any:
		for name, value := range tree {
			names[name] = true
			namesIn(value, names)
		}
	case []any:
		for _, value := range tree {
			namesIn(value, names)
		}
	}
}

// defined lists the keys of a section and of those within it.
func defined(keys sectionValue) (names []string) {
	for _, key := range keys {
		names = append(names, key.name)
		switch v := key.value.(type) {
		case sectionValue:
			names = append(names, defined(v)...)
		case listValue:
			of, _ := v.of.(sectionValue)
			names = append(names, defined(of)...)
		}
	}
	return names
}

func TestTheFlowOfEveryKeySetsEveryKey(t *testing.T) {
	set := map[string]bool{}
	namesIn(every(t), set)
	for _, keys := range []sectionValue{fileKeys(), ownFieldKeys, sourceValueKeys, mappingKeys, tableKeys, kingdeeTableKeys} {
		for _, name := range defined(keys) {
			assert.True(t, set[name], name)
		}
	}
	text, err := os.ReadFile("testdata/every_key.yaml")
	require.NoError(t, err)
	require.Empty(t, parseText(string(text), warehousesCSV).allProblems())
}

// change calls do with every tree that has one node changed, and says where and how; the
// tree is the same afterwards.
func change(tree any, path string, keep func(any), do func(path, how string)) {
	for _, value := range []any{
		nil, true, false, "", " ", "x", "yes", "F_ABCD_Order", "100", "06", "+7", "6h", "1.5h", "1000ms", "0", "0s", "-5m", "2024-03-01", "2024-3-1", "2024-03-01 8:00:00",
		"9:00", " 09:00-10:00", "*/5 * * * *", "item.sku_id", "as_id", "none", 0, 1, 2, 28, 29, 100, 101, -1, 1.5, 1e30, []any{}, []any{"x"}, []any{"FNote"}, map[string]any{},
		map[string]any{"constant": "x"}, map[string]any{"constant": 1}, map[string]any{"field": "item.qty"}, map[string]any{"field": "so_id", "table": "customers"},
	} {
		keep(value)
		do(path, fmt.Sprintf("becomes %#v", value))
	}
	keep(tree)
	switch tree := tree.(type) {
	case map[string]any:
		for _, name := range []string{"x", "item", "FID", "F_XYZ", "FAUXPROPID__FF1", "key", "required"} {
			if _, ok := tree[name]; !ok {
				tree[name] = true
				do(path, "has also "+name)
				delete(tree, name)
			}
		}
		for name, value := range maps.Clone(tree) {
			delete(tree, name)
			do(path, "lacks "+name)
			tree[name] = value
			change(value, path+"."+name, func(value any) { tree[name] = value }, do)
		}
	case []any:
		for i, value := range tree {
			change(value, fmt.Sprintf("%s[%d]", path, i), func(value any) { tree[i] = value }, do)
		}
	}
}

// The schema refuses nothing that loads, and shows at least an unknown or a missing key.
// Each run takes a sample of the changes, a different one each time, as Go iterates over
// maps in random order; REFUNDSYNC_TESTS=long takes a larger one.
func TestTheSchemaAgreesWithTheLoader(t *testing.T) {
	schema := compiledSchema(t)
	loaded, refused := agrees(t, schema, every(t), 41)
	for _, source := range catalog.Sources() {
		folder := t.TempDir()
		written, err := Skeleton{Source: source, Target: "SAL_RETURNSTOCK", Name: "mine"}.Write(folder)
		require.NoError(t, err)
		moreLoaded, moreRefused := agrees(t, schema, tree(t, written[0]), 97)
		loaded, refused = loaded+moreLoaded, refused+moreRefused
	}
	assert.Positive(t, loaded)
	assert.Positive(t, refused)
	t.Logf("%d loaded, %d refused by both", loaded, refused)
}

// agrees compares the schema with the loader on a sample of the changes of a flow, and counts
// those that both accept and those that both refuse.
func agrees(t *testing.T, schema *jsonschema.Schema, tree any, stride int) (loaded, refused int) {
	t.Helper()
	n := 0
	if testkit.Long() {
		stride = 7
	}
	change(tree, "", func(value any) { tree = value }, func(path, how string) {
		if n++; n%stride != 0 {
			return
		}
		text, err := json.MarshalIndent(tree, "", " ")
		require.NoError(t, err)
		problems, shown := parseText(string(text), warehousesCSV).allProblems(), editorSays(schema, string(text))
		switch {
		case len(problems) == 0:
			loaded++
			assert.NoError(t, shown, "%s %s", path, how)
		case shown != nil:
			refused++
		default:
			for _, problem := range problems {
				assert.NotRegexp(t, " has no key | lacks the key |required field|can't be used; expected one of", problem.What, "%s %s", path, how)
			}
		}
	})
	return loaded, refused
}
