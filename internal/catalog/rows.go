package catalog

// Rows reads a list of records as serialisers write it: the list, a single record, or
// either of them wrapped once more, as in {"data":[…]} and [[…]]. A record is told from a
// wrapper by its key. "", {} and null, which may stand for an empty list, give nil; ok is
// false for anything else.
func Rows(raw any, key string) (rows []any, ok bool) {
	switch value := raw.(type) {
	case nil:
		return nil, true
	case string:
		return nil, value == ""
	case map[string]any:
		if len(value) == 0 {
			return nil, true
		}
		if _, isRecord := value[key]; !isRecord && len(value) == 1 {
			for _, inside := range value {
				return unwrapped(inside, key)
			}
		}
	}
	return unwrapped(raw, key)
}

func unwrapped(raw any, key string) (rows []any, ok bool) {
	switch value := raw.(type) {
	case []any:
		if len(value) == 1 {
			if inside, ok := value[0].([]any); ok {
				return inside, true
			}
		}
		return value, true
	case map[string]any:
		_, isRecord := value[key]
		return []any{value}, isRecord
	}
	return nil, false
}
