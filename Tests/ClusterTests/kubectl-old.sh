# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The same with Debian's kubectl, twelve minor versions older: SPDY instead of WebSockets, OpenAPI 2, protobuf.

need_server
. "$here/kubectl-essentials.sh"
kubectl=.build/kubernetes-client/usr/bin/kubectl
check "Debian's kubectl 1.20 is here" says 'v1\.20' "$kubectl" version --client
essentials old
check "a namespace is deleted with all that is in it" k delete namespace old --timeout=60s
kubectl=kubectl
