#!/bin/sh
# Terway's view of nodes: ENI mode, dynamic config, labels, ENI and IP accounting. Without names: the first 20 nodes.
# usage: inspect-terway-node.sh [<node-name>...] [--context NAME | --kubeconfig FILE | --bundle PATH]
set -eu
exec "$(dirname "$0")/terway-mcp" inspect node "$@"
