package catalog

// Link says how a line of a form's bills is linked to the line that it comes from.
type Link struct {
	// Form and Number are the line's fields for the form and the number of the source bill.
	Form   string `yaml:"form"`
	Number string `yaml:"number"`
	// Unit is the line's unit. Money and Quantities are its fields, besides the form's
	// Quantity and Price, that are shared out when the line is split.
	Unit       string   `yaml:"unit"`
	Money      []string `yaml:"money"`
	Quantities []string `yaml:"quantities"`
	// List is the group of links within the line. The fields below are its.
	List Place `yaml:"list"`
	// Rule is the conversion rule, Table the table of the source line, and Bill and Line are
	// the inner ids of the source bill and its line.
	Rule  string `yaml:"rule"`
	Table string `yaml:"table"`
	Bill  string `yaml:"bill"`
	Line  string `yaml:"line"`
	// Base take the quantity in the base unit.
	Base []string `yaml:"base"`
	// Constants are the same in every link.
	Constants map[string]string `yaml:"constants"`
	// Sources are the forms of the bills that lines can come from.
	Sources map[string]*LinkSource `yaml:"sources"`
}

// LinkSource is a form of source bills, with its fields as queries name them.
type LinkSource struct {
	// Rule is the conversion rule that comes with Kingdee, Table the table of the lines.
	Rule  string `yaml:"rule"`
	Table string `yaml:"table"`
	// Lines is the group of the bill's lines.
	Lines Place `yaml:"lines"`
	// Item and Unit are those of a line, Quantity is in that unit, Base in the base unit.
	Item     string `yaml:"item"`
	Unit     string `yaml:"unit"`
	Quantity string `yaml:"quantity"`
	Base     string `yaml:"base"`
	// Returned are the quantities that Kingdee writes back, in the line's unit; the largest
	// counts.
	Returned []string `yaml:"returned"`
}
