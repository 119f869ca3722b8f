// Package replysize bounds replies of the outside systems by the memory that they take
// once parsed, not only by their length.
package replysize

import "bytes"

// MostValues is far more than any reply has: 500 orders of 50 lines have half of it. A
// value of two bytes, such as {}, takes some hundred bytes in memory.
const MostValues = 1_000_000

// TooMany reports whether JSON has more than MostValues values. It counts the characters
// that start or separate values, within strings too.
func TooMany(raw []byte) bool {
	count := 0
	for _, sign := range []string{",", "{", "["} {
		count += bytes.Count(raw, []byte(sign))
	}
	return count > MostValues
}
