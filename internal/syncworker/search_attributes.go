package syncworker

import (
	"context"
	"errors"
	"fmt"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
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
// without them no run can be listed and no order parked. Temporal Cloud lets no
// worker register any, nor does a server whose worker has the rights of a worker
// alone; there it is only seen to that they are known.
func registerSearchAttributes(ctx context.Context, server client.Client, namespace string) error {
	missing, err := missingSearchAttributes(ctx, server, namespace)
	if err == nil && len(missing) > 0 {
		_, err = server.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: namespace, SearchAttributes: missing,
		})
	}
	if isDenied(err) {
		if missing, err = unknownSearchAttributes(ctx, server, namespace); err == nil && len(missing) > 0 {
			err = errors.New("worker 没有登记的权限 the worker has no right to register them")
		}
	}
	var absent *serviceerror.NamespaceNotFound
	if errors.As(err, &absent) {
		return fmt.Errorf("没有命名空间 %[1]s；检查 TEMPORAL_NAMESPACE，或先创建：temporal operator namespace create --namespace %[1]s --retention 45d。 The Temporal server has no such namespace: check TEMPORAL_NAMESPACE, or make it by the command above: %[2]w", namespace, err)
	}
	if err != nil {
		return fmt.Errorf("无法在命名空间 %[1]s 登记搜索属性 %[2]v；请管理员按所列类型登记后再启动（Temporal Cloud 在其网页或用 tcld 登记）。 The search attributes can't be registered there: have an administrator do it, with the types listed, then start again (at Temporal Cloud in its web pages or by tcld): %[3]w", namespace, missing, err)
	}
	return nil
}

func missingSearchAttributes(ctx context.Context, server client.Client, namespace string) (map[string]enumspb.IndexedValueType, error) {
	missing := SearchAttributes()
	known, err := server.OperatorService().ListSearchAttributes(ctx, &operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	for name := range known.GetCustomAttributes() {
		delete(missing, name)
	}
	return missing, err
}

// isDenied says that the server lets the worker manage no search attributes.
func isDenied(err error) bool {
	var denied *serviceerror.PermissionDenied
	var absent *serviceerror.Unimplemented
	return errors.As(err, &denied) || errors.As(err, &absent)
}

// unknownSearchAttributes finds those that the namespace does not know by counting
// with each, as a worker may: what is not known makes the query invalid.
func unknownSearchAttributes(ctx context.Context, server client.Client, namespace string) (map[string]enumspb.IndexedValueType, error) {
	unknown := map[string]enumspb.IndexedValueType{}
	for name, kind := range SearchAttributes() {
		_, err := server.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{Namespace: namespace, Query: name + " IS NULL"})
		var invalid *serviceerror.InvalidArgument
		switch {
		case errors.As(err, &invalid):
			unknown[name] = kind
		case err != nil:
			return nil, err
		}
	}
	return unknown, nil
}
