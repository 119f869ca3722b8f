package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"refundsync/internal/booking"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tenant"
	"refundsync/internal/text"
)

// kingdee checks that Kingdee lets us in, that fields can be read, and that the flows
// fit the form.
func (c *checks) kingdee(ctx context.Context, ledger *kingdee.Client, flows flow.Flows) {
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		f := flows[name]
		err := within(ctx, func(ctx context.Context) error { return ledger.Check(ctx, f.Form.Name) })
		if !c.report(text.Sprintf("Kingdee"), text.Sprintf("login and query of %s（%s） work", f.Form.Name, f.Form.Chinese), err) {
			continue
		}
		var found string
		err = within(ctx, func(ctx context.Context) (err error) {
			found, err = checkReadable(ctx, ledger, f)
			return err
		})
		c.report(text.Sprintf("Kingdee field rights (%s)", name), found, err)
		c.tables(ctx, ledger, f)
		c.sourceBill(ctx, ledger, f)
		c.codes(ctx, ledger, c.form(ctx, ledger, f), f)
	}
}

// within bounds the time of a check.
func within(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return check(ctx)
}

// form compares a flow with the tenant's own form, and gives that form as far as it can be
// read. It also queries the flow's own fields, which gives certainty where the form's
// metadata can't be read or leave doubts.
func (c *checks) form(ctx context.Context, ledger *kingdee.Client, f *flow.Flow) kingdee.Form {
	what := text.Sprintf("Kingdee form (%s)", f.Name)
	var form kingdee.Form
	var findings []tenant.Finding
	err := within(ctx, func(ctx context.Context) (err error) {
		form, findings, err = tenant.CheckForm(ctx, ledger, f)
		return err
	})
	if err != nil {
		c.note(what, tenant.CatalogAlone(f.Call.FormId, err))
	} else if !c.findings(what, text.Sprintf("%d fields fit the form", len(f.SentFields())), findings) {
		return form
	}
	if own := len(f.OwnFields); own > 0 {
		c.report(text.Sprintf("Kingdee own fields (%s)", f.Name), text.Sprintf("all %d are on the form", own),
			within(ctx, func(ctx context.Context) error { return checkOwnFields(ctx, ledger, f) }))
	}
	return form
}

// findings reports all mistakes as one failure, and notes the doubts.
func (c *checks) findings(what, found string, findings []tenant.Finding) bool {
	var mistakes []error
	for _, finding := range findings {
		if finding.Sure {
			mistakes = append(mistakes, errors.New(finding.String()))
		} else {
			c.note(what, finding.String())
		}
	}
	return c.report(what, found, errors.Join(mistakes...))
}

// checkReadable reads a bill back as a worker does for the first bill of a run.
func checkReadable(ctx context.Context, ledger *kingdee.Client, f *flow.Flow) (string, error) {
	keys := f.ReadBackKeys()
	id, unreadable, err := ledger.UnreadableFields(ctx, booking.FormOf(f), flow.MarkLike, keys)
	switch {
	case err != nil:
		return "", err
	case len(unreadable) > 0:
		return "", text.Errorf("bill FID %s comes without %s; in Kingdee, give the integration user (KINGDEE_USERNAME) the right to view these fields",
			id, strings.Join(unreadable, ", "))
	case id == "":
		return text.Sprintf("no bill yet, or none that this user can see; the first run saves one and reads it back"), nil
	}
	return text.Sprintf("all %d fields of bill FID %s can be read", len(keys), id), nil
}

// checkOwnFields asks Kingdee whether the form has the fields that the flow declares. It
// can tell base data from other types, but not text from numbers, nor the head from the
// lines: a query takes them alike.
func checkOwnFields(ctx context.Context, ledger *kingdee.Client, f *flow.Flow) error {
	var keys []string
	for _, field := range f.OwnFields {
		keys = append(keys, field.QueryKey())
	}
	unknown, err := ledger.UnknownFields(ctx, f.Call.FormId, "FID", keys)
	if err != nil || len(unknown) == 0 {
		return err
	}
	return text.Errorf("%s has no field %s, and Kingdee would silently drop the values; correct own_fields in the flow file by the names in Kingdee's designer (with .FNumber: the field does not exist or is not base data)",
		f.Call.FormId, strings.Join(unknown, ", "))
}
