package flowfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"refundsync/internal/catalog"
	"refundsync/internal/text"
)

// skeletonWriter writes what a flow of two interfaces begins with.
type skeletonWriter struct {
	Skeleton
	source, form *catalog.Interface
	strings.Builder
}

// Codes that stand for the merchant's own until these are filled in.
const (
	sampleShop         = "10001"
	sampleShopName     = "我的店铺"
	sampleCustomer     = "CUST0001"
	sampleWarehouse    = "20001"
	sampleStock        = "CK001"
	sampleOrganisation = "100"
	sampleKey          = "700000001"
	sampleTime         = "2024-03-03 10:20:30"
)

// line writes a line, with a comment behind it unless that is "".
func (w *skeletonWriter) line(indent int, code, comment string) {
	w.WriteString(strings.Repeat("  ", indent) + code)
	if comment != "" {
		if code != "" {
			w.WriteString(" ")
		}
		w.WriteString("# " + comment)
	}
	w.WriteString("\n")
}

// comment writes lines of comment alone.
func (w *skeletonWriter) comment(indent int, said string) {
	for line := range strings.Lines(said) {
		w.line(indent, "", strings.TrimSpace(line))
	}
}

// toFillMark is at the end of a line that the merchant has to fill in.
const toFillMark = "←"

// toFill marks what the merchant has to fill in.
func toFill(about string) string { return strings.TrimSpace(about + " " + toFillMark) }

// labelOf is a field's label in the language of the program.
func labelOf(field catalog.Field) string { return named(field.Chinese, field.English) }

func named(chinese, english string) string {
	if text.Current() == text.Chinese {
		return chinese
	}
	return chinese + ", " + english
}

func (w *skeletonWriter) labelIn(of *catalog.Interface, place catalog.Place, name string) string {
	field, _ := of.Find(place, name)
	return labelOf(field)
}

func (w *skeletonWriter) flowFile() string {
	w.Reset()
	source := w.source.Source
	w.line(0, "", "yaml-language-server: $schema="+schemaFile)
	w.comment(0, text.Sprintf("Replace what is marked with ←, then: starter flow check, starter flow test,\nstarter preview --flow %s --file ORDER.json\ndocs/flow-file.md says what each part is for.", w.Name))
	w.line(0, "", "")
	w.line(0, "version: 1", "")
	w.line(0, "name: "+w.Name, text.Sprintf("part of workflow ids; don't change it once the flow has run"))
	w.line(0, "title: "+w.Title, "")
	w.line(0, "", "")
	w.line(0, "source:", "")
	w.line(1, "method: "+w.source.Name, named(w.source.Chinese, w.source.English))
	w.line(1, "parameters:", "")
	for _, name := range []string{"page_index", "page_size", source.From, source.To, "date_type"} {
		field, ok := w.source.Find(catalog.Request, name)
		value := placeholder(name)
		switch name {
		case "page_size":
			value = fmt.Sprint(source.LargestPage)
		case "date_type":
			value = "0"
		}
		if ok {
			w.line(2, fmt.Sprintf("%s: %q", name, value), labelOf(field))
		}
	}
	if len(source.Widening) > 0 {
		w.comment(2, text.Sprintf("To read more orders:"))
	}
	for _, name := range source.Widening {
		w.comment(2, fmt.Sprintf("%s: \"true\" # %s", name, w.labelIn(w.source, catalog.Request, name)))
	}
	w.line(1, "key: "+source.Key, w.labelIn(w.source, catalog.Header, source.Key))
	w.tablesPart()
	w.billPart()
	w.line(0, "", "")
	w.line(0, "options:", "")
	w.line(1, "existing: report", text.Sprintf("what happens to a bill whose order has changed since; or update"))
	w.line(1, "submit_and_audit: none", text.Sprintf("saved only; or kingdee, explicit"))
	w.checksPart()
	return w.String()
}

// shop is a code of a shop: its name, or its number where there is no name.
func (w *skeletonWriter) shop() string {
	if strings.HasSuffix(w.source.Source.Shop, "_name") {
		return sampleShopName
	}
	return sampleShop
}

func (w *skeletonWriter) tablesPart() {
	source, form := w.source.Source, w.form.Form
	w.line(0, "", "")
	w.comment(0, text.Sprintf("Codes of Jushuitan to codes of Kingdee. An order with a code that is missing here is\nparked, with the line to add."))
	w.line(0, "tables:", "")
	w.line(1, "customers:", text.Sprintf("by %s", source.Shop))
	w.line(2, "values:", "")
	w.line(3, fmt.Sprintf("%q: %q", w.shop(), sampleCustomer), toFill(text.Sprintf("your shops, and their customers in Kingdee")))
	if form.Stock != "" {
		w.line(1, "warehouses:", text.Sprintf("by %s", source.Stock))
		w.line(2, "values:", "")
		w.line(3, fmt.Sprintf("%q: %q", sampleWarehouse, sampleStock), toFill(text.Sprintf("your warehouses")))
	}
}

