package visibility

import (
	"strings"

	"refundsync/workflows"
)

// A query in Temporal's list language is made of these alone, so that no value, which
// may be a shop's name or come from a command line, becomes a part of it.

// Running chooses workflows that have not ended.
const Running = "ExecutionStatus = 'Running'"

// escape is how the list language has a backslash and a quote within quotes.
var escape = strings.NewReplacer(`\`, `\\`, `'`, `''`)

func quoted(value string) string { return "'" + escape.Replace(value) + "'" }

// Equal chooses workflows by an attribute.
func Equal(attribute, value string) string { return attribute + " = " + quoted(value) }

// OfTypes chooses workflows of any of the types.
func OfTypes(workflowTypes ...string) string {
	names := make([]string, len(workflowTypes))
	for i, name := range workflowTypes {
		names[i] = quoted(name)
	}
	return "WorkflowType IN (" + strings.Join(names, ", ") + ")"
}

// OfFlow chooses the workflows of a type and a flow.
func OfFlow(workflowType, flowName string) string {
	return All(Equal("WorkflowType", workflowType), Equal(workflows.FlowAttribute.GetName(), flowName))
}

// All chooses what each of the conditions does.
func All(conditions ...string) string { return strings.Join(conditions, " AND ") }
