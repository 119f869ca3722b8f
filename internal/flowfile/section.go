package flowfile

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"refundsync/internal/beijing"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// pair is one key of a mapping with its value.
type pair struct {
	name  string
	key   ast.Node
	value ast.Node
}

// pairs reads a mapping whose keys are text, and reports duplicate keys. Keys reported as
// misspelt, which have no value because of it, are left out.
func (d *document) pairs(node ast.Node) []pair {
	return slices.DeleteFunc(d.allPairs(node), func(p pair) bool { return d.misspelt[p.key] })
}

func (d *document) allPairs(node ast.Node) []pair {
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		d.wrongType(node, text.New("keys and values"))
		return nil
	}
	var pairs []pair
	lines := map[string]int{}
	for _, value := range mapping.Values {
		at := d.spanOf(value.Key)
		key, ok := value.Key.(*ast.StringNode)
		if !ok {
			name := value.Key.GetToken().Value
			what := spreadsheetMistake(name)
			if what.IsZero() {
				what = text.New("The key %[1]s is not text; put it in quotes: \"%[1]s\".", name)
			}
			d.report(at, what)
			continue
		}
		if line, ok := lines[key.Value]; ok {
			d.report(at, text.New("The key %s is already in line %d; remove one.", key.Value, line))
			continue
		}
		lines[key.Value] = at.line
		pairs = append(pairs, pair{key.Value, key, value.Value})
	}
	return pairs
}

func isMapping(node ast.Node) bool {
	_, ok := node.(*ast.MappingNode)
	return ok
}

// section is a mapping with a fixed set of keys.
type section struct {
	*document
	keys  sectionValue
	pairs map[string]pair
	// unknown tells that a key was reported: it may be one that seems to be missing.
	unknown bool
}

// section reads a mapping of these keys. A missing key is reported at the place of owner,
// which is what the mapping belongs to.
func (d *document) section(at span, owner text.Text, node ast.Node, keys sectionValue) section {
	s := section{d, keys, map[string]pair{}, false}
	known := keys.names()
	if !isMapping(node) {
		d.wrongType(node, text.New("keys and values, with keys out of %s", strings.Join(known, ", ")))
		return s
	}
	meant := map[string]bool{}
	for _, pair := range d.allPairs(node) {
		if d.misspelt[pair.key] {
			s.unknown, meant[pair.name] = true, true
			continue
		}
		s.pairs[pair.name] = pair
		if !slices.Contains(known, pair.name) {
			what := explain(text.New("%s has no key %s; expected one of %s.", owner, pair.name, strings.Join(known, ", ")), pair.name, known)
			if _, null := pair.value.(*ast.NullNode); null && node.(*ast.MappingNode).IsFlowStyle {
				what = text.New("%s Within { }, a comma ends a text; put a text that contains one in quotes.", what)
			}
			d.report(d.spanOf(pair.key), what)
			s.unknown, meant[spelling.Closest(pair.name, known)] = true, true
		}
	}
	for _, key := range keys {
		if key.required && !s.has(key.name) && !meant[key.name] {
			d.report(at, text.New("%s lacks the key %s.", owner, key.name))
		}
	}
	return s
}

// section reads the section under a key; an empty one if the key is absent.
func (s section) section(key string) section {
	return s.sectionOf(key, s.defined(key).(sectionValue))
}

// sectionOf is section with other keys than defined.
func (s section) sectionOf(key string, keys sectionValue) section {
	if !s.has(key) {
		return section{s.document, keys, nil, false}
	}
	return s.document.section(s.keySpan(key), text.Literal(key), s.pairs[key].value, keys)
}

// defined is the definition of a key's value.
func (s section) defined(name string) value {
	key, _ := s.keys.find(name)
	return key.value
}

func (s section) has(key string) bool {
	return s.pairs[key].value != nil
}

func (s section) keySpan(key string) span {
	return s.spanOf(s.pairs[key].key)
}

func (s section) valueSpan(key string) span {
	return s.spanOf(s.pairs[key].value)
}

// wrongType reports a value of another type than the wanted one.
func (d *document) wrongType(node ast.Node, want text.Text) {
	if d.misspelt[node] {
		return
	}
	what := text.New("Found %s, expected %s.", describe(node), want)
	switch value := node.GetToken().Value; node.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		if spelling.IsScientific(value) {
			what = text.New("%s Write all digits, some of which Excel may have lost, such as %s.", what, spelling.AllDigits(value))
		}
	case *ast.StringNode:
		if meant := spelling.PlainText(value); meant != value {
			what = text.New("%s Use half-width characters: %s.", what, meant)
		}
	}
	d.report(d.spanOf(node), what)
}

// notText reports a value that is not text.
func (d *document) notText(node ast.Node) {
	if d.misspelt[node] {
		return
	}
	what := text.New("Found %s, expected text.", describe(node))
	switch value := node.GetToken().Value; node.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		if spelling.IsScientific(value) {
			what = text.New("%s Write all digits, some of which Excel may have lost, in quotes, such as \"%s\".", what, spelling.AllDigits(value))
		} else {
			what = text.New("%s Put it in quotes: \"%s\".", what, value)
		}
	}
	d.report(d.spanOf(node), what)
}

