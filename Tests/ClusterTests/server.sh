# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The server's life, and what of it outsiders can see.

# launch_server [option]...: starts it and returns at once.
launch_server() {
    setsid "$programs/swiftlet" server "$@" >>"$logs/server.log" 2>&1 </dev/null &
    echo $! >"$work/server.pid"
}

# start_server [option]...: and waits until the node is Ready.
start_server() {
    launch_server "$@"
    within 30 is_ready
}

server_pid() { cat "$work/server.pid"; }

is_ready() {
    kill -0 "$(server_pid)" || { tail -n 3 "$logs/server.log"; return 1; }
    timeout 5 kubectl get --raw /readyz || return 1
    [ "$(timeout 5 kubectl get node node-1 -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')" = True ]
}

# await_end <pid>: until the process has ended with all its threads. The first is a zombie before the others have let go of
# the files they hold locks of.
await_end() {
    while [ -d "/proc/$1" ]; do
        if grep -q '^State:.Z' "/proc/$1/status" && [ "$(find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l)" -le 1 ]; then
            return
        fi 2>/dev/null
        sleep 0.01
    done
}

# crash_server: as a power cut would have it, for this process.
crash_server() {
    local pid
    pid=$(server_pid)
    kill -9 "$pid"
    await_end "$pid"
}

# need_server: a subject alone starts its own; behind another it uses the one that runs.
need_server() {
    if [ -e "$work/server.pid" ] && kill -0 "$(server_pid)" 2>/dev/null; then return; fi
    import_example_image >"$logs/image.out" 2>&1
    check "the server starts and its node becomes Ready" start_server
}

# processes_of <pod uid>: every process in the pod's cgroup; its shim is not among them.
processes_of() { find /sys/fs/cgroup -path "*pod$1*" -name cgroup.procs -exec cat {} + | sort -n; }

# inits_of <pod uid>: those of them that are the first of their pid namespace, one a container.
inits_of() {
    local pid
    for pid in $(processes_of "$1"); do
        [ "$(awk '/^NSpid:/ { print $NF }' "/proc/$pid/status" 2>/dev/null)" != 1 ] || echo "$pid"
    done
}

# container_init <pod>: the process id of its first container's first process.
container_init() { inits_of "$(field .metadata.uid pod "$1")" | awk 'NR == 1 { print; found = 1 } END { exit !found }'; }

# shim_of <pod>: the process id of its shim, known by the pod's uid on its command line.
shim_of() {
    local uid pid
    uid=$(field .metadata.uid pod "$1")
    for pid in /proc/[0-9]*; do
        if [[ "$(readlink "$pid/exe")" = */swiftlet-shim* ]] && tr '\0' ' ' <"$pid/cmdline" | grep -q "$uid"; then
            echo "${pid##*/}"
            return
        fi
    done
    echo "no shim of pod $1 ($uid)" >&2
    return 1
}

# pods_as_they_are <selector>: what a restart of the server must not change.
pods_as_they_are() {
    local uid pods
    pods=$(k get pods -l "$1" --no-headers -o custom-columns=N:.metadata.name,U:.metadata.uid,IP:.status.podIP,R:.status.containerStatuses[*].restartCount,C:.status.containerStatuses[*].containerID | sort)
    echo "$pods"
    for uid in $(awk '{ print $2 }' <<<"$pods"); do
        echo "$uid $(inits_of "$uid" | tr '\n' ' ')"
    done
}
