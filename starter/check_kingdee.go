package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tenant"
)

// kingdee checks the way into Kingdee, the rights to fields, and that the flows and the
// form go together.
func (c *checks) kingdee(ctx context.Context, ledger *kingdee.Client, flows flow.Flows) {
	if !c.report("金蝶 Kingdee", "可以登录并查询 lets us in and can be read", within(ctx, ledger.Check)) {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		f := flows[name]
		var found string
		err := within(ctx, func(ctx context.Context) (err error) {
			found, err = checkReadable(ctx, ledger, f)
			return err
		})
		c.report("金蝶字段权限 rights to fields ("+name+")", found, err)
		c.tables(ctx, ledger, f)
		c.form(ctx, ledger, f)
	}
}

// within makes a check in its time.
func within(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return check(ctx)
}

// form holds a flow against the tenant's own form; and its own fields against what a
// query takes, which is sure where the form's metadata can't be read or leave a doubt.
func (c *checks) form(ctx context.Context, ledger *kingdee.Client, f *flow.Flow) {
	what := "金蝶表单 form of Kingdee (" + f.Name + ")"
	var findings []tenant.Finding
	err := within(ctx, func(ctx context.Context) (err error) {
		findings, err = tenant.CheckForm(ctx, ledger, f)
		return err
	})
	if err != nil {
		c.note(what, tenant.CatalogAlone(f.Call.FormId, err))
	} else if !c.findings(what, fmt.Sprintf("%d 个字段与表单相符 %[1]d fields go with the form", len(f.SentFields())), findings) {
		return
	}
	if own := len(f.OwnFields); own > 0 {
		c.report("金蝶自定义字段 own fields ("+f.Name+")", fmt.Sprintf("%d 个，表单里都有 all %[1]d are in the form", own),
			within(ctx, func(ctx context.Context) error { return checkOwnFields(ctx, ledger, f) }))
	}
}

// findings reports the mistakes among them as one failure, and notes the doubts.
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

// checkReadable reads a bill as the worker does that proves the way of a run.
func checkReadable(ctx context.Context, ledger *kingdee.Client, f *flow.Flow) (string, error) {
	keys := flow.ReadBackKeys()
	id, unreadable, err := ledger.UnreadableFields(ctx, f.Call.FormId, flow.MarkField, flow.MarkLike, keys)
	switch {
	case err != nil:
		return "", err
	case len(unreadable) > 0:
		return "", fmt.Errorf("单据（FID %[1]s）的 %[2]s 读不到：请在金蝶给集成用户（KINGDEE_USERNAME）授予这些字段的查看权限。 Bill FID %[1]s is given without %[2]s: in Kingdee, give the integration user (KINGDEE_USERNAME) the right to view these fields",
			id, strings.Join(unreadable, ", "))
	case id == "":
		return "金蝶还没有单据，或这个用户看不到；首次运行会先存一张核对 no bill to read yet, or none is shown to this user; the first run saves one and reads it back", nil
	}
	return fmt.Sprintf("单据 FID %[1]s 的 %[2]d 个字段都读得到 all %[2]d fields of bill FID %[1]s can be read", id, len(keys)), nil
}

// checkOwnFields asks Kingdee whether the form has the fields that the flow
// declares. It tells base data from the rest, but neither text from numbers nor the
// head from the lines: a query takes both alike.
func checkOwnFields(ctx context.Context, ledger *kingdee.Client, f *flow.Flow) error {
	var keys []string
	for _, field := range f.OwnFields {
		key := field.Name
		if field.Type == catalog.Reference {
			key += "." + field.ReferenceKey
		}
		keys = append(keys, key)
	}
	unknown, err := ledger.UnknownFields(ctx, f.Call.FormId, keys)
	if err != nil || len(unknown) == 0 {
		return err
	}
	list := strings.Join(unknown, ", ")
	return fmt.Errorf("%[2]s 没有字段 %[1]s，金蝶会不声不响地丢掉它们的值；请按 BOS 设计器里的标识改流程文件的 own_fields（带 .FNumber 的：字段不存在，或不是基础资料）。"+
		" %[2]s has no such fields, and Kingdee would drop their values without a word: correct own_fields in the flow file after Kingdee's designer (with .FNumber: there is none, or it is no base data)", list, f.Call.FormId)
}
