package main

import (
	"io"
	"unicode"
	"unicode/utf8"
)

// plainText writes text without the control characters that a terminal would
// obey: what orders and replies hold is printed, and anybody may have put it there.
type plainText struct{ to io.Writer }

func (p plainText) Write(text []byte) (int, error) {
	if _, err := p.to.Write(plain(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

// plain shows a control character other than tab and line breaks as a box. Bytes
// of a character that is cut between two writes stay as they are.
func plain(text []byte) []byte {
	shown := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' {
			shown = append(shown, "□"...)
		} else {
			shown = append(shown, text[:size]...)
		}
		text = text[size:]
	}
	return shown
}
