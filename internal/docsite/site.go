// Package docsite writes what the catalog and the flows say as a static site for people:
// an index, a page for each interface and a page for each flow, in both languages. The pages
// need no script and load nothing, so they can be opened from a folder or put on any web
// server.
package docsite

import (
	"bytes"
	_ "embed"
	"html/template"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/literal"
	"refundsync/internal/text"
)

// Site is what the pages are about.
type Site struct {
	// Interfaces are all that the flows use, and others, by name.
	Interfaces map[string]*catalog.Interface
	Flows      flow.Flows
	// Live is the state of each flow on the server; nil for a site that does not say.
	Live map[string]Live
	// Made is when Live was read.
	Made time.Time
}

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// languages have a folder each.
var languages = []text.Language{text.Chinese, text.English}

// generator marks a page as written by this package.
const generator = `<meta name="generator" content="refundsync">`

// Pages gives the files of the site by their paths, with slashes. The site begins at
// index.html, which leads to the index in the language of the program.
func (s Site) Pages() (map[string][]byte, error) {
	byDefault := text.Current()
	defer text.Use(byDefault)
	files := map[string][]byte{}
	for _, language := range languages {
		text.Use(language)
		for name, p := range s.pages() {
			var b bytes.Buffer
			if err := pageTemplate.ExecuteTemplate(&b, "page", s.framed(name, p)); err != nil {
				return nil, err
			}
			files[path.Join(string(language), name)] = b.Bytes()
		}
	}
	var b bytes.Buffer
	err := pageTemplate.ExecuteTemplate(&b, "door", map[string]any{"Language": byDefault, "Languages": languages})
	files["index.html"] = b.Bytes()
	return files, err
}

// pages are the pages in the language of the program, by their paths within its folder.
func (s Site) pages() map[string]page {
	pages := map[string]page{"index.html": s.index()}
	for _, i := range s.Interfaces {
		pages[interfacePath(i.Name)] = s.interfacePage(i)
	}
	for _, f := range s.Flows {
		pages[flowPath(f.Name)] = s.flowPage(f)
	}
	return pages
}

// framed adds what all pages have.
func (s Site) framed(name string, p page) page {
	up := strings.Repeat("../", strings.Count(name, "/"))
	p.Language, p.Home, p.HomeName = string(text.Current()), up+"index.html", text.Sprintf("Interfaces and flows")
	other := text.English
	p.OtherName = "English"
	if text.Current() == text.English {
		other, p.OtherName = text.Chinese, "中文"
	}
	p.Other, p.OtherLanguage = "../"+up+string(other)+"/"+name, string(other)
	for _, said := range []*string{&p.Title, &p.Subtitle, &p.Lead} {
		*said = literal.Line(*said)
	}
	for _, s := range p.Sections {
		for n, b := range s.Diagram {
			s.Diagram[n].What = literal.Line(b.What)
		}
	}
	p.Contents = text.Sprintf("On this page")
	if !s.Made.IsZero() {
		p.Made = text.Sprintf("Made on %s, Beijing time. The states are those of that moment.", moment(s.Made))
	}
	return p
}

// interfacePath and flowPath are the paths of pages within the folder of a language.
func interfacePath(name string) string {
	return "interfaces/" + strings.ReplaceAll(strings.Trim(name, "/"), "/", ".") + ".html"
}

func flowPath(name string) string { return "flows/" + name + ".html" }

// Write writes the site to a folder, which it makes if need be, and removes the pages of an
// earlier site that this one does not have. It gives the number of pages.
func (s Site) Write(folder string) (int, error) {
	files, err := s.Pages()
	if err != nil {
		return 0, err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return 0, err
		}
		if err := os.WriteFile(file, files[name], 0o644); err != nil {
			return 0, err
		}
	}
	return len(files), removeOthers(folder, files)
}

// removeOthers removes pages of this package that are not among the files.
func removeOthers(folder string, files map[string][]byte) error {
	for _, language := range languages {
		for _, part := range []string{"interfaces", "flows"} {
			names, err := fs.Glob(os.DirFS(folder), path.Join(string(language), part, "*.html"))
			if err != nil {
				return err
			}
			for _, name := range names {
				if _, ok := files[name]; ok {
					continue
				}
				file := filepath.Join(folder, filepath.FromSlash(name))
				content, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				if !bytes.Contains(content, []byte(generator)) {
					continue
				}
				if err := os.Remove(file); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func moment(at time.Time) string { return at.In(beijing.Zone).Format(time.DateTime) }

// plain is a duration without its zero parts.
func plain(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