// describe says what a node is.
func describe(node ast.Node) text.Text {
	switch node := node.(type) {
	case *ast.StringNode:
		return text.New("the text \"%s\"", node.Value)
	case *ast.LiteralNode:
		return text.New("a block of text")
	case *ast.IntegerNode, *ast.FloatNode:
		return text.New("the number %s", node.GetToken().Value)
	case *ast.BoolNode:
		return text.New("the value %s", node.GetToken().Value)
	case *ast.NullNode:
		return text.New("nothing")
	case *ast.MappingNode:
		return text.New("keys and values")
	case *ast.SequenceNode:
		return text.New("a list")
	}
	// Anchors, aliases, tags, merge keys, .inf and .nan.
	return text.New("YAML that flow files do not use (%s)", node.GetToken().Value)
}

// textNode is a node's text, which may be empty; false if it is not text, which is reported.
func (d *document) textNode(node ast.Node) (string, bool) {
	switch node := node.(type) {
	case *ast.StringNode:
		return node.Value, true
	case *ast.LiteralNode:
		return node.Value.Value, true
	}
	d.notText(node)
	return "", false
}

// text is the text of a key; "" if it is absent or not text.
func (s section) text(key string) string {
	node := s.pairs[key].value
	if node == nil {
		return ""
	}
	value, ok := s.textNode(node)
	if ok && strings.TrimSpace(value) == "" {
		s.report(s.spanOf(node), text.New("%s is empty; expected text.", key))
	}
	return value
}

// oneOf is the text of a key that takes few values; the first is the default.
func (s section) oneOf(key string) string {
	values := s.defined(key).(choiceValue)
	node := s.pairs[key].value
	if node == nil {
		return values[0]
	}
	value, ok := s.textNode(node)
	if ok && !slices.Contains(values, value) {
		what := text.New("%s can't be %s; expected one of %s.", key, value, strings.Join(values, ", "))
		if meant := spelling.Closest(value, values); meant != "" {
			what = spelling.Suggest(text.New("%s can't be %s.", key, value), meant)
		}
		s.report(s.spanOf(node), what)
	}
	return value
}

func (s section) boolean(key string) bool {
	byDefault := bool(s.defined(key).(booleanValue))
	if !s.has(key) {
		return byDefault
	}
	return s.trueOrFalse(s.pairs[key].value, byDefault)
}

func (d *document) trueOrFalse(node ast.Node, byDefault bool) bool {
	if value, ok := node.(*ast.BoolNode); ok {
		return value.Value
	}
	d.wrongType(node, text.New("true or false"))
	return byDefault
}

func (s section) integer(key string) int {
	want := s.defined(key).(integerValue)
	node := s.pairs[key].value
	if node == nil {
		return want.byDefault
	}
	number, err := 0, error(nil)
	if integer, ok := node.(*ast.IntegerNode); ok {
		number, err = strconv.Atoi(integer.GetToken().Value)
	}
	if _, ok := node.(*ast.IntegerNode); !ok || err != nil || number < want.lowest || number > want.highest {
		expected := text.New("a whole number from %d to %d", want.lowest, want.highest)
		if want.lowest == want.highest {
			expected = text.New("the number %d", want.lowest)
		}
		s.wrongType(node, expected)
		return want.byDefault
	}
	return number
}

var durationText = regexp.MustCompile(durationPattern)

// duration is a key's duration, in whole seconds, as times on the wire have no finer grain.
func (s section) duration(key string) time.Duration {
	want := s.defined(key).(durationValue)
	node := s.pairs[key].value
	if node == nil {
		return want.byDefault
	}
	var duration time.Duration
	value, ok := node.(*ast.StringNode)
	if ok {
		var err error
		duration, err = time.ParseDuration(value.Value)
		ok = err == nil && durationText.MatchString(value.Value) && duration >= want.shortest && duration <= want.longest && duration%time.Second == 0
	}
	if !ok {
		s.wrongType(node, text.New("a duration of whole seconds (such as 6h, 10m, 90s) from %s to %s", plain(want.shortest), plain(want.longest)))
		return want.byDefault
	}
	return duration
}

// moment is a key's time, in Beijing time; zero if it is absent.
func (s section) moment(key string) time.Time {
	node := s.pairs[key].value
	if node == nil {
		return time.Time{}
	}
	if value, ok := node.(*ast.StringNode); ok {
		for _, layout := range []string{time.DateTime, time.DateOnly} {
			if t, err := time.ParseInLocation(layout, value.Value, beijing.Zone); err == nil {
				return t
			}
		}
	}
	s.wrongType(node, text.New("a time in Beijing time (such as \"2024-03-01 00:00:00\")"))
	return time.Time{}
}

// plain writes a duration without zero parts: 6h, not 6h0m0s.
func plain(d time.Duration) string {
	written := d.String()
	if strings.HasSuffix(written, "m0s") {
		written = strings.TrimSuffix(written, "0s")
	}
	if strings.HasSuffix(written, "h0m") {
		written = strings.TrimSuffix(written, "0m")
	}
	return written
}
