package config

import "refundsync/internal/text"

// Problem is a setting that is wrong. It shows no secret.
type Problem struct {
	// Name is the environment variable.
	Name string
	// Wrong says what is wrong, Expected what is expected.
	Wrong, Expected text.Text
	// Example is a value that would do.
	Example string
}

func (p *Problem) Error() string { return p.AsText().String() }

// AsText is the problem in one line.
func (p *Problem) AsText() text.Text {
	return text.New("%s: %s; expected: %s. Such as %s", p.Name, p.Wrong, p.Expected, p.Example)
}
