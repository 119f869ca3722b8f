package flowfile

import (
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// visible names a character, also one that nobody can see.
func visible(r rune) text.Text {
	switch {
	case r == '\u3000':
		return text.New("a full-width space")
	case r == '\u00a0':
		return text.New("a no-break space")
	case spelling.IsInvisible(r):
		return text.New("the invisible character %U", r)
	}
	return text.New("the character %c", r)
}

// lookalike says that a character was found in place of another.
func lookalike(found rune, meant string) text.Text {
	switch meant {
	case "":
		return text.New("Found %s; remove it.", visible(found))
	case " ":
		return text.New("Found %s, expected a plain space.", visible(found))
	}
	return replace(string(found), meant)
}

// replace says what to write instead of what was found.
func replace(found, meant string) text.Text {
	return text.New("Write %[2]s instead of %[1]s.", found, meant)
}
