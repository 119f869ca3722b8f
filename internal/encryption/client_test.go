package encryption

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	sdkpb "go.temporal.io/api/sdk/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"refundsync/internal/fault"
)

// configured gives the converters of a client.
func configured(configure func(*client.Options)) (converter.DataConverter, converter.FailureConverter) {
	var options client.Options
	configure(&options)
	return options.DataConverter, options.FailureConverter
}

func TestConverterOfAClient(t *testing.T) {
	payloads, _ := configured(codec(t, key("k1", 'a')).Configure)
	encoded, err := payloads.ToPayloads("order", 7)
	require.NoError(t, err)
	require.NotContains(t, encoded.String(), "order")
	var text string
	var number int
	require.NoError(t, payloads.FromPayloads(encoded, &text, &number))
	require.Equal(t, "order", text)
	require.Equal(t, 7, number)

	without, _ := configured(Codec{}.Configure)
	require.Equal(t, ReasonUnknownKey, fault.As(without.FromPayloads(encoded, &text, &number)).Reason)
	plain, err := without.ToPayload("order")
	require.NoError(t, err)
	require.Equal(t, `"order"`, string(plain.GetData()), "off by default")
}

// A workflow must not fail because its worker lacks a key: a panic makes Temporal
// retry the task. Activities are retried anyway.
func TestConverterOfAWorkerThatLacksAKey(t *testing.T) {
	encrypting, _ := configured(codec(t, key("k1", 'a')).ConfigureWorker)
	encoded, err := encrypting.ToPayloads("order")
	require.NoError(t, err)
	lacking, failures := configured(Codec{}.ConfigureWorker)
	var text string
	aware := lacking.(converter.ContextAware)
	for name, inWorkflow := range map[string]converter.DataConverter{"events": lacking, "workflow code": aware.WithWorkflowContext(nil)} {
		require.Panics(t, func() { _ = inWorkflow.FromPayloads(encoded, &text) }, name)
		require.Panics(t, func() { _ = inWorkflow.FromPayload(encoded.GetPayloads()[0], &text) }, name)
	}
	err = aware.WithContext(t.Context()).FromPayloads(encoded, &text)
	require.Equal(t, ReasonUnknownKey, fault.As(err).Reason)

	failure := failures.ErrorToFailure(err)
	require.Equal(t, ReasonUnknownKey, failure.GetApplicationFailureInfo().GetType())
	require.False(t, failure.GetApplicationFailureInfo().GetNonRetryable())
	require.Equal(t, time.Minute, failure.GetApplicationFailureInfo().GetNextRetryDelay().AsDuration())
	require.Contains(t, failure.GetMessage(), `"k1"`)
}

func TestFailuresAreEncrypted(t *testing.T) {
	_, failures := configured(codec(t, key("k1", 'a')).Configure)
	failure := failures.ErrorToFailure(temporal.NewApplicationErrorWithOptions("红色 XL is unknown", "unknown_material",
		temporal.ApplicationErrorOptions{Details: []any{"SKU-1"}, Cause: errors.New("红色 XL was refused"), NextRetryDelay: time.Hour}))
	require.NotContains(t, failure.String(), "XL")
	require.NotContains(t, failure.String(), "SKU")
	require.Equal(t, "unknown_material", failure.GetApplicationFailureInfo().GetType(), "the reason stays in sight")
	require.Equal(t, time.Hour, failure.GetApplicationFailureInfo().GetNextRetryDelay().AsDuration())

	var application *temporal.ApplicationError
	require.ErrorAs(t, failures.FailureToError(failure), &application)
	require.Equal(t, "红色 XL is unknown", application.Message())
	require.ErrorContains(t, errors.Unwrap(application), "红色 XL was refused")
	var details string
	require.NoError(t, application.Details(&details))
	require.Equal(t, "SKU-1", details)

	t.Run("without the key", func(t *testing.T) {
		_, lacking := configured(Codec{}.Configure)
		require.ErrorAs(t, lacking.FailureToError(failure), &application)
		require.Contains(t, application.Message(), `add key "k1"`)
	})
	t.Run("off by default", func(t *testing.T) {
		_, plain := configured(Codec{}.Configure)
		require.Equal(t, "red", plain.ErrorToFailure(errors.New("red")).GetMessage())
	})
}

// holding is a server that holds one workflow, with a memo and a summary.
type holding struct {
	client.Client // nil: other methods are not called
	payload       *commonpb.Payload
	err           error
}

func (h holding) execution() *workflowpb.WorkflowExecutionInfo {
	fields := func() map[string]*commonpb.Payload { return map[string]*commonpb.Payload{"held": h.payload} }
	return &workflowpb.WorkflowExecutionInfo{
		Memo:             &commonpb.Memo{Fields: fields()},
		SearchAttributes: &commonpb.SearchAttributes{IndexedFields: fields()},
	}
}

