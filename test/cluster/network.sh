#!/usr/bin/env bash
# The network of a cluster, run on its node: the node's own address, a second namespace that plays the rest of the world,
# and the rules that hand the packets of pods to the program that judges them.
#
#   network.sh NODE ROUTER POD_RANGE OUTSIDE_ADDRESS...
set -euo pipefail
node=$1 router=$2 pods=$3
shift 3

ip netns add internet
# Not `ip netns exec`: it mounts another /sys, without control groups.
outside() { nsenter --net=/run/netns/internet -- "$@"; }

ip link add uplink type veth peer name downlink netns internet
ip address add "$node/24" dev uplink
ip link set uplink up
outside ip link set lo up
outside ip address add "$router/24" dev downlink
outside ip link set downlink up
for address in "$@"; do outside ip address add "$address/32" dev lo; done
# ClusterIPs need a route too, from the node itself: without one they are unreachable before kube-proxy's rules are asked.
ip route add default via "$router"
sysctl -qw net.ipv4.ip_forward=1

# The policy program's own rules need an expression of nftables that not every kernel has; these do the same. The first
# packet of a connection decides. The kubelet, which probes pods from the node, is let through, as Kubernetes asks.
queue=(-j NFQUEUE --queue-num 100 --queue-bypass)
iptables -t mangle -A POSTROUTING -m addrtype --src-type LOCAL -j ACCEPT
iptables -t mangle -A POSTROUTING -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
iptables -t mangle -A POSTROUTING -s "$pods" "${queue[@]}"
iptables -t mangle -A POSTROUTING -d "$pods" "${queue[@]}"
# From a pod to its own node: the API server, the kubelet and the registry are there, and elsewhere in a larger cluster.
iptables -t mangle -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
iptables -t mangle -A INPUT -s "$pods" "${queue[@]}"
