package visibility

import (
	"strings"

	"refundsync/workflows"
)

// All queries in Temporal's list language are made of these functions, so that no value
// is read as part of the query: it may be a shop's name or come from a command line.

// Running matches workflows that are running.
const Running = "ExecutionStatus = 'Running'"

// escape escapes a backslash and a quote within quotes.
var escape = strings.NewReplacer(`\`, `\\`, `'`, `''`)

func quoted(value string) string { return "'" + escape.Replace(value) + "'" }

// Equal matches workflows by an attribute.
func Equal(attribute, value string) string { return attribute + " = " + quoted(value) }

// OfTypes matches workflows of any of the types.
func OfTypes(workflowTypes ...string) string { return OneOf("WorkflowType", workflowTypes...) }

// OneOf matches workflows of which an attribute has any of the values.
func OneOf(attribute string, values ...string) string {
	all := make([]string, len(values))
	for i, value := range values {
		all[i] = quoted(value)
	}
	return attribute + " IN (" + strings.Join(all, ", ") + ")"
}

// OfFlow matches the workflows of a type and a flow.
func OfFlow(workflowType, flowName string) string {
	return All(Equal("WorkflowType", workflowType), Equal(workflows.FlowAttribute.GetName(), flowName))
}

// All matches workflows that meet all of the conditions.
func All(conditions ...string) string { return strings.Join(conditions, " AND ") }
