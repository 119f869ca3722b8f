package spelling

import (
	"regexp"

	"github.com/shopspring/decimal"
)

// scientific is how a spreadsheet writes a long number, losing digits.
var scientific = regexp.MustCompile(`^[+-]?[0-9](\.[0-9]+)?[Ee][+-][0-9]{2}$`)

// IsScientific tells whether a number is in the scientific notation of spreadsheets.
func IsScientific(number string) bool { return scientific.MatchString(number) }

// AllDigits writes such a number in full.
func AllDigits(number string) string {
	value, err := decimal.NewFromString(number)
	if err != nil {
		return number
	}
	return value.String()
}
