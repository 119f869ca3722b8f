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
)

// Traces makes Temporal's interceptor that traces workflows and activities, and
// sends the traces where OpenTelemetry's own settings say (OTEL_EXPORTER_OTLP_…).
// Without an OTEL_EXPORTER_OTLP_ENDPOINT there is none. close sends what is left,
// until its context is done. What goes wrong with the sending is logged, and stops
// nothing.
func Traces(ctx context.Context, logger *zap.Logger) (interceptors []interceptor.ClientInterceptor, close func(context.Context) error, err error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return nil, func(context.Context) error { return nil }, nil
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { logger.Warn("OpenTelemetry", zap.Error(err)) }))
	sender, err := otlptracegrpc.New(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("链路追踪的设置 OTEL_EXPORTER_OTLP_… 有误。 The settings of tracing are wrong: %w", err)
	}
	// What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes later, and wins.
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "refundsync")), resource.WithFromEnv())
	if err != nil {
		return nil, nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(sender), trace.WithResource(about))
	tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{
		Tracer: provider.Tracer("refundsync"),
		// A workflow may have been begun by a worker that did not trace.
		AllowInvalidParentSpans: true,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("无法追踪 tracing can't be set up: %w", err)
	}
	return []interceptor.ClientInterceptor{tracing}, provider.Shutdown, nil
}
