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
)

// pair is one key of a mapping with its value.
type pair struct {
	name  string
	key   ast.Node
	value ast.Node
}

// pairs reads a mapping whose keys are text, and reports a key that stands twice. A
// key that was told to be misspelt, and has no value by that, is left out.
func (d *document) pairs(node ast.Node) []pair {
	return slices.DeleteFunc(d.allPairs(node), func(p pair) bool { return d.told[p.key] })
}

func (d *document) allPairs(node ast.Node) []pair {
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		d.wrongType(node, say("一组键和值", "keys with values"))
		return nil
	}
	var pairs []pair
	lines := map[string]int{}
	for _, value := range mapping.Values {
		at := d.spanOf(value.Key)
		key, ok := value.Key.(*ast.StringNode)
		if !ok {
			text := value.Key.GetToken().Value
			if what := spreadsheetMistake(text); what != nil {
				d.report(at, *what)
			} else {
				d.report(at, say("键 %[1]s 不是文本，应加引号：\"%[1]s\"。", "The key %[1]s is not text; put it in quotes: \"%[1]s\".", text))
			}
			continue
		}
		if line, ok := lines[key.Value]; ok {
			d.report(at, say("键 %s 重复，第 %d 行已有，只应写一次。", "The key %s stands twice; expected once, and it is in line %d already.", key.Value, line))
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

// section is a mapping of which every key is known beforehand.
type section struct {
	*document
	keys  sectionValue
	pairs map[string]pair
	// unknown tells that a key was reported: what seems to be missing may be it.
	unknown bool
}

// section reads a mapping of these keys. A missing key is reported at owner, the
// mapping's own key, under the name owned.
func (d *document) section(owner span, owned message, node ast.Node, keys sectionValue) section {
	s := section{d, keys, map[string]pair{}, false}
	known := keys.names()
	if !isMapping(node) {
		d.wrongType(node, say("一组键和值，键为 %[1]s", "keys with values, out of %[2]s", strings.Join(known, "、"), strings.Join(known, ", ")))
		return s
	}
	meant := map[string]bool{}
	for _, pair := range d.allPairs(node) {
		if d.told[pair.key] {
			s.unknown, meant[pair.name] = true, true
			continue
		}
		s.pairs[pair.name] = pair
		if !slices.Contains(known, pair.name) {
			what := say("%[2]s没有键 %[1]s，可用的键：%[3]s。", "%[4]s has no key %[1]s; expected one of %[5]s.",
				pair.name, owned.Chinese, strings.Join(known, "、"), owned.English, strings.Join(known, ", "))
			what, misplaced := belongs(what, pair.name)
			if !misplaced {
				what = what.Suggest(spelling.Closest(pair.name, known))
			}
			if _, null := pair.value.(*ast.NullNode); null && node.(*ast.MappingNode).IsFlowStyle {
				what.Chinese += "{ } 里的逗号会断开文本，含逗号的文本应加引号。"
				what.English += " Within { } a comma ends a text; one that holds a comma should be in quotes."
			}
			d.report(d.spanOf(pair.key), what)
			s.unknown, meant[spelling.Closest(pair.name, known)] = true, true
		}
	}
	for _, key := range keys {
		if key.required && !s.has(key.name) && !meant[key.name] {
			d.report(owner, say("%[1]s缺少键 %[2]s。", "%[3]s lacks the key %[2]s.", owned.Chinese, key.name, owned.English))
		}
	}
	return s
}

// section reads the section under a key; an empty one where the key is absent.
func (s section) section(key string) section {
	keys := s.defined(key).(sectionValue)
	if !s.has(key) {
		return section{s.document, keys, nil, false}
	}
	return s.document.section(s.keySpan(key), message{Chinese: " " + key + " ", English: key}, s.pairs[key].value, keys)
}

// defined gives the definition of a key's value.
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

func (d *document) wrongType(node ast.Node, want message) {
	if d.told[node] {
		return
	}
	found := describe(node)
	hint := message{}
	switch text := node.GetToken().Value; node.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		switch number := spelling.IsScientific(text); {
		case number && want == wantText:
			hint = say("请写出全部数位（Excel 可能已舍去一些）并加引号，如 \"%[1]s\"。", " Write all its digits, of which Excel may have cut some off, in quotes, such as \"%[1]s\".", spelling.AllDigits(text))
		case number:
			hint = say("请写出全部数位（Excel 可能已舍去一些），如 %[1]s。", " Write all its digits, of which Excel may have cut some off, such as %[1]s.", spelling.AllDigits(text))
		case want == wantText:
			hint = say("请加引号：\"%[1]s\"。", " Put it in quotes: \"%[1]s\".", text)
		}
	case *ast.StringNode:
		if meant := spelling.PlainText(text); meant != text {
			hint = say("全角字符应为半角：%[1]s。", " Write its full-width characters as plain ones: %[1]s.", meant)
		}
	}
	d.report(d.spanOf(node), message{
		Chinese: "这里是" + found.Chinese + "，应为" + want.Chinese + "。" + hint.Chinese,
		English: "Found " + found.English + ", expected " + want.English + "." + hint.English,
	})
}

// describe says what a node is.
func describe(node ast.Node) message {
	switch node := node.(type) {
	case *ast.StringNode:
		return say("文本“%[1]s”", "the text \"%[1]s\"", node.Value)
	case *ast.LiteralNode:
		return say("一段文本", "a block of text")
	case *ast.IntegerNode, *ast.FloatNode:
		return say("数字 %s", "the number %s", node.GetToken().Value)
	case *ast.BoolNode:
		return say(" %s", "%s", node.GetToken().Value)
	case *ast.NullNode:
		return say("空值", "nothing")
	case *ast.MappingNode:
		return say("一组键和值", "keys with values")
	case *ast.SequenceNode:
		return say("列表", "a list")
	}
	// Anchors, aliases, tags, merge keys, .inf and .nan.
	return say("流程文件不用的 YAML 写法 %s", "%s, which flow files do not use", node.GetToken().Value)
}

var wantText = say("文本", "text")

// textNode gives a node's text, which may be empty.
func (d *document) textNode(node ast.Node) (string, bool) {
	switch node := node.(type) {
	case *ast.StringNode:
		return node.Value, true
	case *ast.LiteralNode:
		return node.Value.Value, true
	}
	d.wrongType(node, wantText)
	return "", false
}

// text gives the text of a key; "" where it is absent, or reported as a mistake.
func (s section) text(key string) string {
	node := s.pairs[key].value
	if node == nil {
		return ""
	}
	text, ok := s.textNode(node)
	if ok && strings.TrimSpace(text) == "" {
		s.report(s.spanOf(node), say("%[1]s 是空的，应为文本。", "%[1]s is empty, expected text.", key))
	}
	return text
}

// oneOf gives the text of a key that takes few values; the first is the default.
func (s section) oneOf(key string) string {
	values := s.defined(key).(choiceValue)
	node := s.pairs[key].value
	if node == nil {
		return values[0]
	}
	text, ok := s.textNode(node)
	if ok && !slices.Contains(values, text) {
		s.report(s.spanOf(node), say("%[1]s 不能是 %[2]s，可用的值：%[3]s。", "%[1]s can't be %[2]s; expected one of %[4]s.",
			key, text, strings.Join(values, "、"), strings.Join(values, ", ")).Suggest(spelling.Closest(text, values)))
	}
	return text
}

func (s section) boolean(key string) bool {
	otherwise := bool(s.defined(key).(booleanValue))
	if !s.has(key) {
		return otherwise
	}
	return s.trueOrFalse(s.pairs[key].value, otherwise)
}

func (d *document) trueOrFalse(node ast.Node, otherwise bool) bool {
	if value, ok := node.(*ast.BoolNode); ok {
		return value.Value
	}
	d.wrongType(node, say(" true 或 false", "true or false"))
	return otherwise
}

func (s section) integer(key string) int {
	want := s.defined(key).(integerValue)
	node := s.pairs[key].value
	if node == nil {
		return want.otherwise
	}
	number, err := 0, error(nil)
	if integer, ok := node.(*ast.IntegerNode); ok {
		number, err = strconv.Atoi(integer.GetToken().Value)
	}
	if _, ok := node.(*ast.IntegerNode); !ok || err != nil || number < want.lowest || number > want.highest {
		expected := say(" %d 到 %d 的整数", "a whole number from %d to %d", want.lowest, want.highest)
		if want.lowest == want.highest {
			expected = say(" %d", "%d", want.lowest)
		}
		s.wrongType(node, expected)
		return want.otherwise
	}
	return number
}

var durationText = regexp.MustCompile(durationPattern)

// duration gives a key's duration, in whole seconds, because the times on the
// wire have no finer grain.
func (s section) duration(key string) time.Duration {
	want := s.defined(key).(durationValue)
	node := s.pairs[key].value
	if node == nil {
		return want.otherwise
	}
	var duration time.Duration
	text, ok := node.(*ast.StringNode)
	if ok {
		var err error
		duration, err = time.ParseDuration(text.Value)
		ok = err == nil && durationText.MatchString(text.Value) && duration >= want.shortest && duration <= want.longest && duration%time.Second == 0
	}
	if !ok {
		s.wrongType(node, say("整秒的时长（如 6h、10m、90s），从 %s 到 %s", "a duration of whole seconds (such as 6h, 10m, 90s) from %s to %s", plain(want.shortest), plain(want.longest)))
		return want.otherwise
	}
	return duration
}

// moment gives a key's time, in Beijing time; zero where it is absent.
func (s section) moment(key string) time.Time {
	node := s.pairs[key].value
	if node == nil {
		return time.Time{}
	}
	if text, ok := node.(*ast.StringNode); ok {
		for _, layout := range []string{time.DateTime, time.DateOnly} {
			if t, err := time.ParseInLocation(layout, text.Value, beijing.Zone); err == nil {
				return t
			}
		}
	}
	s.wrongType(node, say("北京时间（如 \"2024-03-01 00:00:00\"）", "a time in Beijing time (such as \"2024-03-01 00:00:00\")"))
	return time.Time{}
}

// plain writes a duration without parts that are nought: 6h, not 6h0m0s.
func plain(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
