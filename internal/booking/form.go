package booking

import (
	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
)

// FormOf names the fields of the flow's form for queries.
func FormOf(f *flow.Flow) kingdee.BillForm {
	roles := f.Form.Form
	key := func(place catalog.Place, name string) string {
		field, _ := f.Form.Find(place, name)
		return field.QueryKey()
	}
	head := func(name string) string { return key(catalog.Head, name) }
	line := func(name string) string { return key(roles.Lines, name) }
	return kingdee.BillForm{
		ID: f.Form.Name, Lines: string(roles.Lines),
		Number: roles.Number, Date: roles.Date, Note: roles.Note,
		BillType: head(roles.BillType), Organisation: head(roles.Organisation), Customer: head(roles.Customer),
		Item: line(roles.Item), Stock: line(roles.Stock), Quantity: roles.Quantity, Price: roles.Price, Amount: roles.Amount,
	}
}
