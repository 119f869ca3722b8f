package galaxy

import (
	"fmt"
	"regexp"
	"strings"
)

type tokenKind int

const (
	nameToken    tokenKind = iota // a field or a keyword
	literalToken                  // a text, without its quotes, or a number
	signToken
)

type token struct {
	kind tokenKind
	text string
}

// filterTokens finds the token at the start of a filter. The groups are a text, a number,
// a name and a sign.
var filterTokens = regexp.MustCompile(`^(?:'((?:[^']|'')*)'|(-?\d+(?:\.\d+)?)|([A-Za-z_][\w.]*)|(<>|!=|<=|>=|[=<>(),]))`)

// scanFilter splits a filter into tokens. An unclosed text, such as after a quote that
// was not doubled, is an error.
func scanFilter(filter string) ([]token, error) {
	var tokens []token
	for rest := strings.TrimSpace(filter); rest != ""; rest = strings.TrimSpace(rest) {
		found := filterTokens.FindStringSubmatchIndex(rest)
		if found == nil {
			return nil, fmt.Errorf("“%.20s”附近有语法错误", rest)
		}
		group := func(n int) (string, bool) {
			if found[2*n] < 0 {
				return "", false
			}
			return rest[found[2*n]:found[2*n+1]], true
		}
		if text, ok := group(1); ok {
			tokens = append(tokens, token{literalToken, strings.ReplaceAll(text, "''", "'")})
		} else if number, ok := group(2); ok {
			tokens = append(tokens, token{literalToken, number})
		} else if name, ok := group(3); ok {
			tokens = append(tokens, token{nameToken, name})
		} else if sign, ok := group(4); ok {
			tokens = append(tokens, token{signToken, sign})
		}
		rest = rest[found[1]:]
	}
	return tokens, nil
}
