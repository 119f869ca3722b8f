// Package flowfile reads, checks and compiles flow files.
//
// A flow file describes one integration: where the orders come from, how their fields
// become a bill's fields, which orders are left out, and how and when it runs. The whole
// file is checked against the catalog of both interfaces before anything runs.
// flows/refund_to_return.yaml is the built-in flow and explains every key.
package flowfile

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"refundsync/internal/flow"
	"refundsync/internal/text"
)

// Load reads and checks one flow file and the CSV files it names. An error is [Problems],
// all mistakes in the files, or says that the flow file can't be read.
func Load(path string) (*flow.Flow, error) {
	p, err := load(path)
	if err != nil {
		return nil, err
	}
	if problems := p.allProblems(); len(problems) > 0 {
		return nil, problems
	}
	return p.flow, nil
}

// LoadFolder reads and checks every .yaml and .yml file of a folder, and that no two
// flows share a name, or the numbers of different documents. An error is [Problems], the mistakes in all files, or says what
// can't be read.
func LoadFolder(folder string) (flow.Flows, error) {
	flows, _, err := CheckFolder(folder)
	return flows, err
}

// CheckFolder is LoadFolder, with what is no mistake and still to be looked at: tables that
// no field uses, conditions that never decide, values that no field has.
func CheckFolder(folder string) (flow.Flows, Problems, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, nil, text.Errorf("can't read the folder of flow files %s: %w", folder, err)
	}
	var notes Problems
	flows := flow.Flows{}
	first := map[string]*parser{}
	var parsers []*parser
	var problems Problems
	for _, entry := range entries {
		if !isFlowFile(entry) {
			continue
		}
		p, err := load(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, nil, err
		}
		name := p.flow.Name
		if other, ok := first[name]; ok && name != "" {
			p.report(p.name, text.New("The name %s is taken by the flow in %s.", name, other.file))
		} else {
			first[name] = p
		}
		p.checkNumbers(parsers)
		parsers = append(parsers, p)
		flows[name] = p.flow
		p.notes.found.sort()
		notes = append(notes, p.notes.found...)
		for _, problem := range p.allProblems() {
			// Flows may share a CSV file, whose mistakes are reported once.
			if !slices.Contains(problems, problem) {
				problems = append(problems, problem)
			}
		}
	}
	if len(problems) > 0 {
		return nil, nil, problems
	}
	if len(flows) == 0 {
		return nil, nil, text.Errorf("no flow files (*.yaml) in the folder %s", folder)
	}
	return flows, notes, nil
}

func isFlowFile(entry os.DirEntry) bool {
	extension := filepath.Ext(entry.Name())
	return !entry.IsDir() && (extension == ".yaml" || extension == ".yml")
}

// sampleOrder stands for the key of any order.
const sampleOrder = "7000000001"

// checkNumbers requires that the bills of different documents in one form have different
// numbers: a bill is found by its number, so that one of another document would count as the
// order's own. Flows of one document should share its number, so that they do not book it
// twice; they need not, if they read different ones.
func (p *parser) checkNumbers(others []*parser) {
	number := func(of *parser) string {
		if len(of.problems) > 0 {
			return ""
		}
		return sampleNumber(of.flow)
	}
	of := func(p *parser) string {
		source := p.flow.Source
		return source.Key + " " + source.Interface.Source.Noun.Chinese
	}
	for _, other := range others {
		ours, theirs := number(p), number(other)
		if p.flow.Company != other.flow.Company || p.flow.Call.FormId != other.flow.Call.FormId || ours == "" || theirs == "" {
			continue
		}
		// Kingdee may compare numbers without case.
		switch same := strings.EqualFold(ours, theirs); {
		case same && of(p) != of(other):
			p.report(p.number, text.New("The flow in %s numbers the bills of other documents in the same way, so that one of theirs would count as this flow's. Put a prefix before the key in one of them, such as { expression: '\"TH\" + %s' }.",
				other.file, p.flow.Source.Key))
		case !same && of(p) == of(other):
			p.note(p.number, text.New("The flow in %s numbers the bills of the same documents in another way: what both flows read is booked twice.", other.file))
		}
	}
}

// ShareNumbers reports whether an order of one flow and an order of the other can have bills
// of the same number in one form.
func ShareNumbers(a, b *flow.Flow) bool {
	// Kingdee may compare numbers without case.
	return a.Call.FormId == b.Call.FormId && strings.EqualFold(sampleNumber(a), sampleNumber(b)) && sampleNumber(a) != ""
}

// sampleNumber is the number of an order's bill; "" if it can't be told.
func sampleNumber(f *flow.Flow) string {
	if f.Rules.Number == nil {
		return ""
	}
	number, _ := f.NumberOf(sampleOrder) // an error is one of each order
	return number
}

func load(path string) (*parser, error) {
	data, err := readFile(path, maxFlowFile)
	if err != nil {
		return nil, text.Errorf("can't read the flow file %s: %w", path, err)
	}
	return parse(path, data, func(name string) ([]byte, error) {
		return readFile(filepath.Join(filepath.Dir(path), filepath.FromSlash(name)), maxTableFile)
	}), nil
}

func readFile(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > most {
		return nil, text.Errorf("it has %d bytes, more than %d", info.Size(), most)
	}
	return os.ReadFile(path)
}

// allProblems lists the flow file's mistakes, then those of its CSV files.
func (p *parser) allProblems() Problems {
	p.problems.sort()
	slices.SortStableFunc(p.tableProblems, func(a, b Problem) int { return cmp.Compare(a.File, b.File) })
	return slices.Concat(p.problems, p.tableProblems)
}
