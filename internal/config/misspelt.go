package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"refundsync/internal/text"
)

// misspelt finds variables with one of the prefixes whose name is almost that of a
// setting that isn't set. It ignores other variables: Kubernetes, for one, sets
// KINGDEE_PORT if a service is named kingdee.
func (c *checker) misspelt(prefixes ...string) {
	names := slices.Sorted(maps.Keys(c.defined))
	for _, name := range slices.Sorted(maps.Keys(c.environment)) {
		ours := slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if !ours || slices.Contains(names, name) {
			continue
		}
		for _, meant := range names {
			if c.environment[meant] == "" && levenshtein.ComputeDistance(name, meant) <= 2 {
				c.problems = append(c.problems, &Problem{
					Name:     c.environment.SetName(name),
					Wrong:    text.New("there is no such setting"),
					Expected: text.Literal(c.environment.SetName(meant)),
					Example:  fmt.Sprintf("%s=%s", c.environment.SetName(meant), c.defined[meant].example),
				})
				break
			}
		}
	}
}
