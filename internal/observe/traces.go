package observe

import (
	"context"
	"fmt"
	"os"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.temporal.io/sdk/contrib/opentelemetry"
	"go.temporal.io/sdk/interceptor"
	"go.uber.org/zap"

	"refundsync/internal/text"
)

// Traces makes Temporal's interceptor that traces workflows and activities. It sends
// the traces to where OpenTelemetry's own settings say (OTEL_EXPORTER_OTLP_…); without
// OTEL_EXPORTER_OTLP_ENDPOINT there is no interceptor. close sends the traces that
// remain, until its context is done. A failure to send is only logged.
func Traces(ctx context.Context, logger *zap.Logger) (interceptors []interceptor.ClientInterceptor, close func(context.Context) error, err error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return nil, func(context.Context) error { return nil }, nil
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("OpenTelemetry", zap.Error(err)) }))
	sender, err := otlptracegrpc.New(ctx)
	if err != nil {
		return nil, nil, text.Errorf("check the settings OTEL_EXPORTER_OTLP_… of tracing: %w", err)
	}
	// OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come later and win.
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "refundsync")), resource.WithFromEnv())
	if err != nil {
		return nil, nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(sender), trace.WithResource(about))
	tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
		Tracer: provider.Tracer("refundsync"),
		// A workflow may have been started by a worker that does not trace.
		AllowInvalidParentSpans: true,
	})
	if err != nil {
		return nil, nil, text.Errorf("can't set up tracing: %w", err)
	}
	return []interceptor.ClientInterceptor{tracing}, provider.Shutdown, nil
}
