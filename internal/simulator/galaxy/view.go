package galaxy

import (
	"encoding/json"
	"strconv"
	"strings"
)

// viewReply is a bill with its fields as the view names them: without the leading F,
// references as objects. Of the lines, only the names in stock bills are known.
type viewReply struct {
	Result struct {
		ResponseStatus *responseStatus `json:"ResponseStatus"`
		Result         map[string]any  `json:"Result"`
	} `json:"Result"`
}

// view shows one bill, by Number or Id.
func (t *Tenant) view(c call) reply {
	var b *bill
	if number := c.data.text("Number"); number != "" {
		if bills := t.ledger.numbered(c.form, number); len(bills) > 0 {
			b = bills[0]
		}
	} else if id, err := strconv.ParseInt(c.data.text("Id"), 10, 64); err == nil {
		b = t.ledger.get(c.form, id)
	} else {
		return failed(msgIDEmpty, "单据内码和单据编码不能都为空")
	}
	if b == nil {
		return failed(msgNotFound, "传递的编码值不存在")
	}
	var entries []map[string]any
	for row, e := range b.entries {
		fields := t.viewFields(b, inEntry, row)
		fields["Id"] = e.id
		entries = append(entries, fields)
	}
	bill := t.viewFields(b, inHead, 0)
	bill["Id"] = b.id
	bill["FFormId"] = c.form.id
	if c.form.parts[inFinance].key != "" {
		bill[c.form.id+"FIN"] = []map[string]any{t.viewFields(b, inFinance, 0)}
	}
	bill[c.form.id+"ENTRY"] = entries
	var r viewReply
	r.Result.Result = bill
	return r
}

func (t *Tenant) viewFields(b *bill, p place, row int) map[string]any {
	fields := map[string]any{}
	for _, f := range b.form.parts[p].fields {
		if f.kind == isID {
			continue
		}
		name := strings.TrimPrefix(f.name, "F")
		value := b.value(f, row)
		if f.kind == isReference && value != "" {
			fields[name] = map[string]any{"Id": t.base.id(f.set, value), "Number": value}
			continue
		}
		fields[name] = f.wireValue(value)
	}
	return fields
}

// wireValue is a canonical value as replies write it. Decimals keep all their places.
func (f *field) wireValue(value string) any {
	switch {
	case f.kind == isFlag:
		return value == "true"
	case f.kind == isID || f.kind == isDecimal || f.kind == isWhole:
		if value == "" {
			return json.Number("0")
		}
		return json.Number(value)
	case (f.kind == isDate || f.kind == isGroup) && value == "":
		return nil
	case f.kind == isGroup:
		return json.RawMessage(value)
	default:
		return value
	}
}
