# syntax=docker/dockerfile:1
# haggle in a container: docker build -t haggle .
#
# Runs as user 10001 on a read-only root file system; what it writes is in /var/lib/haggle: a SQLite file, and images unless
# they are in S3. Settings are variables HAGGLE_…, secrets files named by HAGGLE_…_FILE. deploy/compose.yaml shows both.

FROM rust:1.95-bookworm AS build
# The client of PostgreSQL. A version would pin what Debian's security updates replace.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libpq-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
COPY api_docs api_docs
COPY bench/load bench/load
COPY heap heap
COPY benches benches
COPY docs/openapi.json docs/openapi.json
COPY migrations migrations
COPY packages/client/src packages/client/src
COPY packages/components/src packages/components/src
COPY static static
COPY src src
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked --bin haggle --features postgres,s3 \
    && install -D --mode=0755 target/release/haggle /out/haggle

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libpq5 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 haggle \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/haggle --no-create-home --shell /usr/sbin/nologin haggle \
    && install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/haggle
COPY LICENSE-APACHE LICENSE-MIT /usr/share/doc/haggle/
COPY --from=build /out/haggle /usr/local/bin/haggle

# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
# haggle.db and its images land here, unless the settings say otherwise.
WORKDIR /var/lib/haggle
VOLUME /var/lib/haggle
ENV HAGGLE_BIND=0.0.0.0:5000
EXPOSE 5000
STOPSIGNAL SIGTERM
# The image has no curl. The command's own patience is 6 s.
HEALTHCHECK --interval=10s --timeout=7s --start-period=30s --retries=3 CMD ["haggle", "health"]
ENTRYPOINT ["haggle"]
CMD ["serve"]
