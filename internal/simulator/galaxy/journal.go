package galaxy

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"

	"refundsync/internal/text"
)

// journal is the data file: one line of JSON per change, in order. A line cut off by a
// crash is a change whose reply nobody has seen.
type journal struct{ file *os.File }

// change is a line of the journal.
type change struct {
	Bills    []Bill   `json:"bills,omitempty"` // their new versions
	Deleted  *billKey `json:"deleted,omitempty"`
	Material string   `json:"material,omitempty"`
}

// billKey tells a bill from those of all forms.
type billKey struct {
	Form string `json:"form"`
	ID   int64  `json:"FID"`
}

// openJournal reads the file, creating it if it does not exist, and appends to it from
// then on.
func (t *Tenant) openJournal(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return text.Errorf("can't open the data file: %w", err)
	}
	whole, err := t.replay(file)
	if err == nil {
		err = file.Truncate(whole)
	}
	if err == nil {
		_, err = file.Seek(whole, io.SeekStart)
	}
	if err != nil {
		return errors.Join(text.Errorf("can't read the data file %s; delete it or name another: %w", path, err), file.Close())
	}
	t.ledger.journal = &journal{file: file}
	return nil
}

// replay applies all complete lines and returns their length in bytes.
func (t *Tenant) replay(file io.Reader) (int64, error) {
	var whole int64
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		var c change
		if err := json.Unmarshal(line, &c); err != nil {
			return 0, err
		}
		for _, shown := range c.Bills {
			b, err := shown.stored()
			if err != nil {
				return 0, err
			}
			t.ledger.books[shown.Form].put(b)
			t.ledger.books[shown.Form].used(b)
		}
		if c.Deleted != nil {
			if k := t.ledger.books[c.Deleted.Form]; k != nil && k.find(c.Deleted.ID) != nil {
				k.delete(k.find(c.Deleted.ID))
			}
		}
		if c.Material != "" {
			t.base.add(materials, c.Material)
		}
		whole += int64(len(line))
	}
	return whole, nil
}

// change writes the new versions of bills and the bill that is deleted, if any.
func (j *journal) change(versions []*bill, deleted *bill) error {
	if j == nil {
		return nil
	}
	var c change
	for _, b := range versions {
		c.Bills = append(c.Bills, b.shown())
	}
	if deleted != nil {
		c.Deleted = &billKey{deleted.form.id, deleted.id}
	}
	return j.write(c)
}

func (j *journal) material(number string) error { return j.write(change{Material: number}) }

func (j *journal) write(c change) error {
	if j == nil {
		return nil
	}
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = j.file.Write(append(line, '\n'))
	return err
}

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	return j.file.Close()
}
