# The sandbox server and what starts it, for tests of the engine: it is built in seconds.
FROM docker.io/library/debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
COPY node /usr/local/bin/node
COPY server /opt/paddock
ENV HOME=/home/sandbox USER=sandbox PADDOCK_LISTEN=:8080 PADDOCK_RUN_DIR=/run/paddock \
  PADDOCK_BIND_FILE=/run/paddock/bind.json PADDOCK_WORKSPACE=/mnt/user-data/workspace
USER 1000:1000
ENTRYPOINT ["tini", "--", "sh", "-c", "mkdir -p $PADDOCK_WORKSPACE && exec node /opt/paddock/main.cjs"]
