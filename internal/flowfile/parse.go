package flowfile

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"regexp"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"refundsync/internal/flow"
)

// parser reads one flow file.
type parser struct {
	*document
	flow *flow.Flow
	name span // of the flow's name
	flag span // of IsAutoSubmitAndAudit
	// received tells that the bill has of each line the quantity received, as it is.
	received bool
	dateType span // of date_type
	readFile func(path string) ([]byte, error)
	digest   hash.Hash
	tables   map[string]*flow.Table
	// elsewhere are the mistakes in the tables' CSV files.
	elsewhere Problems
}

// parse reads a flow file. What is wrong with it is in the parser's problems; the
// flow is of use only if there are none.
func parse(file string, data []byte, readFile func(path string) ([]byte, error)) *parser {
	p := &parser{
		document: newDocument(file, data),
		flow:     &flow.Flow{},
		tables:   map[string]*flow.Table{},
		readFile: readFile,
		digest:   sha256.New(),
	}
	p.hash("", data)
	if p.readable() {
		if root := p.root(); root != nil {
			p.flowFile(root)
		}
	}
	p.flow.Version = hex.EncodeToString(p.digest.Sum(nil))[:12]
	return p
}

// hash adds a file to the version, with its name and length, so that no two sets of
// files run together to the same bytes.
func (p *parser) hash(name string, data []byte) {
	fmt.Fprintf(p.digest, "%d %s\n%d\n", len(name), name, len(data))
	p.digest.Write(data)
}

var flowName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// belongs says of a key that stands in the wrong part which part is its own: the line
// is indented too far, or not far enough.
func belongs(m message, key string) (message, bool) {
	if _, ok := fileKeys().find(key); ok {
		where := say("%[1]s 应在最外层，请去掉这一行的缩进。", " %[1]s belongs at the top, without indentation.", key)
		return message{Chinese: m.Chinese + where.Chinese, English: m.English + where.English}, true
	}
	for _, part := range fileKeys() {
		keys, _ := part.value.(sectionValue)
		if _, ok := keys.find(key); ok {
			where := say("%[1]s 属于 %[2]s，请检查这一行的缩进。", " %[1]s belongs in %[2]s: look at the indentation of this line.", key, part.name)
			return message{Chinese: m.Chinese + where.Chinese, English: m.English + where.English}, true
		}
	}
	return m, false
}

func (p *parser) flowFile(root ast.Node) {
	s := p.document.section(span{1, 1, 1}, say("流程文件", "The flow file"), root, fileKeys())
	s.integer("version")
	p.flow.Name = s.text("name")
	if s.has("name") {
		p.name = s.valueSpan("name")
	}
	if p.flow.Name != "" && !flowName.MatchString(p.flow.Name) {
		p.report(p.name, say("name 不能是 %[1]s，应为小写字母、数字和下划线，以字母开头，最多 64 个字符。", "name can't be %[1]s; expected a-z, 0-9 and _, from a letter on, at most 64.", p.flow.Name))
	}
	p.flow.Title = cmp.Or(s.text("title"), p.flow.Name)
	p.source(s.section("source"))
	if s.has("tables") {
		p.readTables(s.pairs["tables"].value)
	}
	p.bill(s.section("bill"))
	p.options(s.section("options"))
	p.checks(s.section("checks"))
	if s.has("alerts") {
		p.alerts(s)
	}
}

// expression compiles a text of the file, and reports its mistakes where they stand.
// owned is what the expression is for. nil comes back after a mistake.
func (p *parser) expression(node ast.Node, in flow.Scope, owned message, want flow.Kind) *flow.Expression {
	source, ok := p.textNode(node)
	if !ok {
		return nil
	}
	compiled, mistakes := flow.Compile(source, in)
	if compiled == nil {
		quote := '"'
		if node.GetToken().Type == token.DoubleQuoteType {
			quote = '\''
		}
		// Where there is a reason why it does not compile, the rest follows from it.
		if reasons := misspelt(source, quote); len(reasons) > 0 {
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
		found, wanted := flow.KindNames[compiled.Kind], flow.KindNames[want]
		p.report(p.spanOf(node), say("%[1]s应为%[2]s，这里得到的是%[3]s。", "%[4]s should be %[5]s, but this gives %[6]s.",
			owned.Chinese, wanted.Chinese, found.Chinese, owned.English, wanted.English, found.English))
		return nil
	}
	p.flow.Use(compiled.Header, compiled.Items)
	return compiled
}
