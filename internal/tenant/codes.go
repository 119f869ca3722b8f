package tenant

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// Kinds of findings about a code.
const (
	// CodeUnknown: the base data has no such code.
	CodeUnknown Kind = "code_unknown"
	// CodeDisabled: it is forbidden (禁用).
	CodeDisabled Kind = "code_disabled"
	// CodeNotAudited: its 数据状态 is not 已审核.
	CodeNotAudited Kind = "code_not_audited"
	// CodeNotAllocated: the bill's organisation does not use it.
	CodeNotAllocated Kind = "code_not_allocated"
	// CodeOtherForm: it is a bill type of another form.
	CodeOtherForm Kind = "code_other_form"
	// CodeOtherCase: Kingdee writes it in another case.
	CodeOtherCase Kind = "code_other_case"
	// NotChecked: Kingdee can't be asked.
	NotChecked Kind = "not_checked"
)

// Columns of base data.
const (
	nameColumn          = "FName"
	assistantNameColumn = "FDataValue"
	forbidColumn        = "FForbidStatus"
	auditColumn         = "FDocumentStatus"
	billFormColumn      = "FBillFormID" // the form that a bill type is of
)

// The forms of base data with columns of their own.
const (
	billTypes      = "BOS_BillType"
	assistantData  = "BOS_ASSISTANTDATA_DETAIL"
	organisations  = "ORG_Organizations"
	ownerIsOurself = "BD_OwnerOrg"
)

// CodeSource is what CheckCodes needs of Kingdee: [*kingdee.Client].
type CodeSource interface {
	Entries(ctx context.Context, q kingdee.EntryQuery) (entries []kingdee.Entry, unknown []string, err error)
}

// CodeCheck is what Kingdee says of a flow's codes.
type CodeCheck struct {
	// Codes counts those that Kingdee was asked for, Fields the fields that send them.
	Codes, Fields int
	// Open names the fields whose codes, or some of them, only an order tells.
	Open     []string
	Findings []Finding
}

// CheckCodes asks Kingdee for the codes that are known without an order: whether they
// exist, are enabled and audited, and may be used by the bill's organisation. form tells
// which base data a field refers to; for a form that could not be read, the catalog does.
// What Kingdee can't be asked is a finding of its own.
func CheckCodes(ctx context.Context, source CodeSource, form kingdee.Form, f *flow.Flow) CodeCheck {
	c := &codes{form: form, flow: f, sent: f.SentFields(), of: map[string]*baseData{}, hidden: map[string][]string{}}
	for _, field := range c.sent {
		if field.Type == catalog.Reference {
			c.collect(field)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.of)) {
		c.ask(ctx, source, c.of[id])
	}
	for _, hidden := range []struct {
		column string
		what   text.Text
	}{
		{forbidColumn, text.New("It is not checked whether the codes of %s are disabled, because Kingdee does not show %s.", strings.Join(c.hidden[forbidColumn], ", "), forbidColumn)},
		{auditColumn, text.New("It is not checked whether the codes of %s are audited, because Kingdee does not show %s.", strings.Join(c.hidden[auditColumn], ", "), auditColumn)},
		{kingdee.OrganisationColumn, text.New("It is not checked whether the organisation may use the codes of %s, because Kingdee does not show %s.", strings.Join(c.hidden[kingdee.OrganisationColumn], ", "), kingdee.OrganisationColumn)},
	} {
		if len(c.hidden[hidden.column]) > 0 {
			c.find(NotChecked, "", false, hidden.what)
		}
	}
	return c.CodeCheck
}

// codes checks the codes of a flow.
type codes struct {
	CodeCheck
	form kingdee.Form
	flow *flow.Flow
	sent []flow.SentField
	of   map[string]*baseData // by form
	// hidden are the forms of which Kingdee does not show a column, by column.
	hidden map[string][]string
}

// baseData is what is asked of one form.
type baseData struct {
	form         string
	organisation string // that must use the codes; "" if that can't be asked
	codes        map[string]*code
	fields       map[string]bool
}

// names are those of the fields.
func (d *baseData) names() []string { return slices.Sorted(maps.Keys(d.fields)) }

// code is a code with the places that it is from, the first of which is a field.
type code struct {
	field  string
	places []any
}

func (c *codes) find(kind Kind, field string, sure bool, what text.Text) {
	c.Findings = append(c.Findings, Finding{kind, field, sure, what})
}

