package galaxy

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
)

// Habits are what a tenant's own settings, rules and plug-ins do to bills.
type Habits struct {
	// Renumber numbers new bills by a coding rule (编码规则), whatever was sent.
	Renumber bool `json:"renumber,omitempty"`
	// UpperCaseNumbers upper-cases the number of a new bill, and NumberLength truncates
	// it; 0 is no limit.
	UpperCaseNumbers bool `json:"upper_case_numbers,omitempty"`
	NumberLength     int  `json:"number_length,omitempty"`
	// CleanNotes removes brackets and other signs from the note of a new bill.
	CleanNotes bool `json:"clean_notes,omitempty"`
	// RoundPrices rounds prices to whole units.
	RoundPrices bool `json:"round_prices,omitempty"`
	// HideBills is a data rule that hides all bills from the user.
	HideBills bool `json:"hide_bills,omitempty"`
	// NoRight are fields, such as FBillNo, that the user may not see: their cells are
	// null.
	NoRight []string `json:"no_right,omitempty"`
	// NoFormRight denies the user the form's metadata.
	NoFormRight bool `json:"no_form_right,omitempty"`
	// Form is how the form's metadata differs from this simulator's form, by field name.
	Form map[string]FieldHabit `json:"form,omitempty"`
}

// FieldHabit is how the metadata of one field differs.
type FieldHabit struct {
	// Gone removes the field. A field that the form does not have is added to Part, such
	// as FBillHead.
	Gone bool   `json:"gone,omitempty"`
	Part string `json:"part,omitempty"`
	// Required, LookUp and Values replace the field's own if set.
	Required *bool    `json:"required,omitempty"`
	LookUp   *string  `json:"look_up,omitempty"`
	Values   []string `json:"values,omitempty"`
	// Type replaces FieldType unless 0.
	Type int `json:"type,omitempty"`
}

// ReadHabits reads habits as JSON; an unknown name is an error.
func ReadHabits(r io.Reader) (h Habits, err error) {
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&h)
	return h, err
}

// String, Set and Type make Habits a flag that takes JSON.
func (h *Habits) String() string {
	raw, _ := json.Marshal(h) // never fails
	return string(raw)
}

// Set reads the value of the flag.
func (h *Habits) Set(setting string) (err error) {
	*h, err = ReadHabits(strings.NewReader(setting))
	return err
}

// Type names the flag's value in the help.
func (h *Habits) Type() string { return "json" }

// Habits returns the tenant's habits.
func (t *Tenant) Habits() Habits { return *t.habits.Load() }

// SetHabits replaces the tenant's habits; stored bills stay as they are.
func (t *Tenant) SetHabits(h Habits) { t.habits.Store(&h) }

// forbids reports whether the user may not see a field.
func (h Habits) forbids(f *field) bool {
	return slices.ContainsFunc(h.NoRight, func(name string) bool { return strings.EqualFold(name, f.name) })
}

// apply changes a new bill.
func (h Habits) apply(b *bill) {
	number := b.number()
	if h.UpperCaseNumbers {
		number = strings.ToUpper(number)
	}
	if h.NumberLength > 0 && len(number) > h.NumberLength {
		number = number[:h.NumberLength]
	}
	if h.Renumber {
		number = "" // the ledger gives it one
	}
	b.set(b.form.Number, number)
	if h.CleanNotes {
		b.set(b.form.Note, strings.Map(func(r rune) rune {
			if strings.ContainsRune("[]@#.", r) {
				return -1
			}
			return r
		}, b.get(b.form.Note)))
	}
}

// VoidBills voids (作废) all bills of a number, and returns an error if there is none.
func (t *Tenant) VoidBills(number string) error {
	bills, err := t.ledger.named(number)
	if err != nil {
		return err
	}
	for _, b := range bills {
		_, p := t.ledger.change(b.form, b.id, func(old *bill) (*bill, *problem) {
			changed := old.with(old.status)
			changed.void = true
			changed.set(fieldCancel, "B")
			t.sign(changed, cancelled, t.options.Credentials.Username)
			return changed, nil
		})
		if p != nil {
			return errors.New(p.message)
		}
	}
	return nil
}

// AuditBills submits and audits all bills of a number as a user does, and returns an error
// if there is none, or one that can't be audited.
func (t *Tenant) AuditBills(number, by string) error {
	bills, err := t.ledger.named(number)
	if err != nil {
		return err
	}
	for _, b := range bills {
		_, p := t.ledger.change(b.form, b.id, func(old *bill) (*bill, *problem) {
			return t.audited(old, by), inState(old, "提交", draft, created, reAuditing)
		})
		if p != nil {
			return errors.New(p.message)
		}
	}
	return nil
}
