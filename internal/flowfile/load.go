// Package flowfile reads, checks and compiles flow files.
//
// A flow file describes one integration: where the orders come from, how their
// fields become a bill's fields, which orders are left out, and how and when it
// runs. It is checked as a whole against the catalog of both interfaces before
// anything runs. flows/refund_to_return.yaml is the built-in flow and explains
// every key.
package flowfile

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"refundsync/internal/flow"
)

// Load reads and checks one flow file and the CSV files it names. Mistakes in it
// come back as Problems, all of them; another error says that it can't be read.
func Load(path string) (*flow.Flow, error) {
	p, err := load(path)
	if err != nil {
		return nil, err
	}
	if problems := p.all(); len(problems) > 0 {
		return nil, problems
	}
	return p.flow, nil
}

// LoadFolder reads and checks every .yaml and .yml file of a folder, and that no
// two flows share a name. The mistakes of all files come back as one Problems.
func LoadFolder(folder string) (flow.Flows, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("读不到流程文件夹 %[1]s。 The folder of flow files %[1]s can't be read: %[2]w", folder, err)
	}
	flows := flow.Flows{}
	first := map[string]*parser{}
	var problems Problems
	for _, entry := range entries {
		if extension := filepath.Ext(entry.Name()); entry.IsDir() || extension != ".yaml" && extension != ".yml" {
			continue
		}
		p, err := load(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		name := p.flow.Name
		if other, ok := first[name]; ok && name != "" {
			p.report(p.name, say("流程 %[1]s 重名，%[2]s 里已有。", "The name %[1]s is taken by the flow in %[2]s.", name, other.file))
		} else {
			first[name] = p
		}
		flows[name] = p.flow
		for _, problem := range p.all() {
			// Flows may share a CSV file; its mistakes are told once.
			if !slices.Contains(problems, problem) {
				problems = append(problems, problem)
			}
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	if len(flows) == 0 {
		return nil, fmt.Errorf("文件夹 %[1]s 里没有流程文件（*.yaml）。 The folder %[1]s holds no flow files (*.yaml)", folder)
	}
	return flows, nil
}

func load(path string) (*parser, error) {
	data, err := readFile(path, maxFlowFile)
	if err != nil {
		return nil, fmt.Errorf("读不到流程文件 %[1]s。 The flow file %[1]s can't be read: %[2]w", path, err)
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
		return nil, fmt.Errorf("%d bytes, more than %d", info.Size(), most)
	}
	return os.ReadFile(path)
}

// all gives the flow file's mistakes, then those of its CSV files.
func (p *parser) all() Problems {
	p.problems.sort()
	slices.SortStableFunc(p.elsewhere, func(a, b Problem) int { return cmp.Compare(a.File, b.File) })
	return slices.Concat(p.problems, p.elsewhere)
}
