package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/setup"
	"refundsync/internal/text"
)

// Forms of base data.
const (
	organisationForm = "ORG_Organizations"
	billTypeForm     = "BOS_BillType"
	currencyForm     = "BD_Currency"
	unitForm         = "BD_UNIT"
)

// codeNames are what answers call the codes of a form; other forms go by their own names.
var codeNames = map[string]string{organisationForm: "organisation", billTypeForm: "bill_type", currencyForm: "currency", unitForm: "unit"}

// codeLabels are what people call the codes of a form.
var codeLabels = map[string]text.Text{
	organisationForm: text.New("Organisation"),
	billTypeForm:     text.New("Bill type"),
	currencyForm:     text.New("Currency"),
	unitForm:         text.New("Unit of items that have no other"),
}

// taxRate is the field of a line's tax rate in per cent, in the forms that have one.
const (
	taxRate     = "FEntryTaxRate"
	taxRateName = "tax_rate"
)

// setupConstant is a field whose constant is the merchant's own.
type setupConstant struct {
	field flow.SentField
	code  string // its name in the answers
	label text.Text
}

// codes asks for the codes that are the same in every bill.
func (s *setupRun) codes(ctx context.Context) error {
	forms := map[string]string{} // the template's code, by form
	var order []string
	note := func(form, code string) {
		if forms[form] == "" {
			forms[form], order = code, append(order, form)
		}
	}
	sent := s.flow.SentFields()
	for _, field := range sent {
		form := field.LookUp
		switch constant := field.Table == nil && !field.Open && len(field.Values) == 1; {
		case !constant || field.Type != catalog.Reference:
			continue
		// The owner of goods is the organisation.
		case field.LookUpBy != "" && field.Values[0] == forms[organisationForm]:
			form = organisationForm
		case form == "" || field.Values[0] != "" && field.Field.Values[field.Values[0]] != "" && form != billTypeForm:
			continue // a value of Kingdee's own
		}
		note(form, field.Values[0])
		s.constants = append(s.constants, setupConstant{field: field, code: codeName(form)})
	}
	for _, field := range sent {
		if field.Table != nil && field.LookUp == unitForm && field.Table.Default != "" {
			note(unitForm, field.Table.Default)
		}
	}
	for _, form := range order {
		if err := s.code(ctx, form, forms[form]); err != nil {
			return err
		}
	}
	return s.taxRate(ctx, sent)
}

func codeName(form string) string {
	if name := codeNames[form]; name != "" {
		return name
	}
	return form
}

// code asks for the code of a form, of which the template has one.
func (s *setupRun) code(ctx context.Context, form, usual string) error {
	name, entries := codeName(form), s.entries(ctx, form)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	fallback := ""
	for _, entry := range entries {
		if entry.Code == usual {
			fallback = usual
		}
	}
	if fallback == "" && len(entries) == 1 {
		fallback = entries[0].Code
	}
	label, ok := codeLabels[form]
	if !ok {
		label = text.Literal(form)
	}
	given, asked := s.answers.Codes[name], false
	for {
		i := slices.IndexFunc(entries, func(e setup.Entry) bool { return given != "" && (e.Code == given || e.Name == given) })
		switch {
		case i >= 0:
			given = entries[i].Code
			s.label(name, entries[i])
		case given != "" && len(entries) == 0:
			s.label(name, setup.Entry{Code: given})
		case given != "":
			say(s.out, "✗ "+text.Sprintf("%s has no %q that can be used.", form, given))
		}
		if given != "" && (i >= 0 || len(entries) == 0) {
			if !asked {
				say(s.out, "✓ "+label.String()+": "+given)
			}
			s.answers.SetCode(name, given)
			return s.save()
		}
		if s.ended && fallback == "" {
			return noAnswer(name)
		}
		prompt := ""
		if fallback != "" {
			prompt = "[" + fallback + "]"
		}
		answer, err := s.ask(ctx, text.Sprintf("%s (%s): %s", label, name, listOf(entries)), prompt, false)
		if err != nil {
			return err
		}
		given, asked = cmp.Or(answer, fallback), true
	}
}

// label notes what a constant's comment says.
func (s *setupRun) label(code string, entry setup.Entry) {
	for i := range s.constants {
		if s.constants[i].code == code {
			s.constants[i].label = text.Literal(s.constants[i].field.Chinese + ": " + strings.TrimSpace(entry.Name))
		}
	}
}

func listOf(entries []setup.Entry) string {
	var list []string
	for _, entry := range entries {
		list = append(list, entry.String())
	}
	return firstOf(list)
}

// entries lists the base data of a form that can be used. What can't be read is said, and
// gives none: any code is taken then.
func (s *setupRun) entries(ctx context.Context, form string) (entries []setup.Entry) {
	columns := []string{"FName", "FForbidStatus", "FDocumentStatus"}
	if form == billTypeForm {
		columns = append(columns, "FBillFormID")
	}
	var found []kingdee.Entry
	err := within(ctx, func(ctx context.Context) (err error) {
		found, _, err = s.ledger.Entries(ctx, kingdee.EntryQuery{FormID: form, Columns: columns})
		return err
	})
	if err != nil {
		s.warn(ctx, text.New("%s can't be listed: %v", form, err))
		return nil
	}
	for _, entry := range found {
		ofForm := entry["FBillFormID"]
		if form == billTypeForm && ofForm != "" && ofForm != s.flow.Form.Name || !usable(entry) {
			continue
		}
		entries = append(entries, setup.Entry{Code: entry[kingdee.NumberColumn], Name: entry["FName"]})
	}
	return entries
}

// usable reports whether an entry is neither forbidden nor a draft, as far as it shows.
func usable(entry kingdee.Entry) bool {
	forbidden, status := entry["FForbidStatus"], entry["FDocumentStatus"]
	return (forbidden == "" || forbidden == "A") && (status == "" || status == "C")
}

// taxRate asks for the tax rate, if it is the same in every line.
func (s *setupRun) taxRate(ctx context.Context, sent []flow.SentField) error {
	i := slices.IndexFunc(sent, func(f flow.SentField) bool { return f.Name == taxRate })
	if i < 0 || !strings.Contains(s.flow.Files[0].Text, taxRate+": { constant:") {
		return nil
	}
	given := s.answers.Codes[taxRateName]
	for {
		if rate, err := decimal.NewFromString(given); err == nil && !rate.IsNegative() && rate.LessThan(decimal.NewFromInt(100)) {
			s.constants = append(s.constants, setupConstant{field: sent[i], code: taxRateName, label: text.Literal(sent[i].Chinese)})
			s.answers.SetCode(taxRateName, given)
			return s.save()
		}
		if given != "" {
			say(s.out, "✗ "+text.Sprintf("%q is not a rate in per cent.", given))
		}
		if s.ended {
			return noAnswer(taxRateName)
		}
		var err error
		if given, err = s.ask(ctx, text.Sprintf("Tax rate in per cent (tax_rate), such as 13"), "", false); err != nil {
			return err
		}
	}
}
