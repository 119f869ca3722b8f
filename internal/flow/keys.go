package flow

import (
	"slices"
	"strconv"
	"strings"
)

// Keys are the keys of the orders that are named by their key or by the number of one of
// their bills, each once, in the order in which they are named. Blank names are dropped.
//
// A number is understood if the flow puts the key into it as it is, as in '"TH" + as_id'.
// Any other name counts as a key.
func (f *Flow) Keys(names []string) (keys []string) {
	for _, name := range names {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if key := f.keyOf(name); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (f *Flow) keyOf(name string) string {
	if f.Options.Existing == ExistingSupplement {
		for n := 2; n <= mostBills; n++ {
			first, is := strings.CutSuffix(name, "-"+strconv.Itoa(n))
			if key := f.keyOfFirst(first); is && f.numberOf(key) == first {
				return key
			}
		}
	}
	return f.keyOfFirst(name)
}

// keyOfFirst is the key of the order whose first bill has the number; the number itself if
// there is none.
func (f *Flow) keyOfFirst(number string) string {
	// What the flow puts before and after the key.
	const key = "7000000001"
	before, after, plain := strings.Cut(f.numberOf(key), key)
	if !plain || len(number) <= len(before)+len(after) || !strings.HasPrefix(number, before) || !strings.HasSuffix(number, after) {
		return number
	}
	if inner := number[len(before) : len(number)-len(after)]; f.numberOf(inner) == number {
		return inner
	}
	return number
}

// numberOf is the number of the order's first bill; "" if there is none.
func (f *Flow) numberOf(key string) string {
	number, err := f.NumberOf(key)
	if err != nil {
		return ""
	}
	return number
}
