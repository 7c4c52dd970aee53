# The stdio server by default (docker run -i --rm IMAGE); with `serve` the HTTP server.
# It needs no writable file system; investigations of the HTTP server go to /tmp unless --store says otherwise.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /source
COPY pyproject.toml MANIFEST.in README.md LICENSE ./
COPY cluster/ cluster/
COPY knowledge/ knowledge/
COPY prompts/ prompts/
COPY server/ server/
COPY tools/ tools/
# What is installed is this project itself: its version is that of the image.
# hadolint ignore=DL3013
RUN python -m venv --without-pip /opt/terway-mcp \
    && pip --python /opt/terway-mcp/bin/python install --no-cache-dir ".[metrics,otel]"
COPY deploy/healthcheck.py /opt/terway-mcp/

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="terway-mcp" \
    org.opencontainers.image.description="MCP server that troubleshoots the Terway CNI on Kubernetes, read-only" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/terway-mcp /opt/terway-mcp
ENV PATH=/opt/terway-mcp/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    XDG_STATE_HOME=/tmp
USER 65532:65532
WORKDIR /
EXPOSE 8000
# As process 1 Python would not end on SIGTERM while it serves stdio.
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["/opt/terway-mcp/bin/python", "/opt/terway-mcp/healthcheck.py"]
ENTRYPOINT ["/opt/terway-mcp/bin/terway-mcp"]
