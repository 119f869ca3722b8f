package encryption

import (
	"context"
	"errors"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	"refundsync/internal/fault"
)

// retryDelay is how long an activity waits whose input this worker can't decrypt:
// long enough for another worker, or a person, not to use up its attempts.
const retryDelay = time.Minute

// Configure has a client encrypt what it sends and decrypt what it gets.
func (c Codec) Configure(options *client.Options) {
	c.configure(options, c.converter())
}

// ConfigureWorker is Configure for the client of a worker. There, a payload that
// can't be decrypted fails the workflow task, which is tried again until the key is
// there; by the SDK's own rule it would fail the workflow, for good.
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

// panickingCodec panics where it can't decrypt: the one way to tell the SDK that a
// workflow task should be tried again.
type panickingCodec struct{ Codec }

func (c panickingCodec) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	decoded, err := c.Codec.Decode(payloads)
	if err != nil {
		panic(err)
	}
	return decoded, nil
}

// workerConverter panics in workflows, and returns errors in activities, which are
// tried again anyway.
type workerConverter struct {
	converter.DataConverter
	activities converter.DataConverter
}

var _ converter.ContextAware = workerConverter{}

// WithWorkflowContext is called in workflows.
func (w workerConverter) WithWorkflowContext(workflow.Context) converter.DataConverter { return w }

// WithContext is called in activities, and for the calls of a client.
func (w workerConverter) WithContext(context.Context) converter.DataConverter { return w.activities }

// failureConverter says of failures that can't be decrypted why, and has an
// activity that can't be given its input tried again later.
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

// Client decrypts what the server's list and descriptions hold too: memos and
// summaries, which the SDK hands over as they are. The workers of a client want the
// client itself.
func (c Codec) Client(of client.Client) client.Client {
	return decryptingClient{Client: of, codec: c}
}

// Raw is the client beneath one of [Codec.Client], for what is in clear text on
// purpose.
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

// DescribeWorkflow decrypts the raw response.
func (c decryptingClient) DescribeWorkflow(ctx context.Context, workflowID, runID string) (*client.WorkflowExecutionDescription, error) {
	described, err := c.Client.DescribeWorkflow(ctx, workflowID, runID)
	if err != nil {
		return described, err
	}
	_, err = decrypted(ctx, c.codec, described.RawResponse, nil)
	return described, err
}

func decrypted[T proto.Message](ctx context.Context, codec Codec, reply T, err error) (T, error) {
	if err != nil {
		return reply, err
	}
	return reply, proxy.VisitPayloads(ctx, reply, proxy.VisitPayloadsOptions{
		SkipSearchAttributes: true, // the server reads them, so they are never encrypted
		Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
			return codec.Decode(payloads)
		},
	})
}
