package config

import (
	"errors"
	"maps"
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
	// An Optional setting may be left out. One that is Set has a value with which nothing is
	// wrong.
	Optional, Set bool
	// Value is that value, else the default; "" for a secret.
	Value, Example    string
	Description, Hint text.Text
}

// questions are the settings that a person is asked for, in this order. The others are only
// asked for if they are wrong.
var questions = []string{
	"KINGDEE_URL", "KINGDEE_ACCT_ID", "KINGDEE_USERNAME", "KINGDEE_AUTH", "KINGDEE_PASSWORD", "KINGDEE_APP_ID", "KINGDEE_APP_SECRET",
	"JUSHUITAN_APP_KEY", "JUSHUITAN_APP_SECRET", "JUSHUITAN_CUSTOMER_ID", "JUSHUITAN_URL",
	"JUSHUITAN_OPEN_APP_KEY", "JUSHUITAN_OPEN_APP_SECRET", "JUSHUITAN_OPEN_URL",
}

// Next gives the name of the next setting to ask for of those with a prefix, "" if there is
// none, and what is wrong with it; nil if it need not be answered. A setting that is there
// but blank has been left out. transports are as in Load.
func (e Environment) Next(prefix string, transports ...string) (string, *Problem) {
	wrong := e.Wrong(prefix, transports...)
	mayAsk := map[string]bool{"KINGDEE_AUTH": true, "JUSHUITAN_OPEN_APP_KEY": true, "JUSHUITAN_OPEN_URL": e["JUSHUITAN_OPEN_APP_KEY"] != ""}
	for _, own := range questions {
		if !strings.HasPrefix(own, prefix) {
			continue
		}
		name := e.SetName(own)
		if i := slices.IndexFunc(wrong, func(p *Problem) bool { return p.Name == name }); i >= 0 {
			return name, wrong[i]
		}
		if _, answered := e[own]; !answered && mayAsk[own] {
			return name, nil
		}
	}
	if len(wrong) > 0 {
		return wrong[0].Name, wrong[0]
	}
	return "", nil
}

// Asked gives the question for a setting of Jushuitan or Kingdee of the environment's company,
// by the variable that sets it. transports are as in Load. The error of another name says which
// may have been meant.
func (e Environment) Asked(name string, transports ...string) (Question, error) {
	var names []string
	for s := range definitions() {
		if !isSystem(s.name) {
			continue
		}
		set := e.SetName(s.name)
		if set == name {
			q := Question{Name: set, Secret: s.secret, Example: s.example, Description: e.inWords(s.description), Hint: e.inWords(s.hint)}
			without := maps.Clone(e)
			delete(without, s.name)
			q.Optional = !without.isWrong(s.name, transports)
			value := strings.TrimSpace(e[s.name])
			q.Set = value != "" && !e.isWrong(s.name, transports)
			switch {
			case s.secret:
			case q.Set:
				q.Value = value
			default:
				q.Value = s.defaultValue
			}
			return q, nil
		}
		names = append(names, set)
	}
	if meant := e.SetName(name); slices.Contains(names, meant) {
		return Question{}, text.Errorf("%s is another company's setting; for %s, it is %s", name, e.Company(), meant)
	}
	return Question{}, errors.New(spelling.Suggest(text.New("There is no setting %q of Jushuitan or Kingdee.", name), spelling.Closest(name, names)).String())
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

// Wrong gives what is wrong with the settings whose names, as they are without a company,
// begin with a prefix, in the order of Load. transports are as there.
func (e Environment) Wrong(prefix string, transports ...string) (wrong []*Problem) {
	_, err := e.Load(transports...)
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	for _, err := range joined.Unwrap() {
		var p *Problem
		if errors.As(err, &p) && strings.HasPrefix(p.Name, e.SetName(prefix)) {
			wrong = append(wrong, p)
		}
	}
	return wrong
}

// isWrong reports whether something is wrong with a setting.
func (e Environment) isWrong(name string, transports []string) bool {
	set := e.SetName(name)
	return slices.ContainsFunc(e.Wrong(name, transports...), func(p *Problem) bool { return p.Name == set })
}
