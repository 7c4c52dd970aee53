#!/bin/sh
# Terway's view of one pod: config source, PodENI, the Terway pod on its node.
# usage: inspect-terway-pod.sh <namespace> <pod-name> [--context NAME | --kubeconfig FILE | --bundle PATH]
set -eu
[ $# -ge 2 ] || { sed -n 's/^# usage/usage/p' "$0" >&2; exit 2; }
exec "$(dirname "$0")/terway-mcp" inspect pod "$@"
