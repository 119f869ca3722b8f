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
// flows share a name. An error is [Problems], the mistakes in all files, or says what
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
	var problems Problems
	for _, entry := range entries {
		if extension := filepath.Ext(entry.Name()); entry.IsDir() || extension != ".yaml" && extension != ".yml" {
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
