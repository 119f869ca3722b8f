package jushuitan

import (
	"encoding/json"
	"strconv"
	"strings"

	"refundsync/internal/text"
)

// Envelope values come in any type: 50 or "50", true or "true" or 1 or "Y". null and ""
// are the same as absent.

// words gives a string or number as words, "" for null, objects and lists.
func words(value any) string {
	switch v := value.(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// wholeNumber gives known = false if there is no value.
func wholeNumber(value any) (n int, known bool, err error) {
	if value == nil {
		return 0, false, nil
	}
	written := words(value)
	if written == "" {
		if _, blank := value.(string); blank {
			return 0, false, nil
		}
		return 0, false, text.Errorf("not a number")
	}
	whole, fraction, _ := strings.Cut(written, ".")
	if strings.Trim(fraction, "0") != "" {
		return 0, false, text.Errorf("not a whole number")
	}
	parsed, err := strconv.ParseInt(whole, 10, 32)
	if err != nil {
		return 0, false, text.Errorf("not a whole number")
	}
	return int(parsed), true, nil
}

// truth gives known = false if there is no value.
func truth(value any) (yes, known bool, err error) {
	written := strings.ToLower(words(value))
	switch written {
	case "true", "1", "yes", "y":
		return true, true, nil
	case "false", "0", "no", "n":
		return false, true, nil
	case "":
		switch value.(type) {
		case nil, string:
			return false, false, nil
		}
	}
	return false, false, text.Errorf("neither true nor false")
}