func (h holding) ListWorkflow(context.Context, *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	if h.err != nil {
		return nil, h.err
	}
	return &workflowservice.ListWorkflowExecutionsResponse{Executions: []*workflowpb.WorkflowExecutionInfo{h.execution()}}, nil
}

func (h holding) DescribeWorkflow(context.Context, string, string) (*client.WorkflowExecutionDescription, error) {
	return &client.WorkflowExecutionDescription{RawResponse: &workflowservice.DescribeWorkflowExecutionResponse{
		WorkflowExecutionInfo: h.execution(),
		ExecutionConfig:       &workflowpb.WorkflowExecutionConfig{UserMetadata: &sdkpb.UserMetadata{Summary: h.payload}},
	}}, h.err
}

func (h holding) GetWorkflowHistory(context.Context, string, string, bool, enumspb.HistoryEventFilterType) client.HistoryEventIterator {
	return h
}

func (h holding) HasNext() bool { return true }

func (h holding) Next() (*historypb.HistoryEvent, error) {
	return &historypb.HistoryEvent{Attributes: &historypb.HistoryEvent_WorkflowExecutionStartedEventAttributes{
		WorkflowExecutionStartedEventAttributes: &historypb.WorkflowExecutionStartedEventAttributes{Input: &commonpb.Payloads{Payloads: []*commonpb.Payload{h.payload}}},
	}}, h.err
}

func TestClientRefusesClearText(t *testing.T) {
	held := holding{payload: payload(`"order"`)}
	c := codec(t, key("k1", 'a')).Client(held)
	_, err := c.ListWorkflow(t.Context(), nil)
	require.Equal(t, ReasonClearText, fault.As(err).Reason)
	_, err = c.DescribeWorkflow(t.Context(), "id", "")
	require.Equal(t, ReasonClearText, fault.As(err).Reason)
	_, err = FirstEvent(t.Context(), c, "id", "")
	require.Equal(t, ReasonClearText, fault.As(err).Reason)
	described, err := Raw(c).DescribeWorkflow(t.Context(), "id", "")
	require.NoError(t, err)
	require.True(t, proto.Equal(held.payload, described.RawResponse.GetWorkflowExecutionInfo().GetMemo().GetFields()["held"]))
	require.Equal(t, client.Client(held), Raw(held))
}

func TestClientDecryptsWhatTheServerLists(t *testing.T) {
	c := codec(t, key("k1", 'a'))
	plain := payload(`"order"`)
	encoded, err := c.Encode([]*commonpb.Payload{plain})
	require.NoError(t, err)

	listed, err := c.Client(holding{payload: encoded[0]}).ListWorkflow(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, `"order"`, string(listed.GetExecutions()[0].GetMemo().GetFields()["held"].GetData()))
	require.Equal(t, encoded[0], listed.GetExecutions()[0].GetSearchAttributes().GetIndexedFields()["held"], "never encrypted")
	described, err := c.Client(holding{payload: encoded[0]}).DescribeWorkflow(t.Context(), "id", "")
	require.NoError(t, err)
	require.Equal(t, `"order"`, string(described.RawResponse.GetWorkflowExecutionInfo().GetMemo().GetFields()["held"].GetData()))
	require.Equal(t, `"order"`, string(described.RawResponse.GetExecutionConfig().GetUserMetadata().GetSummary().GetData()))
	event, err := FirstEvent(t.Context(), c.Client(holding{payload: encoded[0]}), "id", "")
	require.NoError(t, err)
	require.Equal(t, `"order"`, string(event.GetWorkflowExecutionStartedEventAttributes().GetInput().GetPayloads()[0].GetData()))

	lacking := Codec{}.Client(holding{payload: encoded[0]})
	_, err = lacking.ListWorkflow(t.Context(), nil)
	require.Equal(t, ReasonUnknownKey, fault.As(err).Reason)
	_, err = lacking.DescribeWorkflow(t.Context(), "id", "")
	require.Equal(t, ReasonUnknownKey, fault.As(err).Reason)
	_, err = FirstEvent(t.Context(), lacking, "id", "")
	require.Equal(t, ReasonUnknownKey, fault.As(err).Reason)

	away := errors.New("the server is away")
	_, err = c.Client(holding{err: away}).ListWorkflow(t.Context(), nil)
	require.ErrorIs(t, err, away)
	_, err = FirstEvent(t.Context(), c.Client(holding{err: away}), "id", "")
	require.ErrorIs(t, err, away)
}
