# Forkcast on Debian 12. `docker run IMAGE serve` and `docker run IMAGE train` are how SageMaker starts it. `docker build
# --target serve` gives an image that does not train, without XGBoost; `--target proxy` the nginx that docker-compose.yml puts
# in front.

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
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY conf/nginx-common.conf conf/nginx-compose.conf /etc/forkcast/
RUN mkdir /var/lib/forkcast-nginx \
    && ln -s /dev/stdout /var/lib/forkcast-nginx/access.log && ln -s /dev/stderr /var/lib/forkcast-nginx/error.log
EXPOSE 8080
# nginx takes SIGTERM for "at once"; SIGQUIT lets running requests end.
STOPSIGNAL SIGQUIT
ENTRYPOINT ["nginx", "-p", "/var/lib/forkcast-nginx", "-c", "/etc/forkcast/nginx-compose.conf", "-g", "daemon off;"]

FROM debian:bookworm-slim AS serve
# The shared libraries of the programs, time zones, and curl for health checks.
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends \
      libboost-program-options1.81.0 libcctz2 libcurl4 libfmt9 libnettle8 libpq5 libsimdjson14 libspdlog1.10 libsqlite3-0 libsystemd0 libxxhash0 zlib1g tzdata curl ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build /forkcast/build/release/bin/forkcast /forkcast/build/release/bin/forkcast-client /usr/local/bin/
COPY conf /opt/forkcast/conf
WORKDIR /opt/forkcast
# The store and its snapshots; filled by `forkcast ingest`.
VOLUME /var/lib/forkcast
ENV FORKCAST_PIPELINE=/opt/forkcast/conf/pipelines/order_triage.json \
    FORKCAST_STORE=sqlite:/var/lib/forkcast/forkcast.db \
    SAGEMAKER_BIND_TO_PORT=8080
# By which SageMaker knows that the image listens where it is told to, and serves many models.
LABEL com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true \
      com.amazonaws.sagemaker.capabilities.multi-models=true
EXPOSE 8080
# Exec form, so that the server is process 1 and gets the signal: it stops taking requests, answers those it has, and leaves.
STOPSIGNAL SIGTERM
# Runs as root, since SageMaker allows no other user. Elsewhere `docker run --user` works with a store that user may write.
ENTRYPOINT ["forkcast"]
CMD ["serve"]

# The same, which also trains: `forkcast train` becomes the program beside it.
FROM serve AS run
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends libxgboost0 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build-train /forkcast/build/release/bin/forkcast-train /usr/local/bin/
