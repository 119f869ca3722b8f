// Package bilingual says things in Chinese and in English.
package bilingual

import "fmt"

// Text says one thing in both languages.
type Text struct{ Chinese, English string }

// Say fills the same arguments into both languages' texts; explicit indexes,
// such as %[2]s, pick those that a language needs.
func Say(chinese, english string, args ...any) Text {
	if len(args) == 0 {
		return Text{chinese, english}
	}
	return Text{fmt.Sprintf(chinese, args...), fmt.Sprintf(english, args...)}
}

// Suggest adds the name that was meant; "" adds nothing.
func (t Text) Suggest(name string) Text {
	if name == "" {
		return t
	}
	return Text{t.Chinese + "您是不是想写 " + name + "？", t.English + " Did you mean " + name + "?"}
}
