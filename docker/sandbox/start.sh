#!/bin/sh
# Starts the sandbox server. Its folders may be volumes that are empty, or hold what it had before a restart.
set -eu
umask 022
# Where a cluster's API is, which Kubernetes tells every pod, is no business of a sandbox.
unset KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT KUBERNETES_SERVICE_PORT_HTTPS KUBERNETES_PORT KUBERNETES_PORT_443_TCP \
  KUBERNETES_PORT_443_TCP_ADDR KUBERNETES_PORT_443_TCP_PORT KUBERNETES_PORT_443_TCP_PROTO

mkdir -p "$PADDOCK_WORKSPACE" "${PADDOCK_WORKSPACE%/*}/uploads" "${PADDOCK_WORKSPACE%/*}/outputs"
[ -e "$HOME/.venv" ] || cp -R /opt/paddock/home/. "$HOME/"
cd "$PADDOCK_WORKSPACE"

# What is freed goes back to the node; the server keeps this from its commands.
export MALLOC_TRIM_THRESHOLD_=131072

# gVisor runs no file that it may not read.
node=/opt/paddock/bin/node
/opt/paddock/bin/true 2>/dev/null || node=/usr/local/bin/node
exec "$node" /opt/paddock/server/main.cjs
