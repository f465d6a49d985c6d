# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Checks and what they are made of.

passed=0
failed=0
gaps=0
run_began=$SECONDS

# begin <subject>: a heading.
begin() {
    subject=$1
    printf '# %s\n' "$1"
}

# finish: the counts; exits.
finish() {
    printf '%d ok, %d not ok, %d known gaps in %d s\n' $passed $failed $gaps $((SECONDS - run_began))
    [ $failed = 0 ] && exit 0
    cp -r /var/log/pods "$logs/pods" 2>/dev/null
    printf 'the programs'\'' logs are in %s; the end of the server'\''s:\n' "$logs"
    tail -n 15 "$logs/server.log" | cut -c 1-300
    exit 1
}

# check <sentence> <command>...: the command stops at its first failing step; what it printed last is the reason.
check() {
    local sentence=$1 output reason status began=${EPOCHREALTIME/./} took
    shift
    output=$logs/$((passed + failed + gaps + 1)).out
    printf '%s\n' "$subject: $sentence" >"$output"
    (
        set -euo pipefail
        "$@"
    ) >>"$output" 2>&1 </dev/null
    status=$?
    took=$(((${EPOCHREALTIME/./} - began) / 100000))
    took="$((took / 10)).$((took % 10)) s"
    if [ $status = 0 ]; then
        passed=$((passed + 1))
        printf 'ok %s (%s)\n' "$sentence" "$took"
        if is_known_gap "$sentence"; then printf '  (listed in known-gaps, and closed: take it off)\n'; fi
        return
    fi
    reason=$(tail -n +2 "$output" | grep -v '^$' | tail -n 3 | tr '\n' ' ' | cut -c 1-400)
    if is_known_gap "$sentence"; then
        gaps=$((gaps + 1))
        printf 'gap %s (%s)\n' "$sentence" "$(gap_reason "$sentence")"
        return
    fi
    failed=$((failed + 1))
    printf 'not ok %s: %s (%s, status %d)\n' "$sentence" "${reason:-it printed nothing}" "$took" $status
}

# A gap is a line `<sentence>: <reason>` in known-gaps.
is_known_gap() { [ -n "$(gap_reason "$1")" ]; }
gap_reason() {
    local line
    while IFS= read -r line; do
        [[ "$line" != "$1: "* ]] || printf '%s\n' "${line#"$1: "}"
    done <"$here/known-gaps"
}

# k <arguments>...: the kubectl under test; nothing it does here takes longer.
kubectl=kubectl
k() { timeout 90 "$kubectl" "$@"; }

# says <regex> <command>...: the command works, and its output matches.
says() {
    local pattern=$1 output
    shift
    output=$("$@" 2>&1) || { echo "$* failed: $output"; return 1; }
    grep -Eq -- "$pattern" <<<"$output" || { echo "$* does not say /$pattern/: $output"; return 1; }
}

# refuses <regex> <command>...: the command fails, in time, and its output matches.
refuses() {
    local pattern=$1 output status=0
    shift
    output=$(timeout 20 "$@" 2>&1) || status=$?
    [ $status != 0 ] || { echo "$* did not fail: $output"; return 1; }
    [ $status != 124 ] || { echo "$* hung: $output"; return 1; }
    grep -Eq -- "$pattern" <<<"$output" || { echo "$* does not say /$pattern/: $output"; return 1; }
}

# within <seconds> <command>...: the command works in time, tried again and again.
within() {
    local deadline output
    deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))
    shift
    until output=$("$@" 2>&1); do
        [ "${EPOCHREALTIME/./}" -lt $deadline ] || { echo "not in time: $* (at last: $output)"; return 1; }
        sleep 0.1
    done
    printf '%s\n' "$output"
}

# equal <got> <wanted>
equal() { [ "$1" = "$2" ] || { echo "got \"$1\" where \"$2\" was to be"; return 1; }; }

# field <jsonpath> <kubectl get arguments>...: a value of an object.
field() {
    local path=$1
    shift
    k get "$@" -o "jsonpath={$path}"
}

# has_field <value> <jsonpath> <kubectl get arguments>...
has_field() {
    local wanted=$1 got
    shift
    got=$(field "$@")
    equal "$got" "$wanted"
}

# standing_pod <kubectl get arguments>...: the name of a pod that runs and is not on its way out, as those are that a
# rollout has just replaced.
standing_pod() {
    k get pods "$@" -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{if eq .status.phase "Running"}}{{.metadata.name}}{{"\n"}}{{end}}{{end}}{{end}}' | sed -n 1p
}

# answers <url> [curl option]...: the body, or failure within two seconds.
answers() { curl -sS -g --max-time 2 "${@:2}" "$1"; }

# in_terminal <command line>: under a terminal of its own, as a person would, of 33 rows and 101 columns.
in_terminal() { timeout 60 script -qefc "stty rows 33 cols 101; $1" /dev/null; }

# from_outside <command>...: on the machine at the other end of the wire.
from_outside() { nsenter -t "$outside" -n "$@"; }
