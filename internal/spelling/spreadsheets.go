package spelling

import (
	"regexp"

	"github.com/shopspring/decimal"
)

// A spreadsheet writes a long number its own way, and cuts digits off as it does.
var scientific = regexp.MustCompile(`^[+-]?[0-9](\.[0-9]+)?[Ee][+-][0-9]{2}$`)

// IsScientific tells whether a spreadsheet wrote a number.
func IsScientific(number string) bool { return scientific.MatchString(number) }

// AllDigits writes the number of a spreadsheet in full.
func AllDigits(number string) string {
	value, err := decimal.NewFromString(number)
	if err != nil {
		return number
	}
	return value.String()
}
