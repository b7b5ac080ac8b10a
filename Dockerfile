# initserve in a container: small, without root, content with a read-only file system.

FROM python:3.12-slim AS build
WORKDIR /app
RUN python -m venv /app/.venv
COPY requirements/run.txt requirements/run.txt
RUN .venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY service service
RUN .venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e . \
 && .venv/bin/python -m compileall -q service .venv/lib
# The kernels' machine code, for every level of processor that the image may meet (service/stream/targets.py).
RUN .venv/bin/initserve compile

FROM python:3.12-slim
LABEL org.opencontainers.image.title="initserve" \
      org.opencontainers.image.description="The same initial weights, everywhere" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    INITSERVE_HOST=0.0.0.0 \
    INITSERVE_PORT=8000
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --start-interval=2s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"INITSERVE_PORT\"]}/readyz', timeout=2)"]
ENTRYPOINT ["initserve"]
CMD ["serve"]
