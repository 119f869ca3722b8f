package faults

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Probabilities say how often each fault strikes, from 0 (never) to 1
// (always). A fault that is not named never strikes. A *Probabilities is a
// flag that is given once for each fault.
type Probabilities map[Name]float64

// check says which name is no fault and which number no probability.
func (p Probabilities) check() error {
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if !slices.Contains(names, name) {
			return fmt.Errorf("没有故障 %q。 No such fault; there are: %s", name, join(names))
		}
		// Written so that a number that is none is refused as well.
		if probability := p[name]; !(probability >= 0 && probability <= 1) {
			return fmt.Errorf("故障 %s 的概率必须是0到1。 The probability must be from 0 to 1: %v", name, probability)
		}
	}
	return nil
}

// UnmarshalJSON reads {"name":probability,…}, where a probability is a number
// or the decimal text of one.
func (p *Probabilities) UnmarshalJSON(raw []byte) error {
	var texts map[Name]json.Number
	if err := json.Unmarshal(raw, &texts); err != nil {
		return fmt.Errorf(`请求应为 {"故障":概率}。 The request must be {"<fault>":<probability>}: %w`, err)
	}
	read := Probabilities{}
	for name, text := range texts {
		if err := read.Set(string(name) + "=" + text.String()); err != nil {
			return err
		}
	}
	*p = read
	return nil
}

// Set adds a fault, written name=probability.
func (p *Probabilities) Set(text string) error {
	name, number, found := strings.Cut(text, "=")
	probability, err := strconv.ParseFloat(number, 64)
	if !found || err != nil {
		return fmt.Errorf("%q 应为 故障=概率，如 %s=0.05。 Expected <fault>=<probability>", text, SourceHang)
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

// String is the faults by name, each as Set reads it.
func (p Probabilities) String() string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		texts = append(texts, string(name)+"="+strconv.FormatFloat(p[name], 'f', -1, 64))
	}
	return strings.Join(texts, ",")
}

// Type names the type in the help of a command.
func (p Probabilities) Type() string { return "name=probability" }

func join(names []Name) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}
