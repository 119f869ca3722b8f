package flow_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/flow"
)

// Law: what was packed is unpacked as it was.
func TestFilesAreUnpackedAsTheyWerePacked(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		files := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) flow.File {
			return flow.File{Name: rapid.String().Draw(r, "name"), Text: rapid.String().Draw(r, "text")}
		}), 1, 5).Draw(r, "files")
		data, omitted, err := flow.PackFiles(files)
		require.NoError(r, err)
		require.Empty(r, omitted)
		got, err := flow.UnpackFiles(data)
		require.NoError(r, err)
		require.Equal(r, files, got)
	})
}

// What Temporal would refuse is packed without its largest tables, which are named.
func TestTablesTooLargeToBePackedAreNamed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	table := func(bytes int) string {
		var b strings.Builder
		for b.Len() < bytes {
			b.WriteRune(rune(' ' + random.IntN(95)))
		}
		return b.String()
	}
	small, large, larger := table(1000), table(1<<20), table(3<<20)
	data, omitted, err := flow.PackFiles([]flow.File{
		{Name: "f.yaml", Text: "name: f"}, {Name: "small.csv", Text: small}, {Name: "larger.csv", Text: larger}, {Name: "large.csv", Text: large},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"larger.csv"}, omitted)
	got, err := flow.UnpackFiles(data)
	require.NoError(t, err)
	require.Equal(t, []flow.File{
		{Name: "f.yaml", Text: "name: f"}, {Name: "small.csv", Text: small}, {Name: "larger.csv", Omitted: len(larger)}, {Name: "large.csv", Text: large},
	}, got)
}

func TestTheBuiltInFlowKeepsItsFiles(t *testing.T) {
	f := builtIn(t)
	require.Len(t, f.Files, 2)
	require.Equal(t, "refund_to_return.yaml", f.Files[0].Name)
	require.Contains(t, f.Files[0].Text, "name: refund_to_return")
	require.Equal(t, "tables/warehouses.csv", f.Files[1].Name)
	require.Contains(t, f.Files[1].Text, "code,value")
}
