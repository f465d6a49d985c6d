# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Debian's docker-registry on loopback, for the subjects that pull.

start_registry() {
    mkdir -p "$work/registry"
    cat >"$work/registry.yaml" <<end
version: 0.1
storage: {filesystem: {rootdirectory: $work/registry}, delete: {enabled: true}}
http: {addr: "127.0.0.1:5000"}
end
    docker-registry serve "$work/registry.yaml" >"$logs/registry.log" 2>&1 &
    within 10 curl -sSf http://127.0.0.1:5000/v2/
}
