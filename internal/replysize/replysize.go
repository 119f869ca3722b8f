// Package replysize bounds the replies of the outside systems by what they take in
// memory once they are read, not by their length alone.
package replysize

import "bytes"

// MostValues is far above what any reply has: 500 orders of 50 lines have half of it.
// A value of two bytes, such as {}, takes some hundred in memory.
const MostValues = 1_000_000

// TooMany reports whether JSON has more values than that. It counts what begins and
// separates them, in texts too.
func TooMany(raw []byte) bool {
	count := 0
	for _, sign := range []string{",", "{", "["} {
		count += bytes.Count(raw, []byte(sign))
	}
	return count > MostValues
}
