package text

import (
	"regexp"
	"strconv"
	"strings"
)

// verb is a verb of a format, with the number of its argument if it has one: %s, %-10d,
// %[2]q.
var verb = regexp.MustCompile(`%([-+# 0]*(?:\d+|\*)?(?:\.\d+)?)(?:\[(\d+)\])?([a-zA-Z%])`)

// arguments gives the verb of each argument of a format, by the argument's number from 1.
func arguments(format string) map[int]string {
	verbs := map[int]string{}
	next := 1
	for _, found := range verb.FindAllStringSubmatch(format, -1) {
		if found[3] == "%" {
			continue
		}
		if found[2] != "" {
			next, _ = strconv.Atoi(found[2])
		}
		verbs[next] = found[1] + found[3]
		next++
	}
	return verbs
}

// withoutWraps has %v in the place of %w, which errors alone know.
func withoutWraps(format string) string {
	return verb.ReplaceAllStringFunc(format, func(found string) string {
		if rest, ok := strings.CutSuffix(found, "w"); ok {
			return rest + "v"
		}
		return found
	})
}

// fits reports whether a format takes so many arguments.
func fits(format string, count int) bool {
	highest := 0
	for number := range arguments(format) {
		highest = max(highest, number)
	}
	return highest == count
}
