package encryption

import (
	"context"
	"errors"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	failurepb "go.temporal.io/api/failure/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	"refundsync/internal/fault"
)

// retryDelay is the wait of an activity whose input this worker can't decrypt: long
// enough that its attempts last until another worker, or a person, can help.
const retryDelay = time.Minute

// Configure makes a client encrypt what it sends and decrypt what it receives.
func (c Codec) Configure(options *client.Options) {
	c.configure(options, c.converter())
}

// ConfigureWorker is Configure for the client of a worker. A payload that can't be
// decrypted fails only the workflow task, which Temporal retries until the key is
// there; the SDK's default is to fail the workflow.
func (c Codec) ConfigureWorker(options *client.Options) {
	c.configure(options, workerConverter{
		DataConverter: converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), panickingCodec{c}),
		activities:    c.converter(),
	})
}

func (c Codec) converter() converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), c)
}

func (c Codec) configure(options *client.Options, payloads converter.DataConverter) {
	options.DataConverter = payloads
	options.FailureConverter = failureConverter{
		FailureConverter: temporal.NewDefaultFailureConverter(temporal.DefaultFailureConverterOptions{
			DataConverter: payloads, EncodeCommonAttributes: c.Enabled(),
		}),
		payloads: payloads,
	}
}

// panickingCodec panics if it can't decrypt: a panic is the only way to make the SDK
// retry the workflow task.
type panickingCodec struct{ Codec }

func (c panickingCodec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded, err := c.Codec.Decode(payloads)
	if err != nil {
		panic(err)
	}
	return decoded, nil
}

// workerConverter panics in workflows and returns errors in activities, which are
// retried anyway.
type workerConverter struct {
	converter.DataConverter
	activities converter.DataConverter
}

var _ converter.ContextAware = workerConverter{}

// WithWorkflowContext gives the converter for workflows.
func (w workerConverter) WithWorkflowContext(workflow.Context) converter.DataConverter { return w }

// WithContext gives the converter for activities and for a client's calls.
func (w workerConverter) WithContext(context.Context) converter.DataConverter { return w.activities }

// failureConverter puts into failures why they can't be decrypted, and delays the retry
// of an activity whose input can't be.
type failureConverter struct {
	converter.FailureConverter
	payloads converter.DataConverter
}

func (f failureConverter) ErrorToFailure(err error) *failurepb.Failure {
	var ready *temporal.ApplicationError
	if e := fault.As(err); e != nil && !errors.As(err, &ready) {
		err = temporal.NewApplicationErrorWithOptions(err.Error(), e.Reason, temporal.ApplicationErrorOptions{NextRetryDelay: e.Delay})
	}
	return f.FailureConverter.ErrorToFailure(err)
}

func (f failureConverter) FailureToError(failure *failurepb.Failure) error {
	for part := failure; part != nil; part = part.GetCause() {
		var attributes any
		if err := f.payloads.FromPayload(part.GetEncodedAttributes(), &attributes); err != nil {
			part.Message = err.Error()
		}
	}
	return f.FailureConverter.FailureToError(failure)
}

// Client makes a client that also decrypts the memos and summaries in lists and
// descriptions of workflows, which the SDK returns as they are. Workers need the
// original client.
func (c Codec) Client(of client.Client) client.Client {
	return decryptingClient{Client: of, codec: c}
}

// Raw gives the client that [Codec.Client] wraps, for what is in clear text on purpose.
func Raw(c client.Client) client.Client {
	if decrypting, ok := c.(decryptingClient); ok {
		return decrypting.Client
	}
	return c
}

type decryptingClient struct {
	client.Client
	codec Codec
}

func (c decryptingClient) ListWorkflow(ctx context.Context, request *workflowservice.ListWorkflowExecutionsRequest) (*workflowservice.ListWorkflowExecutionsResponse, error) {
	reply, err := c.Client.ListWorkflow(ctx, request)
	return decrypted(ctx, c.codec, reply, err)
}

// DescribeWorkflow decrypts the raw response too.
func (c decryptingClient) DescribeWorkflow(ctx context.Context, workflowID, runID string) (*client.WorkflowExecutionDescription, error) {
	described, err := c.Client.DescribeWorkflow(ctx, workflowID, runID)
	if err != nil {
		return described, err
	}
	_, err = decrypted(ctx, c.codec, described.RawResponse, nil)
	return described, err
}

// FirstEvent reads the first event of a workflow's history, which holds its input. A client
// of [Codec.Client] decrypts it.
func FirstEvent(ctx context.Context, c client.Client, workflowID, runID string) (*historypb.HistoryEvent, error) {
	event, err := c.GetWorkflowHistory(ctx, workflowID, runID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT).Next()
	if decrypting, ok := c.(decryptingClient); ok && err == nil {
		return decrypted(ctx, decrypting.codec, event, nil)
	}
	return event, err
}

func decrypted[T proto.Message](ctx context.Context, codec Codec, reply T, err error) (T, error) {
	if err != nil {
		return reply, err
	}
	return reply, proxy.VisitPayloads(ctx, reply, proxy.VisitPayloadsOptions{
		SkipSearchAttributes: true, // never encrypted: the server reads them
		Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
			return codec.Decode(payloads)
		},
	})
}
