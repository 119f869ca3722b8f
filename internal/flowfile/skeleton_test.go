package flowfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
	"refundsync/internal/text"
)

// What a new flow of any two interfaces begins with has no mistakes, nothing to look at,
// passes its example, and is what the schema allows, in each language.
func TestASkeletonIsAFlow(t *testing.T) {
	schema := compiledSchema(t)
	for _, language := range []text.Language{text.English, text.Chinese} {
		for _, source := range catalog.Sources() {
			for _, form := range catalog.Forms() {
				t.Run(string(language)+" "+source+" "+form, func(t *testing.T) {
					text.Use(language)
					t.Cleanup(func() { text.Use(text.English) })
					folder := filepath.Join(t.TempDir(), "flows")
					written, err := Skeleton{Source: source, Target: form, Name: "my_flow"}.Write(folder)
					require.NoError(t, err)
					path := filepath.Join(folder, "my_flow.yaml")
					require.Equal(t, []string{path, filepath.Join(folder, "my_flow.examples", "booked.yaml"), filepath.Join(folder, schemaFile)}, written)
					flows, notes, err := CheckFolder(folder)
					require.NoError(t, err)
					require.Len(t, notes, 1)
					require.Contains(t, notes[0].What, "←")
					f := flows["my_flow"]
					require.NotNil(t, f)
					require.Equal(t, "my_flow", f.Title)
					content, err := os.ReadFile(path)
					require.NoError(t, err)
					require.NoError(t, editorSays(schema, string(content)))
					examples, err := RunExamples(f, ExamplesFolder(folder, "my_flow"))
					require.NoError(t, err)
					require.Len(t, examples, 1)
					require.Empty(t, words(examples[0].Differences))
				})
			}
		}
	}
}

// A title may be anything that people type.
func TestTheTitleOfASkeleton(t *testing.T) {
	for title, want := range map[string]string{
		"": "my_flow", "退货 → 单据": "退货 → 单据", `a: "b" # c`: `a: "b" # c`, "100": "100", "two\nlines": "two lines",
	} {
		t.Run(title, func(t *testing.T) {
			folder := t.TempDir()
			_, err := Skeleton{Source: catalog.Sources()[0], Target: "SAL_RETURNSTOCK", Name: "my_flow", Title: title}.Write(folder)
			require.NoError(t, err)
			flows, _, err := CheckFolder(folder)
			require.NoError(t, err)
			require.Equal(t, want, flows["my_flow"].Title)
		})
	}
}

// The first flow of a folder brings the schema that its first line names.
func TestASkeletonBringsTheSchema(t *testing.T) {
	folder := t.TempDir()
	schema := filepath.Join(folder, schemaFile)
	s := Skeleton{Source: catalog.Sources()[0], Target: "SAL_RETURNSTOCK", Name: "one"}
	written, err := s.Write(folder)
	require.NoError(t, err)
	require.Contains(t, written, schema)
	content, err := os.ReadFile(schema)
	require.NoError(t, err)
	require.Equal(t, string(Schema()), string(content))
	s.Name = "two"
	written, err = s.Write(folder)
	require.NoError(t, err)
	require.NotContains(t, written, schema)
}

// A file that is there is never overwritten.
func TestASkeletonOverwritesNothing(t *testing.T) {
	folder := t.TempDir()
	good := Skeleton{Source: catalog.Sources()[0], Target: "SAL_RETURNSTOCK", Name: "mine"}
	path := filepath.Join(folder, "mine.yaml")
	require.NoError(t, os.WriteFile(path, []byte("name: mine"), 0o600))
	written, err := good.Write(folder)
	require.ErrorContains(t, err, "mine.yaml exists")
	require.Empty(t, written)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "name: mine", string(content))
}

func TestSkeletonsThatAreRefused(t *testing.T) {
	good := Skeleton{Source: catalog.Sources()[0], Target: "SAL_RETURNSTOCK", Name: "mine"}
	for name, c := range map[string]struct {
		change func(*Skeleton)
		says   string
	}{
		"no name":        {func(s *Skeleton) { s.Name = "" }, "name is empty"},
		"a path":         {func(s *Skeleton) { s.Name = "../mine" }, "name can't be ../mine"},
		"another source": {func(s *Skeleton) { s.Source = "jushuitan.refund.list.qery" }, "Did you mean jushuitan.refund.list.query?"},
		"no target":      {func(s *Skeleton) { s.Target = "" }, "expected one of " + strings.Join(catalog.Forms(), ", ")},
	} {
		t.Run(name, func(t *testing.T) {
			s := good
			c.change(&s)
			folder := t.TempDir()
			_, err := s.Write(folder)
			require.ErrorContains(t, err, c.says)
			entries, err := os.ReadDir(folder)
			require.NoError(t, err)
			require.Empty(t, entries)
		})
	}
}
