package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"refundsync/internal/config"
	"refundsync/internal/flowfile"
)

//go:generate go run . docs ..

// written are the files of the tree that the program writes from its own definitions.
func written() map[string][]byte {
	return map[string][]byte{
		"flows/refundsync.schema.json": flowfile.Schema(),
		"docs/commands.md":             commandsDocument(),
		"docs/configuration.md":        config.Reference(false),
		"docs/configuration.zh-CN.md":  config.Reference(true),
	}
}

func newDocsCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "docs FOLDER",
		Short:  "Write the documents that come from the program's own definitions into a checkout of the project",
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
