package syncworker

import (
	"context"
	"errors"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/text"
	"refundsync/workflows"
)

// SearchAttributes are the search attributes that the workflows set, with their types.
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

// registerSearchAttributes registers the search attributes that the namespace lacks:
// without them no run can be listed and no order parked. Where a worker may not register
// any, as in Temporal Cloud, it only checks that they exist.
func registerSearchAttributes(ctx context.Context, server client.Client, namespace string) error {
	missing, err := missingSearchAttributes(ctx, server, namespace)
	if err == nil && len(missing) > 0 {
		_, err = server.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
			Namespace: namespace, SearchAttributes: missing,
		})
	}
	if isDenied(err) {
		if missing, err = unknownSearchAttributes(ctx, server, namespace); err == nil && len(missing) > 0 {
			err = text.Errorf("the worker is not allowed to register them")
		}
	}
	var absent *serviceerror.NamespaceNotFound
	if errors.As(err, &absent) {
		return text.Errorf("the Temporal server has no namespace %[1]s: check TEMPORAL_NAMESPACE, or create it (temporal operator namespace create --namespace %[1]s --retention 45d): %[2]w", namespace, err)
	}
	if err != nil {
		return text.Errorf("search attributes %[2]v cannot be registered in namespace %[1]s: have an administrator register them with these types (for Temporal Cloud on its web pages or with tcld), then start again: %[3]w", namespace, missing, err)
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

// isDenied reports whether the server does not let the worker manage search attributes.
func isDenied(err error) bool {
	var denied *serviceerror.PermissionDenied
	var absent *serviceerror.Unimplemented
	return errors.As(err, &denied) || errors.As(err, &absent)
}

// unknownSearchAttributes finds those that the namespace lacks by a count with each, which
// a worker is allowed: an unknown one makes the query invalid.
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