func (w *skeletonWriter) billPart() {
	w.line(0, "", "")
	w.line(0, "bill:", "")
	w.line(1, "FormId: "+w.form.Name, named(w.form.Chinese, w.form.English))
	w.line(1, "Operation: batchSave", "")
	if w.form.Form.Money() {
		w.line(1, "one_line: true", text.Sprintf("the money of the whole order"))
	} else {
		w.comment(1, text.Sprintf("Which of the order's lines become lines of the bill."))
		w.line(1, fmt.Sprintf("lines: item.%s > 0", w.moved()), toFill(""))
	}
	w.line(1, "fields:", text.Sprintf("those that Kingdee requires, and a few more"))
	w.fields(2, catalog.Head)
}

// ofOrder reports whether the bill is about the money that the order itself has.
func (w *skeletonWriter) ofOrder() bool { return w.form.Form.Money() && w.source.Source.Total != "" }

// moved is the field of a line that says how much the bill is about: pieces, or money in a
// form without them.
func (w *skeletonWriter) moved() string {
	if w.form.Form.Money() {
		return w.source.Source.Amount
	}
	if received := w.source.Source.Received; received != "" {
		return received
	}
	return w.source.Source.Quantity
}

// fields writes the fields of a part of the bill that are required or have a meaning of
// their own.
func (w *skeletonWriter) fields(indent int, place catalog.Place) {
	form := w.form.Form
	roles := []string{form.Number, form.Date, form.Note, form.BillType, form.Organisation, form.Customer}
	if place == form.Lines {
		roles = []string{form.Item, form.Quantity, form.Price, form.Stock}
		if form.Price == "" { // Kingdee does not compute the amount
			roles = append(roles, form.Amount)
		}
	}
	inRoles := place == catalog.Head || place == form.Lines
	for _, field := range w.form.Fields[place] {
		if !field.Required && !(inRoles && slices.Contains(roles, field.Name)) {
			continue
		}
		if within := catalog.Place(field.Name); len(w.form.Fields[within]) > 0 {
			w.line(indent, field.Name+":", labelOf(field))
			w.fields(indent+1, within)
			continue
		}
		mapping, fill := w.mappingOf(place, field)
		about := labelOf(field)
		if fill {
			about = toFill(about)
		}
		w.line(indent, field.Name+": { "+mapping+" }", about)
	}
}

// mappingOf is how a field gets its value, and whether the merchant has to fill it in.
func (w *skeletonWriter) mappingOf(place catalog.Place, field catalog.Field) (mapping string, fill bool) {
	source, form := w.source.Source, w.form.Form
	inHead, inLines := place == catalog.Head, place == form.Lines
	constant := func(value string) string { return fmt.Sprintf("constant: %q", value) }
	switch name := field.Name; {
	case inHead && name == form.Number:
		return "field: " + source.Key, false
	case inHead && name == form.Note:
		return fmt.Sprintf("expression: '%q + %s'", w.noun()+" ", source.Key), false
	case inLines && name == form.Quantity:
		return "field: item." + w.moved(), false
	case inLines && name == form.Price:
		return fmt.Sprintf("expression: \"round(item.%s / item.%s, 6)\", required: true", source.Amount, source.Quantity), true
	case inLines && form.Money() && field.Type == catalog.Decimal:
		if w.ofOrder() {
			return "field: " + source.Total, true
		}
		return fmt.Sprintf("expression: \"sum(map(items, .%s))\"", source.Amount), true
	case inLines && name == form.Stock:
		return "field: " + source.Stock + ", table: warehouses", false
	case inLines && name == form.Item && !form.Money():
		return "field: item." + source.Item, true
	case field.LookUp == "BD_Customer", inHead && name == form.Customer:
		return "field: " + source.Shop + ", table: customers", false
	case field.LookUp == "ORG_Organizations":
		return constant(sampleOrganisation), true
	case field.LookUp == "BD_Currency":
		return constant("PRE001"), true // the renminbi
	case field.Type == catalog.Date:
		return fmt.Sprintf("expression: %q, required: true", w.day()), true
	case field.Type == catalog.Decimal, field.Type == catalog.Integer:
		return "constant: 1", true
	case field.Type == catalog.Bool:
		return "constant: false", true
	case len(field.Values) > 0:
		return constant(slices.Sorted(maps.Keys(field.Values))[0]), true
	}
	return constant("CODE"), true
}

