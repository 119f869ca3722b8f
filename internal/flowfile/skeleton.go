package flowfile

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"refundsync/internal/catalog"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// Skeleton says what a new flow file begins with.
type Skeleton struct {
	// Source and Target are names of [catalog.Sources] and [catalog.Forms].
	Source, Target string
	// Name is as in [flow.Flow].
	Name string
	// Title is shown to people; "" for the name.
	Title string
}

// Check returns an error that says what of a skeleton is wrong.
func (s Skeleton) Check() error {
	for _, c := range []struct {
		what, found string
		known       []string
	}{{"source", s.Source, catalog.Sources()}, {"target", s.Target, catalog.Forms()}} {
		if !slices.Contains(c.known, c.found) {
			return errors.New(spelling.Suggest(text.New("%s can't be %q; expected one of %s.", c.what, c.found, strings.Join(c.known, ", ")), spelling.Closest(c.found, c.known)).String())
		}
	}
	if s.Name == "" {
		return errors.New(text.Sprintf("%s is empty; expected text.", "name"))
	}
	if !flowName.MatchString(s.Name) {
		return errors.New(badCode("name", s.Name).String())
	}
	return nil
}

// Write writes a new flow file to a folder, an example beside it, and the schema if the folder
// has none, with comments in the language of the program. The flow loads and its example
// passes as they are. It overwrites nothing; an error says what it could not write.
func (s Skeleton) Write(folder string) (written []string, err error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	quoted, err := yaml.Marshal(cmp.Or(strings.Join(strings.Fields(s.Title), " "), s.Name))
	if err != nil {
		return nil, err
	}
	w := skeletonWriter{Skeleton: s, source: catalog.All()[s.Source], form: catalog.All()[s.Target]}
	w.Title = strings.TrimSpace(string(quoted))
	files := []struct{ path, content string }{
		{filepath.Join(folder, s.Name+".yaml"), w.flowFile()},
		{filepath.Join(ExamplesFolder(folder, s.Name), "booked.yaml"), w.example()},
	}
	// A folder of its own has no schema yet for the editor to check the file by.
	schema := filepath.Join(folder, schemaFile)
	if _, err := os.Stat(schema); errors.Is(err, fs.ErrNotExist) {
		files = append(files, struct{ path, content string }{schema, string(Schema())})
	}
	for _, file := range files {
		if err := os.MkdirAll(filepath.Dir(file.path), 0o755); err != nil {
			return written, err
		}
		if err := writeNew(file.path, []byte(file.content)); err != nil {
			return written, err
		}
		written = append(written, file.path)
	}
	return written, nil
}

// writeNew writes a file that must not exist.
func writeNew(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return text.Errorf("%s exists, and nothing was written to it; choose another name", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
