# Where the image of Go comes from.
ARG REGISTRY=docker.io
FROM $REGISTRY/library/golang:1.26.11-trixie AS build
# Empty, they are Go's own defaults.
ARG GOPROXY
ARG GOSUMDB
ENV GOCACHE=/go/cache
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=local
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/go/cache \
    deploy/image/build.sh /image "$VERSION"

# Nothing but the programs, the built-in flow, and whom to trust: no shell, no
# package manager, nothing to write to.
FROM scratch
ARG VERSION=local
LABEL org.opencontainers.image.title="refundsync" \
      org.opencontainers.image.description="Durable sync of Jushuitan after-sales orders into Kingdee return bills" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /image/ /
ENV REFUNDSYNC_FLOWS=/flows REFUNDSYNC_HTTP_ADDRESS=:9464
USER 65532:65532
EXPOSE 9464
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=4 CMD ["/worker", "healthcheck"]
CMD ["/worker"]