// day is the last time of the order that is known of it.
func (w *skeletonWriter) day() string {
	source := w.source.Source
	times := slices.Sorted(maps.Keys(source.Times))
	if last := source.Times[times[len(times)-1]]; last != source.Modified {
		return "coalesce(" + last + ", " + source.Modified + ")"
	}
	return source.Modified
}

func (w *skeletonWriter) noun() string {
	if text.Current() == text.Chinese {
		return "聚水潭" + w.source.Source.Noun.Chinese
	}
	return w.source.Source.Noun.English
}

func (w *skeletonWriter) checksPart() {
	source := w.source.Source
	w.line(0, "", "")
	w.line(0, "checks:", "")
	w.comment(1, text.Sprintf("The first of these that holds leaves an order out, and counts it under its reason."))
	w.line(1, "leave_out:", "")
	values := make([]string, len(source.Withdrawn.Values))
	for i, value := range source.Withdrawn.Values {
		values[i] = fmt.Sprintf("%q", value)
	}
	w.line(2, fmt.Sprintf("- when: %s in [%s]", source.Withdrawn.Field, strings.Join(values, ", ")), "")
	w.line(3, "reason: "+text.Sprintf("not in force"), "")
	zero := fmt.Sprintf("len(items) > 0 and all(items, has(.%[1]s) and .%[1]s == 0)", w.moved())
	needed, there, missing := w.moved(), "item."+w.moved(), text.Sprintf("a line has no %s", w.moved())
	if w.ofOrder() {
		zero = fmt.Sprintf("has(%[1]s) and %[1]s == 0", source.Total)
		needed, there, missing = source.Total, source.Total, text.Sprintf("the order has no %s", source.Total)
	}
	w.line(2, "- when: "+zero, "")
	w.line(3, "reason: "+text.Sprintf("nothing to book"), "")
	w.comment(1, text.Sprintf("What must hold, or the order is parked under the reason."))
	w.line(1, "require:", "")
	w.line(2, fmt.Sprintf("- that: has(%s)", there), "")
	w.line(3, "reason: "+needed+"_missing", "")
	w.line(3, "message: "+missing, "")
	w.line(3, "advice: "+text.Sprintf("Enter it in Jushuitan and retry."), "")
	w.comment(1, text.Sprintf("Without a schedule the flow runs by hand only:"))
	w.comment(1, "schedule: { cron: \"*/10 * * * *\" }")
}

func (w *skeletonWriter) example() string {
	w.Reset()
	source, form := w.source.Source, w.form.Form
	w.line(0, "about: "+text.Sprintf("an order with one line is booked"), "")
	w.line(0, "order:", toFill(text.Sprintf("one of your orders; JSON as in Jushuitan's reply will do")))
	for _, field := range [][2]string{
		{source.Key, sampleKey}, {source.Withdrawn.Field, "Confirmed"}, {source.Shop, w.shop()}, {source.Stock, sampleWarehouse}, {source.Modified, sampleTime},
	} {
		w.line(1, fmt.Sprintf("%s: %q", field[0], field[1]), "")
	}
	if w.ofOrder() {
		w.line(1, source.Total+": 150", "")
	}
	w.line(1, "items:", "")
	line := fmt.Sprintf("%s: \"1\", %s: A, %s: 2, %s: 150", source.LineKey, source.Item, source.Quantity, source.Amount)
	if source.Received != "" {
		line += fmt.Sprintf(", %s: 2", source.Received)
	}
	w.line(2, "- { "+line+" }", "")
	w.line(0, "bill:", text.Sprintf("what should become of it; or left_out: the reason, or parked: the reason"))
	w.line(1, fmt.Sprintf("%s: %q", form.Number, sampleKey), "")
	w.line(1, fmt.Sprintf("%s: %q", form.Date, sampleTime[:len("2006-01-02")]), "")
	w.line(1, fmt.Sprintf("%s: %s", form.Customer, sampleCustomer), "")
	w.line(1, string(form.Lines)+":", "")
	booked := fmt.Sprintf("%s: 150", form.Amount)
	if !form.Money() {
		booked = fmt.Sprintf("%s: A, %s: 2, %s: 75, %s: %s", form.Item, form.Quantity, form.Price, form.Stock, sampleStock)
	}
	w.line(2, "- { "+booked+" }", "")
	return w.String()
}
