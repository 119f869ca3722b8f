package text

import (
	"cmp"
	"embed"
	"os"
	"strings"
	"sync/atomic"

	"github.com/jeandeaual/go-locale"
	"github.com/leonelquinteros/gotext"
	"golang.org/x/text/language"
)

// Language is one of those that the program speaks.
type Language string

// The languages, as --lang and REFUNDSYNC_LANG name them.
const (
	English Language = "en"
	Chinese Language = "zh-CN"
)

// Variable is the environment variable that sets the language.
const Variable = "REFUNDSYNC_LANG"

//go:embed zh_CN/*.po
var files embed.FS

// translations are nil while the language is English.
var translations atomic.Pointer[map[string]string]

// Use sets the language of the program. It is called once, before anything is said.
func Use(l Language) {
	if l != Chinese {
		translations.Store(nil)
		return
	}
	translated := map[string]string{}
	for _, room := range must(files.ReadDir("zh_CN")) {
		for english, chinese := range readFile(must(files.ReadFile("zh_CN/" + room.Name()))) {
			translated[english] = chinese
		}
	}
	translations.Store(&translated)
}

// Current is the language of the program.
func Current() Language {
	if translations.Load() == nil {
		return English
	}
	return Chinese
}

// readFile gives the texts of a gettext file with their translations, which are empty
// where there is none.
func readFile(content []byte) map[string]string {
	po := gotext.NewPo()
	po.Parse(content)
	texts := map[string]string{}
	for english, translation := range po.GetDomain().GetTranslations() {
		if english != "" {
			texts[english] = translation.Trs[0]
		}
	}
	return texts
}

// must is for what is embedded.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func translate(format string) string {
	translated := translations.Load()
	if translated == nil {
		return format
	}
	return cmp.Or((*translated)[format], format)
}

// Choose gives the language that a person asked for: by a flag, which may be "", by
// [Variable], or else by the system's locale; English if none of them says. The error is
// about a name that is none of a language of the program.
func Choose(flag string) (Language, error) {
	for _, asked := range []string{flag, os.Getenv(Variable)} {
		if asked == "" {
			continue
		}
		if l, ok := match(asked); ok {
			return l, nil
		}
		return English, Errorf("this program does not speak %q: --lang and %s take %s and %s", asked, Variable, English, Chinese)
	}
	locales, err := locale.GetLocales()
	if err != nil || len(locales) == 0 {
		return English, nil
	}
	l, _ := match(locales[0])
	return l, nil
}

// Flag is the name of the flag that sets the language.
const Flag = "lang"

// UseAsked sets the language that the program's arguments, the environment or the system
// ask for. It comes before the arguments are parsed, because what parses them speaks as
// well. The error is that of [Choose].
func UseAsked(args []string) error {
	asked := ""
	for i, arg := range args {
		if arg == "--" {
			break
		}
		if value, ok := strings.CutPrefix(arg, "--"+Flag+"="); ok {
			asked = value
		} else if arg == "--"+Flag && i+1 < len(args) {
			asked = args[i+1]
		}
	}
	l, err := Choose(asked)
	Use(l)
	return err
}

// match finds the language of a locale, such as zh, zh-CN or zh_CN.UTF-8; English, false
// for one of another language.
func match(name string) (Language, bool) {
	name, _, _ = strings.Cut(name, ".")
	tag, err := language.Parse(strings.ReplaceAll(name, "_", "-"))
	if err != nil {
		return English, false
	}
	switch base, _ := tag.Base(); base.String() {
	case "zh":
		return Chinese, true
	case "en":
		return English, true
	}
	return English, false
}
