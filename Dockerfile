# syntax=docker/dockerfile:1

# Built where we are, for where it runs: Go needs no emulation to cross-compile.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS TARGETARCH VERSION=unknown
ENV CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOTOOLCHAIN=local
WORKDIR /src

# The dependencies change less often than the code.
COPY go.mod go.sum ./
COPY plugins/sdk/go.mod plugins/sdk/go.sum plugins/sdk/
COPY plugins/external/go.mod plugins/external/go.sum plugins/external/
RUN --mount=type=cache,target=/go/pkg/mod \
    go mod download && go mod download -C plugins/external

COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    flags="-s -w -X github.com/tidelock-io/tidelock/cmd/release.version=$VERSION" && builds= && \
    for plugin in cmp directory helm kustomize; do \
        go build -trimpath -ldflags "$flags" -o /out/tidelock-$plugin ./cmd/tidelock-$plugin && \
        builds="$builds,$plugin=$(go tool buildid /out/tidelock-$plugin)" || exit 1; \
    done && \
    go build -trimpath -ldflags "$flags -X main.companions=$builds" -o /out/tidelock ./cmd/tidelock && \
    go build -C plugins/external -trimpath -ldflags "-s -w" -o /out/tidelock-external-secrets .
# What a static binary needs beside itself: certificates, /tmp, a user that is not
# root. go-plugin's sockets and the Git mirrors are under /tmp and /cache.
RUN mkdir -p /root-fs/etc/ssl/certs /root-fs/tmp /root-fs/cache && chmod 1777 /root-fs/tmp && \
    cp /etc/ssl/certs/ca-certificates.crt /root-fs/etc/ssl/certs/ && \
    echo 'tidelock:x:65532:65532::/nonexistent:/sbin/nologin' > /root-fs/etc/passwd && \
    echo 'tidelock:x:65532:' > /root-fs/etc/group && \
    chown 65532:65532 /root-fs/cache

FROM scratch
COPY --from=build /root-fs/ /
# The plugins lie beside the binary that starts them.
COPY --from=build /out/ /usr/local/bin/
USER 65532:65532
EXPOSE 8080 8082 8083
ENTRYPOINT ["/usr/local/bin/tidelock"]
CMD ["agent", "--cache-dir", "/cache"]
