package flowfile

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"refundsync/internal/spelling"
)

// formula is what a spreadsheet keeps of a formula, or of what became of one.
var formula = regexp.MustCompile(`^(=.*|#N/A|#[A-Z0/]+[!?]|##+)$`)

// spreadsheetMistake says what a spreadsheet has made of a code; nil if it is one.
func spreadsheetMistake(code string) *message {
	var what message
	switch {
	case spelling.IsScientific(code):
		what = say("%[1]s 是 Excel 的科学计数法，数位可能已被舍去；应写出编码的全部数位，如 %[2]s。在 Excel 里请先把这一列设为“文本”，再重新填写。",
			"%[1]s is how Excel writes a number, and it may have cut digits off; expected all digits of the code, such as %[2]s. In Excel, format the column as text first and enter the code again.", code, spelling.AllDigits(code))
	case formula.MatchString(code):
		what = say("%[1]s 是 Excel 的公式或错误值，不是编码；请填写编码本身。", "%[1]s is a formula or an error of Excel's and no code; enter the code itself.", code)
	default:
		return nil
	}
	return &what
}

// spellingMistake says that a code begins or ends with a lookalike or a quote, by
// which no order's code would ever be found; nil if it does not. Brackets may be part
// of a shop's name. how says how to write a code that really is so.
func spellingMistake(code string, how message) *message {
	first, _ := utf8.DecodeRuneInString(code)
	last, _ := utf8.DecodeLastRuneInString(code)
	if !isOddEnd(first) && !isOddEnd(last) && !spelling.IsQuote(first) {
		return nil
	}
	odd, chinese, english := first, "开头", "begins"
	if !isOddEnd(first) && !spelling.IsQuote(first) {
		odd, chinese, english = last, "末尾", "ends"
	}
	found := visible(string(odd))
	what := say("编码 %[1]s 的%[2]s是%[3]s，它会成为编码的一部分；应为 %[4]s 。%[5]s", "The code %[1]s %[6]s with %[7]s, which becomes part of it; expected %[4]s. %[8]s",
		code, chinese, found.Chinese, strings.Trim(spelling.PlainText(code), "\"'`,;:. "), how.Chinese, english, found.English, how.English)
	return &what
}

func isOddEnd(r rune) bool {
	return spelling.IsLookalike(r) && !strings.ContainsRune("（）［］｛｝【】「」『』", r)
}
