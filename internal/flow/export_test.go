package flow

// Translate has an order take a table as it is.
func (o *Opened) Translate(t *Table, code string, personal bool) (string, error) {
	return o.translate(t, code, personal)
}
