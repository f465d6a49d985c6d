# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Kubernetes' own conformance suite. It runs when asked for by name only, with SWIFTLET_CONFORMANCE naming a directory of
# programs built from Kubernetes 1.36: `e2e.test`, `ginkgo`, `agnhost`, `kubectl`, and for its test of aggregation
# `sample-apiserver` and `etcd` (docs/contributing.md says how). What decides about a run:
#
#   CONFORMANCE_FOCUS    a regular expression on the tests' names; all of `[Conformance]` without it
#   CONFORMANCE_SKIP     another, of tests to leave out
#   CONFORMANCE_PROCS    tests at a time, 4 without it; those marked [Serial] run alone in any case
#
# Everything the suite prints is in conformance.log, its report in junit.xml, the counts in conformance.txt.

suite=${SWIFTLET_CONFORMANCE:?SWIFTLET_CONFORMANCE must name the directory of e2e.test, ginkgo, agnhost and kubectl}
debian=$suite/base.tar  # `run` has made it

. "$here/registry-server.sh"
need_server
check "Debian's docker-registry serves on loopback" start_registry
check "the suite's images are made and pushed" \
    python3 "$here/conformance-images.py" "$debian" "$suite" "$work/conformance" localhost:5000

cat >"$work/repositories.yaml" <<'end'
promoterE2eRegistry: localhost:5000/e2e-test-images
gcRegistry: localhost:5000
gcEtcdRegistry: localhost:5000
end

run_suite() {
    local skip=()
    [ -z "${CONFORMANCE_SKIP:-}" ] || skip=(--skip "$CONFORMANCE_SKIP")
    KUBE_TEST_REPO_LIST=$work/repositories.yaml "$suite/ginkgo" --procs "${CONFORMANCE_PROCS:-4}" --timeout 24h \
        --focus "${CONFORMANCE_FOCUS:-\[Conformance\]}" "${skip[@]}" --no-color --silence-skips "$suite/e2e.test" -- \
        --kubeconfig "$KUBECONFIG" --provider skeleton --report-dir "$logs" --kubectl-path "$suite/kubectl" \
        --disable-log-dump --dump-logs-on-failure=false --num-nodes 1 >"$logs/conformance.log" 2>&1
}
check "the conformance suite passes" run_suite
python3 "$here/conformance-summary.py" "$logs"/junit*.xml | tee "$logs/conformance.txt"