// collect notes the codes of a field for the form that they are of.
func (c *codes) collect(field flow.SentField) {
	name := nameOf(field.Name, field.Chinese)
	if field.Open {
		c.Open = append(c.Open, name)
	}
	if len(field.Values) == 0 {
		return
	}
	form := c.lookUp(field)
	switch {
	case !strings.EqualFold(field.ReferenceKey, kingdee.NumberColumn):
		c.find(NotChecked, field.Name, false, text.New("The codes of %s are not checked, because the field is sent by %s.", name, field.ReferenceKey))
		return
	case form == "":
		c.find(NotChecked, field.Name, false, text.New("The codes of %s are not checked, because it is not known which base data the field refers to.", name))
		return
	}
	of := c.of[form]
	if of == nil {
		of = &baseData{form: form, codes: map[string]*code{}, fields: map[string]bool{}}
		if by := c.flow.Form.Form.Users[form]; by != "" {
			if of.organisation = c.constant(by); of.organisation == "" {
				c.find(NotChecked, field.Name, false, text.New("It is not checked whether the organisation may use the codes of %s, because %s is not the same in every bill.", form, by))
			}
		}
		c.of[form] = of
	}
	of.fields[field.Name] = true
	for _, value := range field.Values {
		if of.codes[value] == nil {
			of.codes[value] = &code{field: field.Name}
		}
		of.codes[value].places = append(of.codes[value].places, placesOf(field, value)...)
	}
}

// constant is the one value of a field; "" if there are several, or none is known.
func (c *codes) constant(name string) string {
	i := slices.IndexFunc(c.sent, func(s flow.SentField) bool { return s.Name == name })
	if i < 0 || c.sent[i].Open || len(c.sent[i].Values) != 1 {
		return ""
	}
	return c.sent[i].Values[0]
}

// lookUp is the form of the base data that a field refers to; "" if it is not known.
func (c *codes) lookUp(field flow.SentField) string {
	form := field.LookUp
	part := c.form.Part(string(field.Place))
	if field.Place == catalog.Head {
		part = c.form.Head()
	}
	if part != nil {
		if told := part.Field(field.Name); told != nil && told.LookUp != "" {
			form = told.LookUp
		}
	}
	if field.LookUpBy != "" {
		form = c.constant(field.LookUpBy)
	}
	if form == ownerIsOurself {
		form = organisations
	}
	for known := range c.flow.Form.Form.Users {
		if strings.EqualFold(form, known) {
			return known
		}
	}
	return form
}

// placesOf says where a field has a value from.
func placesOf(field flow.SentField, value string) (places []any) {
	name := nameOf(field.Name, field.Chinese)
	if field.Table == nil {
		return []any{name}
	}
	var rows []string
	for row, of := range field.Table.Known() {
		if of == value {
			rows = append(rows, row)
		}
	}
	if slices.Sort(rows); len(rows) > 0 {
		places = append(places, text.New("%s: table %s, row %s of %s", name, field.Table.Name, shortList(rows), field.Table.Place()))
	}
	if field.Table.Default == value {
		places = append(places, text.New("%s: default of table %s", name, field.Table.Name))
	}
	return places
}

// ask asks Kingdee for the codes of one form.
func (c *codes) ask(ctx context.Context, source CodeSource, of *baseData) {
	columns := []string{nameColumn, forbidColumn, auditColumn}
	switch of.form {
	case billTypes:
		columns = append(columns, billFormColumn)
	case assistantData:
		columns[0] = assistantNameColumn
	}
	query := kingdee.EntryQuery{FormID: of.form, Columns: columns, Numbers: slices.Sorted(maps.Keys(of.codes))}
	if of.organisation != "" {
		query.Columns = append(columns, kingdee.OrganisationColumn)
		query.Organisations = []string{of.organisation}
	}
	entries, unknown, err := source.Entries(ctx, query)
	if err != nil {
		c.notAsked(of, err)
		return
	}
	query.Columns = slices.DeleteFunc(query.Columns, func(column string) bool { return slices.Contains(unknown, column) })
	if slices.Contains(unknown, kingdee.OrganisationColumn) {
		query.Organisations = nil
	}
	found := &answers{of: of, columns: query.Columns, here: byNumber(entries)}
	c.hide(of.form, unknown, entries)

	missing := slices.DeleteFunc(slices.Clone(query.Numbers), func(number string) bool { return len(found.entries(found.here, number)) > 0 })
	if len(missing) > 0 && query.Organisations != nil {
		elsewhere := query
		elsewhere.Numbers, elsewhere.Organisations = missing, nil
		if entries, _, err = source.Entries(ctx, elsewhere); err != nil {
			c.notAsked(of, err)
			return
		}
		found.elsewhere = byNumber(entries)
	}
	if slices.ContainsFunc(missing, func(number string) bool { return len(found.entries(found.elsewhere, number)) == 0 }) {
		near := query
		near.Numbers = nil
		// Without them nothing is suggested, which changes no other finding.
		found.near, _, err = source.Entries(ctx, near)
		if err == nil && len(found.near)+len(found.here)+len(found.elsewhere) == 0 {
			c.find(NotChecked, of.names()[0], false, text.New("Kingdee shows the integration user no entry of %s at all, so its codes (for %s) are not checked: give it the right to view them.",
				of.form, strings.Join(of.names(), ", ")))
			return
		}
	}
	c.Codes += len(of.codes)
	c.Fields += len(of.fields)
	for _, number := range query.Numbers {
		c.judge(found, number)
	}
}

func (c *codes) notAsked(of *baseData, err error) {
	c.find(NotChecked, of.names()[0], false, text.New("The codes of %s (for %s) are not checked: %s", of.form, strings.Join(of.names(), ", "), err))
}

