package main

import (
	"bufio"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"refundsync/internal/text"
)

// orderNames are orders that a command is given: numbers of orders or of bills.
type orderNames struct {
	ids  []string
	file string
}

func (n *orderNames) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&n.ids, "order", nil, text.Sprintf("`ID,ID…`: only these orders, by order or bill number"))
	cmd.Flags().StringVar(&n.file, "orders", "", text.Sprintf("only the orders that this file names, one per line; - is standard input"))
}

func (n *orderNames) given() bool { return len(n.ids) > 0 || n.file != "" }

// longestName bounds the name of an order, in bytes.
const longestName = 255

// read gives the names, each once.
func (n *orderNames) read(cmd *cobra.Command) (names []string, err error) {
	given := n.ids
	if n.file != "" {
		named, err := readNames(cmd, n.file)
		if err != nil {
			return nil, err
		}
		given = slices.Concat(given, named)
	}
	for _, name := range given {
		name = strings.TrimSpace(name)
		if len(name) > longestName {
			return nil, usageError(cmd, text.Errorf("%q is no order: it has more than %d bytes", name[:longestName], longestName))
		}
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, usageError(cmd, text.Errorf("no order is named"))
	}
	return names, nil
}

// readNames reads the orders that a file names, one per line; - is standard input.
func readNames(cmd *cobra.Command, path string) (names []string, err error) {
	in := cmd.InOrStdin()
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, text.Errorf("%s can't be read: %w", path, err)
		}
		defer file.Close()
		in = file
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff")); line != "" {
			names = append(names, line)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, text.Errorf("%s can't be read: %w", path, err)
	}
	if len(names) == 0 {
		return nil, text.Errorf("%s names no order", path)
	}
	return names, nil
}
