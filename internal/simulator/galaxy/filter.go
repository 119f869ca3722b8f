package galaxy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// condition is a filter, or a part of one.
type condition struct {
	holds func(b *bill, entry int) bool
	// entries says that it concerns entry fields.
	entries bool
	// named says that only bills of these numbers can meet it.
	named   bool
	numbers []string
}

// unknownColumn is a name in a filter that is not a field.
type unknownColumn string

func (u unknownColumn) Error() string { return "unknown field " + string(u) }

// parseFilter reads a FilterString: comparisons (= <> != < <= > >=), in, like, between,
// each also negated with not, and combined by and, or, not and parentheses. A quote
// inside a text is doubled.
func parseFilter(filter string, columns columns) (condition, error) {
	tokens, err := scanFilter(filter)
	if err != nil {
		return condition{}, err
	}
	if len(tokens) == 0 {
		return condition{holds: func(*bill, int) bool { return true }}, nil
	}
	p := &filterParser{columns: columns, tokens: tokens}
	c, err := p.or()
	if err != nil {
		return condition{}, err
	}
	if len(p.tokens) > 0 {
		return condition{}, fmt.Errorf("“%s”附近有语法错误", p.tokens[0].text)
	}
	return c, nil
}

// filterParser consumes tokens from the front.
type filterParser struct {
	columns columns
	tokens  []token
}

// keywords can't be names of fields.
var keywords = map[string]bool{"and": true, "or": true, "not": true, "in": true, "like": true, "between": true}

// take consumes the next token if it is one of the words or signs.
func (p *filterParser) take(words ...string) (string, bool) {
	if len(p.tokens) == 0 || p.tokens[0].kind == literalToken {
		return "", false
	}
	word := strings.ToLower(p.tokens[0].text)
	if !slices.Contains(words, word) {
		return "", false
	}
	p.tokens = p.tokens[1:]
	return word, true
}

func (p *filterParser) expect(word string) error {
	if _, ok := p.take(word); !ok {
		return fmt.Errorf("缺少“%s”", word)
	}
	return nil
}

func (p *filterParser) or() (condition, error) {
	left, err := p.and()
	for err == nil {
		if _, ok := p.take("or"); !ok {
			return left, nil
		}
		var right condition
		right, err = p.and()
		left = either(left, right)
	}
	return condition{}, err
}

func (p *filterParser) and() (condition, error) {
	left, err := p.not()
	for err == nil {
		if _, ok := p.take("and"); !ok {
			return left, nil
		}
		var right condition
		right, err = p.not()
		left = both(left, right)
	}
	return condition{}, err
}

func (p *filterParser) not() (condition, error) {
	if _, ok := p.take("not"); ok {
		c, err := p.not()
		return negated(c), err
	}
	if _, ok := p.take("("); ok {
		c, err := p.or()
		if err != nil {
			return condition{}, err
		}
		return c, p.expect(")")
	}
	return p.comparison()
}

func (p *filterParser) comparison() (condition, error) {
	if len(p.tokens) == 0 || p.tokens[0].kind != nameToken || keywords[strings.ToLower(p.tokens[0].text)] {
		return condition{}, fmt.Errorf("缺少字段名")
	}
	name := p.tokens[0].text
	p.tokens = p.tokens[1:]
	column, ok := p.columns(name)
	if !ok {
		return condition{}, unknownColumn(name)
	}
	_, not := p.take("not")
	operator, ok := p.take("=", "<>", "!=", "<", "<=", ">", ">=", "in", "like", "between")
	if !ok {
		return condition{}, fmt.Errorf("字段“%s”后缺少比较符", name)
	}
	c, err := p.compare(column, operator)
	if err == nil && not {
		c = negated(c)
	}
	return c, err
}

