package galaxy

import (
	"slices"
	"strconv"
	"strings"
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
// "false"; "" is no value.
type values []string

// bill is a stored 销售退货单. It is never modified, only replaced.
type bill struct {
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

func newValues(p place) values { return make(values, len(form[p])) }

func (v values) get(name string) string {
	f := lookUp(name)
	return v[f.index]
}

func (v values) set(name, value string) { v[lookUp(name).index] = value }

func (b *bill) number() string { return b.head[billNo.index] }

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
	ID     int64  `json:"FID"`
	Number string `json:"FBillNo"`
	// Status is FDocumentStatus: Z draft, A created, B under review, C audited, D
	// reopened.
	Status string `json:"FDocumentStatus"`
	// Void says that FCancelStatus is B.
	Void bool `json:"void,omitempty"`
	// Fields are those of the head and SubHeadEntity, references by number, dates as
	// yyyy-MM-ddTHH:mm:ss, without empty fields.
	Fields  map[string]string `json:"fields"`
	Entries []Entry           `json:"FEntity"`
}

// Entry is one line of a Bill.
type Entry struct {
	ID     int64             `json:"FEntryID"`
	Fields map[string]string `json:"fields"`
}

// shown converts the bill for State and the data file.
func (b *bill) shown() Bill {
	s := Bill{ID: b.id, Number: b.number(), Status: string(b.status), Void: b.void, Fields: map[string]string{}}
	b.head.addTo(s.Fields, inHead)
	b.finance.addTo(s.Fields, inFinance)
	for _, e := range b.entries {
		fields := map[string]string{}
		e.values.addTo(fields, inEntry)
		s.Entries = append(s.Entries, Entry{ID: e.id, Fields: fields})
	}
	return s
}

func (v values) addTo(fields map[string]string, p place) {
	for i, value := range v {
		if value != "" {
			fields[form[p][i].name] = value
		}
	}
}

// stored is the inverse of shown.
func (s Bill) stored() *bill {
	b := &bill{
		id:      s.ID,
		status:  status(s.Status),
		void:    s.Void,
		head:    valuesFrom(s.Fields, inHead),
		finance: valuesFrom(s.Fields, inFinance),
	}
	for _, e := range s.Entries {
		b.entries = append(b.entries, entry{id: e.ID, values: valuesFrom(e.Fields, inEntry)})
	}
	return b
}

func valuesFrom(fields map[string]string, p place) values {
	v := newValues(p)
	for name, value := range fields {
		if f := fieldsByName[p][strings.ToLower(name)]; f != nil {
			v[f.index] = value
		}
	}
	return v
}
