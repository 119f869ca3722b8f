// Package text is what people read. The code holds it in English; package text shows it
// in the language of the program, which [Use] sets once, when the program starts.
//
// The translations are the gettext files beside this one, one for each room of the code,
// for people to edit with any gettext editor; `go test ./internal/text -update` adds what
// is missing and takes out what nobody says any more. Tests require that each text has a
// translation, and that this one has the same arguments.
//
// [Sprintf] shows a text at once. A [Text] is shown whenever it is asked for: as a value
// of a variable that exists before the language is known, and when it travels from a
// worker to a starter, which may have another language.
package text

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Text is a format of package fmt in English, with its arguments. An argument that is
// itself a Text, or an error made of one, is shown in the same language.
type Text struct {
	format string
	args   []any
}

// New makes a text. The format is a constant, by which its translation is found.
func New(format string, args ...any) Text { return Text{format, args} }

// Literal is a text that is the same in every language: a vendor's own words, a name.
func Literal(words string) Text { return Text{"%s", []any{words}} }

// Sprintf shows a text.
func Sprintf(format string, args ...any) string { return New(format, args...).String() }

// Fprintf writes a text.
func Fprintf(w io.Writer, format string, args ...any) {
	// A terminal or a pipe that can't be written to has nobody to tell of it.
	_, _ = io.WriteString(w, Sprintf(format, args...))
}

// String shows the text in the language of the program.
func (t Text) String() string {
	return fmt.Sprintf(withoutWraps(translate(t.format)), t.args...)
}

// Join puts texts, errors and words one behind the other, with a separator between those
// that say something.
func Join(separator string, parts ...any) Text {
	var t Text
	for _, part := range parts {
		if fmt.Sprint(part) == "" {
			continue
		}
		if len(t.args) > 0 {
			t.format += strings.ReplaceAll(separator, "%", "%%")
		}
		t.format += "%s"
		t.args = append(t.args, part)
	}
	if len(t.args) == 1 {
		if only, ok := t.args[0].(Text); ok {
			return only
		}
	}
	return t
}

// Short is the text if it has at most so many characters, and otherwise their beginning,
// as it is shown here. It is as it is shown, too, where it would travel in over four bytes
// for each of so many characters.
func (t Text) Short(longest int) Text {
	shown := []rune(t.String())
	if len(shown) > longest {
		return Literal(string(shown[:longest]) + "…")
	}
	if raw, err := json.Marshal(t); err != nil || len(raw) > 4*longest {
		return Literal(string(shown))
	}
	return t
}

// IsZero tells a text that says nothing.
func (t Text) IsZero() bool { return t.format == "" }

// travelling is how a text goes from one program to another.
type travelling struct {
	// Text is how it was shown by who sent it; an argument has none of its own.
	Text   string `json:"text,omitempty"`
	Format string `json:"format"`
	// Args are words, or texts that travel.
	Args []any `json:"args,omitempty"`
}

// MarshalJSON gives a string for what is the same in every language. Anything else is an
// object with the text as it is shown here, the English format, and the arguments, each a
// string or an object of format and arguments.
func (t Text) MarshalJSON() ([]byte, error) {
	if words, ok := t.literal(); ok {
		return json.Marshal(words)
	}
	parts := t.parts()
	parts.Text = t.String()
	return json.Marshal(parts)
}

func (t Text) parts() travelling {
	parts := travelling{Format: t.format}
	for _, arg := range t.args {
		said, ok := argument(arg).(Text)
		switch words, literal := said.literal(); {
		case !ok:
			parts.Args = append(parts.Args, argument(arg))
		case literal:
			parts.Args = append(parts.Args, words)
		default:
			parts.Args = append(parts.Args, said.parts())
		}
	}
	return parts
}

// literal gives the words of a text that has no translation.
func (t Text) literal() (string, bool) {
	switch {
	case t.format == "":
		return "", true
	case t.format != "%s" || len(t.args) != 1:
		return "", false
	}
	words, ok := argument(t.args[0]).(string)
	return words, ok
}

// argument is a Text, or the words of anything else.
func argument(arg any) any {
	switch arg := arg.(type) {
	case Text:
		return arg
	case arrived:
		return arg.Text
	case error:
		return Of(arg)
	case interface{ AsText() Text }:
		return arg.AsText()
	}
	return fmt.Sprint(arg)
}

// UnmarshalJSON reads what MarshalJSON gave.
func (t *Text) UnmarshalJSON(raw []byte) error {
	var words string
	if json.Unmarshal(raw, &words) == nil {
		*t = Text{}
		if words != "" {
			*t = Literal(words)
		}
		return nil
	}
	var shown struct{ Text string }
	var parts struct {
		Format string
		Args   []Text
	}
	if err := json.Unmarshal(raw, &shown); err != nil {
		return err
	}
	err := json.Unmarshal(raw, &parts)
	if err == nil && !fits(parts.Format, len(parts.Args)) {
		err = fmt.Errorf("a text with other arguments: %s", raw)
	}
	if err != nil && shown.Text != "" {
		*t = Literal(shown.Text)
		return nil
	}
	if err != nil {
		return err
	}
	*t = Text{format: parts.Format}
	verbs := arguments(parts.Format)
	for i, arg := range parts.Args {
		words, literal := arg.literal()
		switch plain := slices.Contains([]string{"s", "v", "w"}, verbs[i+1]); {
		case plain && literal:
			t.args = append(t.args, words)
		case plain:
			t.args = append(t.args, arg)
		default:
			t.args = append(t.args, arrived{arg})
		}
	}
	return nil
}

// arrived is an argument that has travelled and is words now, where the verb asks for
// something else.
type arrived struct{ Text }

// Format shows the words; %q quotes them.
func (a arrived) Format(f fmt.State, verb rune) {
	words := a.String()
	if verb == 'q' {
		words = strconv.Quote(words)
	}
	_, _ = io.WriteString(f, words)
}

// Errorf makes an error of a text. As in package fmt, %w makes an argument one that
// errors.Is and errors.As find.
func Errorf(format string, args ...any) error {
	return &textError{New(format, args...), fmt.Errorf(format, args...)}
}

type textError struct {
	Text
	// english knows what it wraps.
	english error
}

func (e *textError) Error() string { return e.String() }

func (e *textError) Unwrap() error { return e.english }

// asText is how an error says that it is made of a text.
func (e *textError) AsText() Text { return e.Text }

// Of is the text of an error: of one that is made of one, and of one that has a method
// AsText. Of another it is its words, in the language of this program.
func Of(err error) Text {
	if err == nil {
		return Text{}
	}
	if made, ok := err.(interface{ AsText() Text }); ok {
		return made.AsText()
	}
	var made interface{ AsText() Text }
	if errors.As(err, &made) && made.AsText().String() == err.Error() {
		return made.AsText()
	}
	return Literal(err.Error())
}
