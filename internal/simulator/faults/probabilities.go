package faults

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"refundsync/internal/text"
)

// Probabilities are the probabilities of faults, from 0 (never) to 1 (always). A fault
// that is not named never strikes. *Probabilities is a flag that is repeated for each
// fault.
type Probabilities map[Name]float64

// check returns an error if a name is not a fault or a number not a probability.
func (p Probabilities) check() error {
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if !slices.Contains(names, name) {
			return text.Errorf("unknown fault %q; the faults are: %s", name, join(names))
		}
		// The condition is negated so that NaN is refused too.
		if probability := p[name]; !(probability >= 0 && probability <= 1) {
			return text.Errorf("the probability of fault %s must be from 0 to 1, not %v", name, probability)
		}
	}
	return nil
}

// UnmarshalJSON reads {"name":probability,…}, where a probability is a number or its
// decimal text.
func (p *Probabilities) UnmarshalJSON(raw []byte) error {
	var numbers map[Name]json.Number
	if err := json.Unmarshal(raw, &numbers); err != nil {
		return text.Errorf(`expected {"<fault>":<probability>}: %w`, err)
	}
	read := Probabilities{}
	for name, number := range numbers {
		if err := read.Set(string(name) + "=" + number.String()); err != nil {
			return err
		}
	}
	*p = read
	return nil
}

// Set adds a fault, written name=probability.
func (p *Probabilities) Set(setting string) error {
	name, number, found := strings.Cut(setting, "=")
	probability, err := strconv.ParseFloat(number, 64)
	if !found || err != nil {
		return text.Errorf("%q must be <fault>=<probability>, such as %s=0.05", setting, SourceHang)
	}
	one := Probabilities{Name(name): probability}
	if err := one.check(); err != nil {
		return err
	}
	if *p == nil {
		*p = Probabilities{}
	}
	(*p)[Name(name)] = probability
	return nil
}

// String lists the faults by name, each as Set reads it.
func (p Probabilities) String() string {
	var settings []string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		settings = append(settings, string(name)+"="+strconv.FormatFloat(p[name], 'f', -1, 64))
	}
	return strings.Join(settings, ",")
}

// Type names the value in the help of a command.
func (p Probabilities) Type() string { return "name=probability" }

func join(names []Name) string {
	words := make([]string, len(names))
	for i, name := range names {
		words[i] = string(name)
	}
	return strings.Join(words, ", ")
}
