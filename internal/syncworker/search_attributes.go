package syncworker

import (
	"context"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"refundsync/workflows"
)

// SearchAttributes are the search attributes that the workflows set, with their
// types.
func SearchAttributes() map[string]enumspb.IndexedValueType {
	types := map[string]enumspb.IndexedValueType{}
	for _, key := range []temporal.SearchAttributeKey{
		workflows.FlowAttribute, workflows.ShopAttribute, workflows.ReasonAttribute,
		workflows.WatermarkAttribute, workflows.OutcomeAttribute, workflows.SavedAttribute, workflows.ParkedAttribute,
	} {
		types[key.GetName()] = key.GetValueType()
	}
	return types
}

// registerSearchAttributes makes those known to the namespace that it lacks:
// without them no run can be listed and no order parked.
func registerSearchAttributes(ctx context.Context, server client.Client, namespace string) error {
	known, err := server.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	missing := SearchAttributes()
	if err == nil {
		for name := range known.GetCustomAttributes() {
			delete(missing, name)
		}
		if len(missing) == 0 {
			return nil
		}
		_, err = server.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: namespace, SearchAttributes: missing,
		})
	}
	if err != nil {
		return fmt.Errorf("无法在命名空间 %[1]s 登记搜索属性 %[2]v；请管理员按所列类型登记后再启动。 The search attributes can't be registered there: have an administrator do it, with the types listed, then start again: %[3]w", namespace, missing, err)
	}
	return nil
}
