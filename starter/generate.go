package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"refundsync/internal/config"
	"refundsync/internal/flowfile"
	"refundsync/internal/text"
)

//go:generate go run . generate ..

// written are the files of the tree that the program writes from its own definitions. It
// leaves the program in the last of its languages.
func written() map[string][]byte {
	files := map[string][]byte{"flows/refundsync.schema.json": flowfile.Schema()}
	for _, language := range []struct {
		text.Language
		suffix string
	}{{text.Chinese, ".zh-CN.md"}, {text.English, ".md"}} {
		text.Use(language.Language)
		files["docs/configuration"+language.suffix] = config.Reference(language.Language)
		files["docs/commands"+language.suffix] = commandsDocument()
	}
	return files
}

func newGenerateCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "generate FOLDER",
		Short:  text.Sprintf("Write the documents that come from the program's own definitions into a checkout of the project"),
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error {
			files := written()
			for _, name := range slices.Sorted(maps.Keys(files)) {
				if err := os.WriteFile(filepath.Join(args[0], filepath.FromSlash(name)), files[name], 0o644); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
