package activities

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.temporal.io/api/workflowservice/v1"

	"refundsync/internal/allowance"
	"refundsync/internal/booking"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
	"refundsync/internal/reconcile"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// CompareBills says what bills are that no order of the windows accounts for. By the order in
// a bill's mark, it asks the source: an order that is shown is compared like any other.
//
// The rows of an order come with the lowest of its bills among all of params, so that each
// comes once however the bills are divided.
func (a *Activities) CompareBills(ctx context.Context, params workflows.CompareBillsParams) (workflows.ComparedRows, error) {
	defer keepAlive(ctx)()
	result, err := a.compareBills(ctx, params)
	return result, toTemporal(err)
}

func (a *Activities) compareBills(ctx context.Context, params workflows.CompareBillsParams) (workflows.ComparedRows, error) {
	rows, err := a.compareBillsOnce(ctx, params)
	if err != nil || rows.Sums.Agree() {
		return rows, err
	}
	// As in comparison.lookAgain: what differs a moment later is reported.
	err = a.secondLook(ctx, func() (err error) {
		rows, err = a.compareBillsOnce(ctx, params)
		return err
	})
	return rows, err
}

func (a *Activities) compareBillsOnce(ctx context.Context, params workflows.CompareBillsParams) (workflows.ComparedRows, error) {
	c, err := a.comparison(ctx, params.Comparison)
	if err != nil {
		return workflows.ComparedRows{}, err
	}
	all, err := reconcile.UnpackIDs(params.All)
	if err != nil {
		return workflows.ComparedRows{}, err
	}
	these := all[params.First:params.Behind]
	whole, err := kingdee.WholeBillsOf(ctx, a.Ledger, booking.FormOf(c.flow), these)
	if err != nil {
		return workflows.ComparedRows{}, text.Errorf("reading bills failed: %w", err)
	}
	bills := booking.BillsOf(whole)
	records, notAsked, err := c.askSource(ctx, whole, params.ReadFrom)
	if err != nil {
		return workflows.ComparedRows{}, err
	}
	own, shops, err := c.compareShown(ctx, records, all, these)
	if err != nil {
		return workflows.ComparedRows{}, err
	}
	for _, bill := range bills {
		_, shown := records[bill.OrderID]
		switch {
		case bill.Void || own[bill.ID]:
		case shown:
			c.count(reconcile.OfBill(reconcile.Doubled, bill, bill.OrderID, shops[bill.OrderID]))
		case !usesCustomer(c.flow, bill.Customer) && bill.Version != c.flow.MarkVersion():
			// It is of another flow, or of people who book returns in their own way.
		case bill.OrderID != "":
			other, err := c.otherFlow(ctx, bill.Version)
			if err != nil {
				return workflows.ComparedRows{}, err
			}
			row := reconcile.OfBill(reconcile.OnlyInKingdee, bill, bill.OrderID, "")
			if row.Reason = notAsked; other != "" {
				row.Kind, row.Reason = reconcile.OthersBill, other
			}
			c.count(row)
		default:
			c.count(reconcile.OfBill(reconcile.OthersBill, bill, "", ""))
		}
	}
	return c.result(), nil
}

// otherFlow names the flow of the same form, other than the one at work, that has or had the
// version of a mark; "" if there is none. Two flows of one form read orders from two sources,
// of which neither shows all.
func (c *comparison) otherFlow(ctx context.Context, version string) (string, error) {
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(c.a.Flows)), func(name string) bool {
		return name == c.flow.Name || c.a.Flows[name].Call.FormId != c.flow.Call.FormId
	})
	for _, name := range others {
		if c.a.Flows[name].MarkVersion() == version {
			return name, nil
		}
	}
	if c.a.Temporal == nil || c.flow.MarkVersion() == version {
		return "", nil
	}
	for _, name := range others {
		key := name + "/" + version
		kept, known := c.kept[key]
		if !known {
			found, err := c.a.Temporal.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
				Query: fmt.Sprintf("WorkflowType = '%s' AND WorkflowId STARTS_WITH '%s'", workflows.FlowVersionName, workflows.FlowVersionID(name, version)),
			})
			if err != nil {
				return "", text.Errorf("looking up the kept versions of flow %s failed: %w", name, err)
			}
			kept = found.GetCount() > 0
			c.kept[key] = kept
		}
		if kept {
			return name, nil
		}
	}
	return "", nil
}

// compareShown compares the orders that the source shows. own are all bills that they
// account for, whether their rows come with these bills or with others.
func (c *comparison) compareShown(ctx context.Context, records map[string]map[string]any, all, these []int64) (own map[int64]bool, shops map[string]string, err error) {
	own, shops = map[int64]bool{}, map[string]string{}
	var orders []seenOrder
	for _, id := range slices.Sorted(maps.Keys(records)) {
		opened, err := c.flow.Pick(records[id])
		if err != nil {
			return nil, nil, err
		}
		order, err := c.order(ctx, opened, records[id])
		if err != nil {
			return nil, nil, err
		}
		orders, shops[order.ID] = append(orders, seenOrder{Order: order}), order.Shop
	}
	err = c.each(ctx, orders, func(_ seenOrder, rows []reconcile.Compared, its []int64) {
		first := int64(-1)
		for _, id := range slices.Sorted(slices.Values(its)) {
			own[id] = true
			if _, listed := slices.BinarySearch(all, id); listed && first < 0 {
				first = id
			}
		}
		if slices.Contains(these, first) {
			c.count(rows...)
		}
	})
	return own, shops, err
}

// askSource reads the orders in the marks of bills as the source shows them now. notAsked is
// why that is not possible.
func (c *comparison) askSource(ctx context.Context, bills []kingdee.WholeBill, since time.Time) (records map[string]map[string]any, notAsked string, err error) {
	look := jushuitan.LookUp{Interface: c.flow.Source.Interface, Field: c.flow.Source.Key, Parameters: c.flow.Source.Parameters}
	for _, b := range bills {
		mark, ok := flow.FindMark(b.Text)
		if !ok {
			continue
		}
		look.IDs = append(look.IDs, mark.OrderID)
		// An order can only have changed since.
		if at := cmp.Or(mark.ChangedAt, since); look.ChangedAt.IsZero() || at.Before(look.ChangedAt) {
			look.ChangedAt = at
		}
	}
	records = map[string]map[string]any{}
	if len(look.IDs) == 0 {
		return records, "", nil
	}
	found, err := look.Find(allowance.Shared(ctx), c.a.Source)
	if f := fault.As(err); f != nil && f.Reason == jushuitan.NoSuchFilter {
		return records, f.Reason, nil
	}
	if err != nil {
		return nil, "", err
	}
	c.a.refreshTables(ctx, c.flow)
	for _, record := range found.Orders {
		picked, err := c.flow.Pick(record)
		if err != nil {
			return nil, "", err
		}
		records[picked.Order.ID] = record
	}
	return records, "", nil
}