func (p *filterParser) compare(c column, operator string) (condition, error) {
	switch operator {
	case "in":
		return p.in(c)
	case "like":
		return p.like(c)
	case "between":
		low, err := p.literal(c)
		if err != nil {
			return condition{}, err
		}
		if err := p.expect("and"); err != nil {
			return condition{}, err
		}
		high, err := p.literal(c)
		return c.where(func(value string) bool { return c.compare(value, low) >= 0 && c.compare(value, high) <= 0 }), err
	}
	literal, err := p.literal(c)
	if err != nil {
		return condition{}, err
	}
	if operator == "=" {
		return c.among([]string{literal}), nil
	}
	return c.where(func(value string) bool {
		order := c.compare(value, literal)
		switch operator {
		case "<":
			return order < 0
		case "<=":
			return order <= 0
		case ">":
			return order > 0
		case ">=":
			return order >= 0
		default:
			return order != 0
		}
	}), nil
}

func (p *filterParser) in(c column) (condition, error) {
	if err := p.expect("("); err != nil {
		return condition{}, err
	}
	var literals []string
	for {
		literal, err := p.literal(c)
		if err != nil {
			return condition{}, err
		}
		literals = append(literals, literal)
		if _, ok := p.take(","); !ok {
			return c.among(literals), p.expect(")")
		}
	}
}

// like reads an SQL pattern: % is any text, _ any character, [ab] one of a set, [^ab]
// none of it.
func (p *filterParser) like(c column) (condition, error) {
	if len(p.tokens) == 0 || p.tokens[0].kind != literalToken {
		return condition{}, fmt.Errorf("like后缺少文本")
	}
	pattern := regexp.QuoteMeta(p.tokens[0].text)
	p.tokens = p.tokens[1:]
	pattern = sets.ReplaceAllString(pattern, "[$1]")
	pattern = strings.NewReplacer("[%]", "%", "[_]", "_", "%", ".*", "_", ".", `[\^`, "[^").Replace(pattern)
	matches, err := regexp.Compile("(?s)^" + pattern + "$")
	if err != nil {
		return condition{}, fmt.Errorf("like的模式不正确")
	}
	return c.where(matches.MatchString), nil
}

// sets finds the sets in brackets after the pattern was quoted.
var sets = regexp.MustCompile(`\\\[(.+?)\\\]`)

func (p *filterParser) literal(c column) (string, error) {
	if len(p.tokens) == 0 || p.tokens[0].kind != literalToken {
		return "", fmt.Errorf("缺少比较值")
	}
	literal := p.tokens[0].text
	p.tokens = p.tokens[1:]
	value, ok := c.canonical(literal)
	if !ok {
		return "", fmt.Errorf("字段“%s”不能与“%s”比较", c.field.name, literal)
	}
	return value, nil
}

// where is the condition that a column's value meets a test.
func (c column) where(meets func(value string) bool) condition {
	return condition{
		entries: c.ofEntry(),
		holds: func(b *bill, entry int) bool {
			if c.field.kind == isReference && !c.number {
				return meets(fmt.Sprint(c.base.id(c.field.set, c.value(b, entry))))
			}
			return meets(c.value(b, entry))
		},
	}
}

// among is the condition that a column's value is in a list.
func (c column) among(list []string) condition {
	condition := c.where(func(value string) bool {
		return slices.ContainsFunc(list, func(literal string) bool { return c.compare(value, literal) == 0 })
	})
	if c.field.billNo {
		listed := make(map[string]bool, len(list))
		for _, number := range list {
			listed[number] = true
		}
		condition = c.where(func(number string) bool { return listed[number] })
		condition.named, condition.numbers = true, list
	}
	return condition
}

func both(a, b condition) condition {
	c := condition{
		holds:   func(bill *bill, entry int) bool { return a.holds(bill, entry) && b.holds(bill, entry) },
		entries: a.entries || b.entries,
		named:   a.named || b.named,
		numbers: a.numbers,
	}
	if !a.named {
		c.numbers = b.numbers
	}
	return c
}

func either(a, b condition) condition {
	return condition{
		holds:   func(bill *bill, entry int) bool { return a.holds(bill, entry) || b.holds(bill, entry) },
		entries: a.entries || b.entries,
		named:   a.named && b.named,
		numbers: append(slices.Clone(a.numbers), b.numbers...),
	}
}

func negated(a condition) condition {
	return condition{
		holds:   func(bill *bill, entry int) bool { return !a.holds(bill, entry) },
		entries: a.entries,
	}
}
