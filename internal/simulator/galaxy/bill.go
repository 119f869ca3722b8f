package galaxy

import (
	"slices"
	"strconv"

	"refundsync/internal/text"
)

// status is FDocumentStatus.
type status string

// The states of a bill.
const (
	draft      status = "Z" // 暂存
	created    status = "A" // 创建
	inReview   status = "B" // 审核中
	audited    status = "C" // 已审核
	reAuditing status = "D" // 重新审核, after UnAudit
)

// values are the values of one place's fields, by index, in canonical form: a reference's
// number, a decimal without trailing zeros, a date as yyyy-MM-ddTHH:mm:ss, "true" or
// "false", a group as JSON; "" is no value.
type values []string

// bill is a stored bill. It is never modified, only replaced.
type bill struct {
	form          *form
	id            int64
	status        status
	void          bool
	head, finance values
	entries       []entry
}

// entry is one line of a bill.
type entry struct {
	id     int64
	values values
}

func (p *part) newValues() values { return make(values, len(p.fields)) }

// get and set are about the values of the part's own place.
func (p *part) get(v values, name string) string { return v[p.find(name).index] }

func (p *part) set(v values, name, value string) { v[p.find(name).index] = value }

func (b *bill) number() string { return b.head[b.form.number.index] }

// get and set are about fields of the head. The head must be the bill's own to be set.
func (b *bill) get(name string) string { return b.form.parts[inHead].get(b.head, name) }

func (b *bill) set(name, value string) { b.form.parts[inHead].set(b.head, name, value) }

// value returns the value of a field; row is the index of the entry if it is an entry
// field.
func (b *bill) value(f *field, row int) string {
	switch f.name {
	case fieldID:
		return strconv.FormatInt(b.id, 10)
	case fieldStatus:
		return string(b.status)
	case fieldCancel:
		if b.void {
			return "B"
		}
		return "A"
	case fieldSeq:
		return strconv.Itoa(row + 1)
	case fieldEntryID:
		return strconv.FormatInt(b.entries[row].id, 10)
	}
	switch f.place {
	case inHead:
		return b.head[f.index]
	case inFinance:
		return b.finance[f.index]
	default:
		return b.entries[row].values[f.index]
	}
}

// with returns a copy of the bill in another state.
func (b *bill) with(s status) *bill {
	changed := *b
	changed.status, changed.head = s, slices.Clone(b.head)
	return &changed
}

// Bill is a stored bill as State and the data file show it.
type Bill struct {
	// Form is the form's id, such as SAL_RETURNSTOCK. FIDs and numbers are unique in it.
	Form   string `json:"form"`
	ID     int64  `json:"FID"`
	Number string `json:"FBillNo"`
	// Status is FDocumentStatus: Z draft, A created, B under review, C audited, D
	// reopened.
	Status string `json:"FDocumentStatus"`
	// Void says that FCancelStatus is B.
	Void bool `json:"void,omitempty"`
	// Fields are those of the head and SubHeadEntity, references by number, dates as
	// yyyy-MM-ddTHH:mm:ss, lists as JSON, without empty fields.
	Fields map[string]string `json:"fields"`
	// Entries are the lines, in whatever part of the form.
	Entries []Entry `json:"FEntity"`
}

// Entry is one line of a Bill.
type Entry struct {
	ID     int64             `json:"FEntryID"`
	Fields map[string]string `json:"fields"`
}

// shown converts the bill for State and the data file.
func (b *bill) shown() Bill {
	s := Bill{Form: b.form.id, ID: b.id, Number: b.number(), Status: string(b.status), Void: b.void, Fields: map[string]string{}}
	b.form.parts[inHead].show(b.head, s.Fields)
	b.form.parts[inFinance].show(b.finance, s.Fields)
	for _, e := range b.entries {
		fields := map[string]string{}
		b.form.parts[inEntry].show(e.values, fields)
		s.Entries = append(s.Entries, Entry{ID: e.id, Fields: fields})
	}
	return s
}

func (p *part) show(v values, fields map[string]string) {
	for i, value := range v {
		if value != "" {
			fields[p.fields[i].name] = value
		}
	}
}

// stored is the inverse of shown.
func (s Bill) stored() (*bill, error) {
	f := forms[s.Form]
	if f == nil {
		return nil, text.Errorf("there is no form %q", s.Form)
	}
	b := &bill{
		form:    f,
		id:      s.ID,
		status:  status(s.Status),
		void:    s.Void,
		head:    f.parts[inHead].valuesFrom(s.Fields),
		finance: f.parts[inFinance].valuesFrom(s.Fields),
	}
	for _, e := range s.Entries {
		b.entries = append(b.entries, entry{id: e.ID, values: f.parts[inEntry].valuesFrom(e.Fields)})
	}
	return b, nil
}

func (p *part) valuesFrom(fields map[string]string) values {
	v := p.newValues()
	for name, value := range fields {
		if f := p.find(name); f != nil {
			v[f.index] = value
		}
	}
	return v
}
