package config

import (
	"errors"
	"strings"

	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// Question is a setting as a person is asked for it.
type Question struct {
	Name string
	// A Secret is never shown, and no flag takes it.
	Secret bool
	// Default is used if nothing is answered; "" for none.
	Default, Example  string
	Description, Hint text.Text
}

// Asked gives the question for a setting of Jushuitan or Kingdee. The error of another name
// says which may have been meant.
func Asked(name string) (Question, error) {
	var names []string
	for s := range definitions() {
		if isSystem(s.name) {
			if s.name == name {
				return Question{s.name, s.secret, s.defaultValue, s.example, s.description, s.hint}, nil
			}
			names = append(names, s.name)
		}
	}
	return Question{}, errors.New(spelling.Suggest(text.New("There is no setting %q of Jushuitan or Kingdee.", name), spelling.Closest(name, names)).String())
}

func isSystem(name string) bool {
	return strings.HasPrefix(name, "JUSHUITAN_") || strings.HasPrefix(name, "KINGDEE_")
}

// SystemNames are the settings of Jushuitan and Kingdee, and the names of their secrets'
// files, in the order of the documentation.
func SystemNames() (names []string) {
	for s := range definitions() {
		if isSystem(s.name) {
			names = append(names, s.name)
			if s.secret {
				names = append(names, s.name+fileSuffix)
			}
		}
	}
	return names
}

// Wrong gives what is wrong with the settings whose names begin with a prefix, in the order
// of Load. transports are as there.
func (e Environment) Wrong(prefix string, transports ...string) (wrong []*Problem) {
	_, err := e.Load(transports...)
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	for _, err := range joined.Unwrap() {
		var p *Problem
		if errors.As(err, &p) && strings.HasPrefix(p.Name, prefix) {
			wrong = append(wrong, p)
		}
	}
	return wrong
}
