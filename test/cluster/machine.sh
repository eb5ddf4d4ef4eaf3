#!/usr/bin/env bash
# The first process of a cluster's node, in namespaces of its own for mounts, processes, network, hostname and IPC.
# Everything that runs on the node is its descendant: when it is killed, the kernel kills them all and drops their mounts
# and networks. It adopts and reaps orphans, and does nothing else.
#
#   unshare --net --mount --propagation slave --pid --fork --mount-proc --uts --ipc machine.sh STATE HOSTNAME
set -euo pipefail
state=$1

mount --make-rshared /
# Sockets, locks and network namespaces of the node: none may stay in the machine's own /run.
mount -t tmpfs -o mode=0755 tmpfs /run
mount --bind "$state/lib" /var/lib
mount --bind "$state/log" /var/log
# The kubelet insists on setting these, which are the whole machine's: it gets files of its own.
for value in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys \
  kernel/keys/root_maxbytes; do
  mkdir -p "/run/sysctl/$value"
  cat "/proc/sys/$value" >"/run/sysctl/$value/value"
  mount --bind "/run/sysctl/$value/value" "/proc/sys/$value"
done
hostname "$2"
ip link set lo up

echo ready
exec >/dev/null 2>&1
# As a shell that waits for a child, it reaps whatever ends meanwhile.
sleep infinity &
wait
