# initserve in a container: small, without root, content with a read-only file system.

FROM python:3.12-slim AS build
WORKDIR /app
RUN python -m venv --without-pip /app/.venv
COPY requirements/run.txt requirements/run.txt
RUN pip --python .venv/bin/python install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY service service
# What builds and what tests packages is not needed to serve.
RUN pip --python .venv/bin/python install --no-cache-dir --no-deps --no-build-isolation -e . \
 && pip --python .venv/bin/python uninstall --yes --quiet setuptools \
 && find .venv/lib -type d -name tests -prune -exec rm -rf {} + \
 && .venv/bin/python -m compileall -q service .venv/lib
# The kernels' machine code, for every level of processor that the image may meet (service/stream/targets.py).
RUN .venv/bin/initserve compile

FROM python:3.12-slim
LABEL org.opencontainers.image.title="initserve" \
      org.opencontainers.image.description="The same initial weights, everywhere" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
# Nothing is installed here, nor does anybody become somebody else.
RUN pip uninstall --yes --quiet --root-user-action=ignore setuptools wheel pip \
 && rm -rf /usr/local/lib/python3.*/ensurepip /usr/local/lib/python3.*/idlelib /usr/local/lib/python3.*/lib2to3 \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
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
