package flowfile

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// formula is a formula of a spreadsheet, or one of its error values.
var formula = regexp.MustCompile(`^(=.*|#N/A|#[A-Z0/]+[!?]|##+)$`)

// spreadsheetMistake says what a spreadsheet has made of a code; zero if it is unharmed.
func spreadsheetMistake(code string) text.Text {
	switch {
	case spelling.IsScientific(code):
		return text.New("%s is Excel's scientific notation, which may have lost digits; write all digits of the code, such as %s. In Excel, format the column as text, then enter the code again.", code, spelling.AllDigits(code))
	case formula.MatchString(code):
		return text.New("%s is a formula or an error value from Excel, not a code; enter the code itself.", code)
	}
	return text.Text{}
}

// spellingMistake says that a code begins or ends with a lookalike or a quote, so that
// no order's code would ever match it; zero if it does not. Brackets may be part of a
// shop's name. how says how to write a code that really is so.
func spellingMistake(code string, how text.Text) text.Text {
	first, _ := utf8.DecodeRuneInString(code)
	last, _ := utf8.DecodeLastRuneInString(code)
	meant := strings.Trim(spelling.PlainText(code), "\"'`,;:. ")
	switch {
	case isOddEnd(first) || spelling.IsQuote(first):
		return text.New("The code %s begins with %s, which becomes part of it; expected %s. %s", code, visible(first), meant, how)
	case isOddEnd(last):
		return text.New("The code %s ends with %s, which becomes part of it; expected %s. %s", code, visible(last), meant, how)
	}
	return text.Text{}
}

func isOddEnd(r rune) bool {
	return spelling.IsLookalike(r) && !strings.ContainsRune("（）［］｛｝【】「」『』", r)
}
