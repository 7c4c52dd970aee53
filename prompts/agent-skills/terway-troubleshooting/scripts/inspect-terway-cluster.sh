#!/bin/sh
# Cluster-wide Terway configuration and component health.
# usage: inspect-terway-cluster.sh [--context NAME | --kubeconfig FILE | --bundle PATH]
set -eu
exec "$(dirname "$0")/terway-mcp" inspect cluster "$@"
