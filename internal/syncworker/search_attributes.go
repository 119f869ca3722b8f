package syncworker

import (
	"context"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"

	"refundsync/workflows"
)

// SearchAttributes are the search attributes that the workflows set, with their
// types.
func SearchAttributes() map[string]enumspb.IndexedValueType {
	return map[string]enumspb.IndexedValueType{
		workflows.FlowAttribute.GetName():   workflows.FlowAttribute.GetValueType(),
		workflows.ShopAttribute.GetName():   workflows.ShopAttribute.GetValueType(),
		workflows.ReasonAttribute.GetName(): workflows.ReasonAttribute.GetValueType(),
	}
}

// registerSearchAttributes makes those known to the namespace that it lacks:
// without them no order can be parked.
func registerSearchAttributes(ctx context.Context, temporal client.Client, namespace string) error {
	known, err := temporal.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	missing := SearchAttributes()
	if err == nil {
		for name := range known.GetCustomAttributes() {
			delete(missing, name)
		}
		if len(missing) == 0 {
			return nil
		}
		_, err = temporal.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: namespace, SearchAttributes: missing,
		})
	}
	if err != nil {
		return fmt.Errorf("无法在命名空间 %[1]s 登记搜索属性 %[2]v；请管理员登记（类型 Keyword）后再启动。 The search attributes can't be registered there: have an administrator do it (type Keyword), then start again: %[3]w", namespace, missing, err)
	}
	return nil
}
