# Forkcast on Debian 12: `docker build --target TARGET .`, where TARGET is
#   serve       answers, and does not train: no compiler, no XGBoost
#   train       the same, which also trains; what is built when no target is named
#   sagemaker   train, as root, since SageMaker allows no other user: `docker run IMAGE serve`, `docker run IMAGE train`
#   proxy       the nginx that docker-compose.yml puts in front
#   airflow     Airflow with the programs, for docker-compose.yml
# All but sagemaker run as the user forkcast, 10001, and write nothing but /var/lib/forkcast and /tmp: `docker run --read-only --tmpfs /tmp`.

FROM debian:bookworm-slim AS build
WORKDIR /forkcast
COPY scripts/setup.sh scripts/
RUN scripts/setup.sh build
COPY . .
# Without debug information, which is five sixths of a program; names of functions stay, for backtraces.
RUN . scripts/build.sh && Build release bin/forkcast bin/forkcast-client && strip --strip-debug build/release/bin/*

FROM build AS build-train
RUN . scripts/build.sh && Build release bin/forkcast-train && strip --strip-debug build/release/bin/forkcast-train

FROM debian:bookworm-slim AS proxy
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends nginx \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /var/cache/ldconfig/aux-cache
COPY conf/nginx-common.conf conf/nginx-compose.conf /etc/forkcast/
# runc gives a tmpfs the mode of the folder it covers, and root for an owner; there is no other user here. The epoch: see serve.
RUN SOURCE_DATE_EPOCH=0 useradd --uid 10001 --no-log-init --no-create-home --shell /usr/sbin/nologin forkcast \
    && install -d -o forkcast -g forkcast -m 1777 /var/lib/forkcast-nginx
LABEL org.opencontainers.image.title="Forkcast's nginx" org.opencontainers.image.licenses=BSD-2-Clause
USER 10001
EXPOSE 8080
# nginx takes SIGTERM for "at once"; SIGQUIT lets running requests end.
STOPSIGNAL SIGQUIT
# The access log is a file of the configuration, which has nobody to rotate it here.
ENTRYPOINT ["sh", "-c", "ln -sf /dev/stdout /var/lib/forkcast-nginx/access.log && ln -sf /dev/stderr /var/lib/forkcast-nginx/error.log && exec nginx -p /var/lib/forkcast-nginx -c /etc/forkcast/nginx-compose.conf -e stderr -g 'daemon off;'"]

FROM debian:bookworm-slim AS serve
# The shared libraries of the programs, and time zones.
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends \
      libboost-program-options1.81.0 libcctz2 libcurl4 libfmt9 libmariadb3 libnettle8 libpq5 librdkafka1 libsimdjson14 libsodium23 libspdlog1.10 libsqlite3-0 libsystemd0 libxxhash0 zlib1g tzdata ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /var/cache/ldconfig/aux-cache
# useradd writes the day into /etc/shadow, and what is built tomorrow is to be the same.
RUN SOURCE_DATE_EPOCH=0 useradd --uid 10001 --no-log-init --no-create-home --home-dir /var/lib/forkcast --shell /usr/sbin/nologin forkcast \
    && install -d -o forkcast -g forkcast /var/lib/forkcast
COPY --from=build /forkcast/build/release/bin/forkcast /forkcast/build/release/bin/forkcast-client /usr/local/bin/
COPY conf /opt/forkcast/conf
# What the image is made of, for whoever has to know.
RUN install -d /usr/local/share/sbom && dpkg-query -W -f '${Package} ${Version} ${Architecture}\n' > /usr/local/share/sbom/packages.txt
WORKDIR /opt/forkcast
# The store, its snapshots and the models; filled by `forkcast ingest` and `forkcast train`.
VOLUME /var/lib/forkcast
ENV FORKCAST_PIPELINE=/opt/forkcast/conf/pipelines/order_triage.json \
    FORKCAST_STORE=sqlite:/var/lib/forkcast/forkcast.db \
    FORKCAST_CONTROL=/tmp/forkcast.sock \
    SAGEMAKER_BIND_TO_PORT=8080
LABEL org.opencontainers.image.title=Forkcast \
      org.opencontainers.image.description="A prefork model server that trains what it serves" \
      org.opencontainers.image.version=0.1.0 \
      org.opencontainers.image.licenses=MIT
# By which SageMaker knows that the image listens where it is told to, and serves many models.
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true \
      com.amazonaws.sagemaker.capabilities.multi-models=true
USER 10001
EXPOSE 8080
# Ends with 0 when a worker is ready; asks the socket of FORKCAST_CONTROL.
HEALTHCHECK --interval=5s --timeout=2s --start-period=240s CMD ["forkcast", "status", "--json"]
# Exec form, so that the server is process 1 and gets the signal: it stops taking requests, answers those it has, and leaves.
STOPSIGNAL SIGTERM
ENTRYPOINT ["forkcast"]
CMD ["serve"]

# `forkcast train` becomes the program beside it.
FROM serve AS with-trainer
USER 0
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends libxgboost0 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /var/cache/ldconfig/aux-cache
COPY --from=build-train /forkcast/build/release/bin/forkcast-train /usr/local/bin/
RUN dpkg-query -W -f '${Package} ${Version} ${Architecture}\n' > /usr/local/share/sbom/packages.txt

FROM with-trainer AS sagemaker

FROM with-trainer AS airflow
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /var/cache/ldconfig/aux-cache
RUN python3 -m venv /opt/airflow && /opt/airflow/bin/pip install --no-cache-dir --quiet apache-airflow==3.3.2 \
    && install -d -o forkcast -g forkcast /var/lib/airflow
ENV AIRFLOW_HOME=/var/lib/airflow PATH=/opt/airflow/bin:/usr/local/bin:/usr/bin:/bin
USER 10001
ENTRYPOINT ["airflow"]
CMD ["standalone"]

FROM with-trainer AS train
USER 10001
