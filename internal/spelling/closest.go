package spelling

import (
	"strings"

	"github.com/agnivade/levenshtein"
)

// Closest gives the known name that comes Closest to a misspelt one, "" if none
// comes close: about every third character may be wrong, so that feild is field,
// but abs is not all.
func Closest(name string, known []string) string {
	name = PlainText(name)
	length := len([]rune(name))
	best, shortest := "", min((length+2)/3, length-1)+1
	for _, candidate := range known {
		distance := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(candidate))
		if distance < shortest {
			best, shortest = candidate, distance
		}
	}
	return best
}
