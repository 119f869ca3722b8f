package flowfile

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"refundsync/internal/catalog"
	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// parser reads one flow file.
type parser struct {
	*document
	flow   *flow.Flow
	name   span // of the flow's name
	flag   span // of IsAutoSubmitAndAudit
	number span // of the bill's number
	// received tells that the bill takes each line's received quantity unchanged.
	received bool
	dateType span // of date_type
	readFile func(path string) ([]byte, error)
	digest   hash.Hash
	tables   map[string]*flow.Table
	// tableProblems are the mistakes in the tables' CSV files.
	tableProblems Problems
	notes         notes
}

// parse reads a flow file. Use the parser's flow only if it has no problems.
func parse(file string, data []byte, readFile func(path string) ([]byte, error)) *parser {
	p := &parser{
		document: newDocument(file, data),
		// Where a mistake leaves open which interfaces are meant, the rest is read as for these.
		flow:     &flow.Flow{Source: flow.Source{Interface: catalog.All()[catalog.Sources()[0]]}, Form: catalog.All()[catalog.Forms()[0]]},
		tables:   map[string]*flow.Table{},
		readFile: readFile,
		digest:   sha256.New(),
		notes:    notes{tables: map[string]span{}, conditions: map[string]int{}},
	}
	p.hash("", data)
	p.flow.Files = []flow.File{{Name: filepath.Base(file), Text: string(data)}}
	if p.readable() {
		if root := p.root(); root != nil {
			p.flowFile(root)
		}
	}
	p.flow.Version = hex.EncodeToString(p.digest.Sum(nil))[:12]
	return p
}

// hash adds a file to the version, with its name and length, so that no two sets of
// files give the same bytes.
func (p *parser) hash(name string, data []byte) {
	fmt.Fprintf(p.digest, "%d %s\n%d\n", len(name), name, len(data))
	p.digest.Write(data)
}

var flowName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// companyName has two characters at least, or the names of its settings would look like
// misspelt ones of those without a company.
var companyName = regexp.MustCompile(`^[a-z][a-z0-9]{1,15}$`)

// CheckCompany returns an error, a whole sentence, for a name that no company can have.
func CheckCompany(name string) error {
	switch {
	case !companyName.MatchString(name):
		return text.Errorf("company can't be %s; expected a-z and 0-9, beginning with a letter, 2 to 16 characters.", name)
	case config.Reserved(name):
		return text.Errorf("company can't be %s, because the names of its settings would be those of other settings.", name)
	}
	return nil
}

// explain adds to what is wrong with a key the part of the file that it belongs in, if
// its line is indented too far or not far enough, and otherwise the known key that it
// resembles.
func explain(what text.Text, key string, known []string) text.Text {
	if _, ok := fileKeys().find(key); ok {
		return text.New("%s %s belongs at the top level, without indentation.", what, key)
	}
	for _, part := range fileKeys() {
		keys, _ := part.value.(sectionValue)
		if _, ok := keys.find(key); ok {
			return text.New("%s %s belongs in %s; check the indentation of this line.", what, key, part.name)
		}
	}
	return spelling.Suggest(what, spelling.Closest(key, known))
}

func (p *parser) flowFile(root ast.Node) {
	s := p.document.section(span{1, 1, 1}, text.New("The flow file"), root, fileKeys())
	s.integer("version")
	p.flow.Name = s.text("name")
	if s.has("name") {
		p.name = s.valueSpan("name")
	}
	if p.flow.Name != "" && !flowName.MatchString(p.flow.Name) {
		p.report(p.name, badCode("name", p.flow.Name))
	}
	p.flow.Title = cmp.Or(s.text("title"), p.flow.Name)
	p.company(s)
	orders, known := interfaceOf(s, "source", "method", catalog.Sources())
	source := s.sectionOf("source", sourceKeys(orders))
	p.flow.Source = flow.Source{Interface: orders, Method: source.oneOf("method")}
	reported := len(p.problems)
	p.source(source)
	if s.has("tables") {
		p.readTables(s.pairs["tables"].value)
	}
	p.bill(s.section("bill"))
	p.noteTables()
	p.noteToFill()
	p.options(s.section("options"))
	p.checks(s.section("checks"))
	if s.has("alerts") {
		p.alerts(s)
	}
	if !known { // the rest was read by another interface
		p.problems = p.problems[:reported]
	}
}

func (p *parser) company(s section) {
	p.flow.Company = s.text("company")
	if p.flow.Company == "" {
		return
	}
	if err := CheckCompany(p.flow.Company); err != nil {
		p.report(s.valueSpan("company"), text.Of(err))
	}
}

// interfaceOf is the interface that a part of the file names, or the one that is closest to
// it; false and some interface if there is none.
func interfaceOf(s section, part, key string, known []string) (*catalog.Interface, bool) {
	name := ""
	if s.has(part) {
		name = written(child(s.pairs[part].value, key))
	}
	if !slices.Contains(known, name) {
		name = spelling.Closest(name, known)
	}
	return catalog.All()[cmp.Or(name, known[0])], name != ""
}

// badCode says what codes of the file's own, such as its name, are made of.
func badCode(key, found string) text.Text {
	return text.New("%s can't be %s; expected a-z, 0-9 and _, beginning with a letter, at most 64 characters.", key, found)
}

// expression compiles a text of the file, and reports its mistakes where they stand. owner
// is what the expression is for. It returns nil after a mistake.
func (p *parser) expression(node ast.Node, in flow.Scope, owner text.Text, want flow.Kind) *flow.Expression {
	source, ok := p.textNode(node)
	if !ok {
		return nil
	}
	compiled, mistakes := flow.Compile(p.flow.Source.Interface, source, in)
	if compiled == nil {
		quote := '"'
		if node.GetToken().Type == token.DoubleQuoteType {
			quote = '\''
		}
		// What the compiler says follows from these.
		if reasons := misspellings(source, quote); len(reasons) > 0 {
			mistakes = reasons
		}
	}
	for _, mistake := range mistakes {
		p.report(p.spanWithin(node, mistake.From, mistake.To), mistake.What)
	}
	if compiled == nil {
		return nil
	}
	if compiled.Kind != want {
		p.report(p.spanOf(node), wrongKind(owner, want, compiled.Kind))
		return nil
	}
	p.flow.Use(compiled.Header, compiled.Items)
	p.noteExpression(node, source, compiled)
	return compiled
}

func wrongKind(owner text.Text, want, found flow.Kind) text.Text {
	return text.New("%s should be %s, but this gives %s.", owner, flow.KindNames[want], flow.KindNames[found])
}
