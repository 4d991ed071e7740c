# The slim server: Flask, gunicorn, OpenVINO and the shipped models, without TensorFlow; and gRPC, to ask a
# TensorFlow Serving instead: inkling-serve --host 0.0.0.0 --engine tfserving --tfserving HOST:8500
#
#   docker build --tag inkling .
#   docker run --rm --read-only --tmpfs /tmp --publish 8000:8000 inkling
#
# Models of your own: --volume "$PWD/models:/models:ro". Behind a package index of your own:
# --secret id=pip,src=pip.conf, and --secret id=ca,src=ca.pem with `cert = /run/secrets/ca` in it.

ARG BASE=debian:bookworm-slim

FROM ${BASE} AS builder
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-pip python3-venv
RUN python3 -m venv --without-pip /opt/inkling
WORKDIR /source

# What the server needs comes before the server: a change of code fetches nothing again.
COPY pyproject.toml constraints.txt ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca \
    python3 -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
    print(*project['dependencies'], *project['optional-dependencies']['tfserving'], sep='\n')" \
    > requirements.txt \
    && pip --python /opt/inkling/bin/python install --no-cache-dir \
    --constraint constraints.txt --requirement requirements.txt

COPY . .
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=ca \
    pip --python /opt/inkling/bin/python install --no-cache-dir --no-deps .

# OpenVINO brings plugins for devices and readers for formats that this server never meets, and
# several packages bring headers, type stubs and tests. The last line proves that too much did not go.
RUN cd /opt/inkling/lib/python3*/site-packages \
    && rm -r openvino/include openvino/cmake openvino/tools openvino/libs/cache.json \
    && find openvino/libs -name 'libopenvino_*' \
    ! -name '*_intel_cpu_plugin.so*' ! -name '*_tensorflow_frontend.so*' -delete \
    && find . -name tests -type d -prune -exec rm -r {} + \
    && find . -name '*.pyi' -delete \
    && rm /opt/inkling/bin/benchmark_app /opt/inkling/bin/opt_in_out /opt/inkling/bin/ovc \
    && /opt/inkling/bin/python -c "from serving.app import create_app; \
    answer = create_app().test_client().get('/readyz'); assert answer.status_code == 200, answer.text"

FROM ${BASE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /tmp \
    --shell /usr/sbin/nologin inkling \
    && mkdir /models
COPY --from=builder /opt/inkling /opt/inkling
ENV PATH=/opt/inkling/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    INKLING_MODELS=/models
WORKDIR /
USER inkling
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import urllib.request as request; \
request.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["inkling-serve", "--host", "0.0.0.0", "--port", "8000"]
