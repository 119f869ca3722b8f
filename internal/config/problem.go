package config

import "fmt"

// Problem is a setting that is wrong. It shows no secret.
type Problem struct {
	// Name is the environment variable.
	Name string
	// WrongZH and WrongEN say what is wrong, ExpectedZH and ExpectedEN what is
	// expected, in Chinese and in English.
	WrongZH, WrongEN, ExpectedZH, ExpectedEN string
	// Example is a value that would do.
	Example string
}

// Error is one line, Chinese first, English second.
func (p *Problem) Error() string {
	return fmt.Sprintf("%s: %s；应为：%s。 %s; expected: %s. 例如 such as %s",
		p.Name, p.WrongZH, p.ExpectedZH, p.WrongEN, p.ExpectedEN, p.Example)
}