// hide notes the columns that Kingdee does not show: the form has none such, or the user
// has no right to it.
func (c *codes) hide(form string, unknown []string, entries []kingdee.Entry) {
	for _, column := range []string{forbidColumn, auditColumn, kingdee.OrganisationColumn} {
		noRight := len(entries) > 0 && column != kingdee.OrganisationColumn && slices.ContainsFunc(entries, func(e kingdee.Entry) bool { return e[column] == "" })
		if noRight || slices.Contains(unknown, column) {
			c.hidden[column] = append(c.hidden[column], form)
		}
	}
}

// answers are what Kingdee says of the codes of one form.
type answers struct {
	of      *baseData
	columns []string
	// here are the entries of the organisation, or of all where that is not asked;
	// elsewhere those of others, for codes without one here.
	here, elsewhere map[string][]kingdee.Entry
	// near are entries of which one may have been meant.
	near []kingdee.Entry
}

// byNumber groups entries by their numbers in lower case: the database compares them so.
func byNumber(entries []kingdee.Entry) map[string][]kingdee.Entry {
	of := map[string][]kingdee.Entry{}
	for _, entry := range entries {
		number := strings.ToLower(entry[kingdee.NumberColumn])
		of[number] = append(of[number], entry)
	}
	return of
}

// entries are those of exactly a number or, without any, those that differ in case.
func (a *answers) entries(of map[string][]kingdee.Entry, number string) []kingdee.Entry {
	alike := of[strings.ToLower(number)]
	var exact []kingdee.Entry
	for _, entry := range alike {
		if entry[kingdee.NumberColumn] == number {
			exact = append(exact, entry)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	return alike
}

// judge finds what is wrong with a code.
func (c *codes) judge(a *answers, number string) {
	code := a.of.codes[number]
	form, places := a.of.form, text.Join("; ", code.places...)
	entries := a.entries(a.here, number)
	if len(entries) == 0 {
		others := a.entries(a.elsewhere, number)
		if len(others) == 0 {
			c.find(CodeUnknown, code.field, true, spelling.Suggest(
				text.New("Kingdee shows no %s in %s (%s): add and audit it there, let the integration user see it, or correct the code.", number, form, places), a.meant(number)))
			return
		}
		var using []string
		for _, entry := range others {
			using = append(using, entry[kingdee.OrganisationColumn])
		}
		slices.Sort(using)
		// Where the organisation has no entry of this form at all, all may share them.
		c.find(CodeNotAllocated, code.field, len(a.here) > 0, text.New(
			"%s of %s is not allocated (分配) to organisation %s, only to %s (%s): allocate it in Kingdee, or use another.",
			number, form, a.of.organisation, shortList(slices.Compact(using)), places))
		return
	}
	if written := entries[0][kingdee.NumberColumn]; written != number {
		c.find(CodeOtherCase, code.field, false, text.New("Kingdee writes %s of %s as %s (%s): write it alike.", number, form, written, places))
	}
	if slices.ContainsFunc(entries, func(e kingdee.Entry) bool { return stateOf(e) == "" }) {
		c.billType(a, number, entries)
		return
	}
	if stateOf(entries[0]) == CodeDisabled {
		c.find(CodeDisabled, code.field, true, text.New("%s of %s is disabled (禁用) in Kingdee (%s): enable it, or use another.", number, form, places))
		return
	}
	c.find(CodeNotAudited, code.field, true, text.New("%s of %s is not audited (数据状态 %s) in Kingdee (%s): audit it, or use another.", number, form, entries[0][auditColumn], places))
}

// stateOf is why an entry can't be used, as far as its columns tell; "" if it can.
func stateOf(entry kingdee.Entry) Kind {
	if status := entry[forbidColumn]; status != "" && status != "A" {
		return CodeDisabled
	}
	if status := entry[auditColumn]; status != "" && status != "C" {
		return CodeNotAudited
	}
	return ""
}

// billType checks that a bill type is one of the flow's form.
func (c *codes) billType(a *answers, number string, entries []kingdee.Entry) {
	if !slices.Contains(a.columns, billFormColumn) {
		return
	}
	for _, entry := range entries {
		if of := entry[billFormColumn]; of == "" || strings.EqualFold(of, c.flow.Call.FormId) {
			return
		}
	}
	code := a.of.codes[number]
	c.find(CodeOtherForm, code.field, false, text.New("%s is a bill type of %s, not of %s (%s): use one of that form.",
		number, entries[0][billFormColumn], c.flow.Call.FormId, text.Join("; ", code.places...)))
}

// meant is the usable number that may have been meant; "" if none comes close.
func (a *answers) meant(number string) string {
	var numbers []string
	for _, entry := range a.near {
		if stateOf(entry) != "" {
			continue
		}
		if cmp.Or(entry[nameColumn], entry[assistantNameColumn]) == number {
			return entry[kingdee.NumberColumn]
		}
		numbers = append(numbers, entry[kingdee.NumberColumn])
	}
	return spelling.Closest(number, numbers)
}
