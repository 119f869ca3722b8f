package config

import "refundsync/internal/text"

// Problem is a problem with a setting. It shows no secret.
type Problem struct {
	// Name is the environment variable.
	Name string
	// Wrong says what is wrong, Expected what is expected.
	Wrong, Expected text.Text
	// Example is a valid value.
	Example string
}

func (p *Problem) Error() string { return p.AsText().String() }

// AsText gives the problem on one line.
func (p *Problem) AsText() text.Text {
	return text.New("%s: %s; expected: %s (such as %s)", p.Name, p.Wrong, p.Expected, p.Example)
}
