# The sample services as one image: `docker build --tag leakdrill-samples .`
# Three arguments make every other image of ours of it: PACKAGES and SYSTEM_PACKAGES, what is installed, and CODE, which
# part of the code lies in it; docker-compose.yml gives them. Multi-stage, so that pip and its cache stay behind; run as
# an ordinary user.
FROM python:3.11-slim AS packages
COPY constraints.txt /tmp/constraints.txt
ARG PACKAGES="numpy prometheus-client redis starlette uvicorn"
RUN python -m venv /opt/services \
 && /opt/services/bin/pip install --no-cache-dir --quiet --constraint /tmp/constraints.txt ${PACKAGES}

FROM python:3.11-slim AS services
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/*
# A layer of its own, so that all our images share the one above. Without what only Prometheus' web pages need: 220 MB.
ARG SYSTEM_PACKAGES=""
RUN [ -z "${SYSTEM_PACKAGES}" ] || { apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--path-exclude="/usr/share/javascript/*" ${SYSTEM_PACKAGES} \
 && apt-get clean && rm -rf /var/lib/apt/lists/*; }
RUN useradd --uid 10001 --create-home app && install -d -o app /data /config
COPY --from=packages /opt/services /opt/services
ARG CODE=leaky_apps
COPY ${CODE} /opt/app/${CODE}
ENV PATH=/opt/services/bin:$PATH PYTHONPATH=/opt/app:/opt/app/harness:/opt/app/deploy PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LEAKDRILL_DISK=/data
USER app
WORKDIR /data
EXPOSE 8000
CMD ["python", "-m", "leaky_apps.gateway", "--host", "0.0.0.0", "--port", "8000"]
