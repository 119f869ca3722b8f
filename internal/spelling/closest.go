package spelling

import (
	"strings"

	"github.com/agnivade/levenshtein"

	"refundsync/internal/text"
)

// Closest is the known name closest to a misspelt one; "" if none is close. About every
// third character may be wrong: feild is field, but abs is not all.
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

// Suggest adds the name that was meant to what is said of a misspelt one; "" adds nothing.
func Suggest(said text.Text, meant string) text.Text {
	if meant == "" {
		return said
	}
	return text.New("%s Did you mean %s?", said, meant)
}
