package config

import (
	"errors"
	"slices"
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

// Asked gives the question for a setting of Jushuitan or Kingdee of the environment's company,
// by the variable that sets it. The error of another name says which may have been meant.
func (e Environment) Asked(name string) (Question, error) {
	var names []string
	for s := range definitions() {
		if isSystem(s.name) {
			set := e.SetName(s.name)
			if set == name {
				return Question{set, s.secret, s.defaultValue, s.example, s.description, s.hint}, nil
			}
			names = append(names, set)
		}
	}
	meant := e.SetName(name)
	if !slices.Contains(names, meant) {
		meant = spelling.Closest(name, names)
	}
	return Question{}, errors.New(spelling.Suggest(text.New("There is no setting %q of Jushuitan or Kingdee.", name), meant).String())
}

func isSystem(name string) bool {
	return strings.HasPrefix(name, "JUSHUITAN_") || strings.HasPrefix(name, "KINGDEE_")
}

// SystemNames are the variables of the settings of Jushuitan and Kingdee of the environment's
// company, and those of their secrets' files, in the order of the documentation.
func (e Environment) SystemNames() (names []string) {
	for s := range definitions() {
		if isSystem(s.name) {
			names = append(names, e.SetName(s.name))
			if s.secret {
				names = append(names, e.SetName(s.name)+fileSuffix)
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
