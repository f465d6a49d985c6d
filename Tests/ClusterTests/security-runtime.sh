# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What a pod can reach through the processes that make its containers and run commands in them, and through its mounts.

need_server
place=$work/security-runtime
mkdir -p "$place"
echo SECRET >"$place/marker"

# runtime_pod <name> <container members> <spec members>
runtime_pod() {
    cat <<end
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec: {terminationGracePeriodSeconds: 0, automountServiceAccountToken: false${3:+, $3}, containers: [{name: main, image: $example_image, command: [/bin/sh, -c, "while :; do sleep 1000; done"]${2:+, $2}}]}
end
}
tracing='securityContext: {capabilities: {add: [SYS_PTRACE]}}'
{
    runtime_pod shared "$tracing" 'shareProcessNamespace: true'
    echo ---
    runtime_pod traced "$tracing"
    echo ---
    runtime_pod open 'securityContext: {seccompProfile: {type: Unconfined}}'
    echo ---
    runtime_pod onhost '' 'hostNetwork: true'
} | k apply -f - >/dev/null
check "pods that trace are ready" k wait --for=condition=Ready --timeout=30s pod/shared pod/traced pod/open pod/onhost

nothing_behind_pause() {
    local status
    status=$(k exec shared -- cat /proc/1/status)
    for set in CapInh CapPrm CapEff CapBnd CapAmb; do
        grep -q "^$set:.0000000000000000$" <<<"$status" || { echo "$set: $status"; return 1; }
    done
    says '^Uid:.65535' echo "$(grep ^Uid <<<"$status")"
    says '.2$' echo "$(grep ^Seccomp: <<<"$status")"
    equal "$(k exec shared -- sh -c 'ls -A /proc/1/root; ls /proc/1/fd; cat /proc/1/environ')" ""
    refuses 'exit code 1' kubectl exec shared -- cat "/proc/1/root$place/marker"
    refuses 'exit code [12]' kubectl exec shared -- sh -c 'echo x >/proc/1/exe'
}
check "the holder of a shared pid namespace has nothing" nothing_behind_pause

# A loop in the pod looks at every process that comes, while commands are run there from outside.
looking='for p in /proc/[0-9]*; do [ "$p" = /proc/1 ] || for f in "$p"/fd/*; do [ ! -d "$f/" ] && [ ! -S "$f" ] || echo "$f $(readlink "$f")"; done; [ ! -e "$p/root'$place'/marker" ] || echo "$p/root"; [ ! -e "$p/cwd/../..'$place'/marker" ] || echo "$p/cwd"; done 2>/dev/null'
nothing_behind_exec() {
    local pod=$1 i found
    k exec "$pod" -- sh -c "while [ ! -e /tmp/stop ]; do $looking; done" >"$place/found" &
    for ((i = 0; i < 12; i++)); do k exec "$pod" -- true; done
    k exec "$pod" -- touch /tmp/stop
    wait $!
    found=$(head -n 3 "$place/found")
    equal "$found" ""
}
check "commands run in a pod bring no directory of the host and no socket" nothing_behind_exec traced
check "nor where the pid namespace is shared" nothing_behind_exec shared

joined_later() {
    k debug shared --image="$example_image" --target=main --container=late --image-pull-policy=Never --profile=general -- sh -c "$looking; readlink /proc/self/ns/pid; grep -c . /proc/1/comm" >/dev/null
    within 15 says '^1$' k logs shared -c late
    equal "$(k logs shared -c late | grep -v '^pid:\|^1$' || true)" ""
}
check "a container that joins a pid namespace later brings nothing either" joined_later

own_null_device() {
    local places
    places=$(k exec traced -- sh -c 'stat -L -c %d:%i /dev/null /proc/1/fd/0 /proc/self/fd/0' | sort -u)
    equal "$(wc -l <<<"$places")" 1
    [ "$places" != "$(stat -L -c %d:%i /dev/null)" ] || { echo "it is the host's"; return 1; }
}
check "programs and commands have the pod's null device, whose mode is no business of the host" own_null_device

cat <<end | k apply -f - >/dev/null
apiVersion: v1
kind: Pod
metadata: {name: covering}
spec:
  terminationGracePeriodSeconds: 0
  restartPolicy: Never
  volumes: [{name: plain, emptyDir: {}}, {name: links, emptyDir: {}}]
  initContainers:
    - {name: first, image: $example_image, command: [sh, -c, "ln -s /proc/sys/kernel/core_pattern /v/null; mkdir /v/pts /v/shm /v/mqueue"], volumeMounts: [{name: links, mountPath: /v}]}
  containers:
    - {name: attr, image: $example_image, command: [echo, STARTED], volumeMounts: [{name: plain, mountPath: /proc/thread-self/attr}]}
    - {name: proc, image: $example_image, command: [echo, STARTED], volumeMounts: [{name: plain, mountPath: /proc}]}
    - {name: magic, image: $example_image, command: [echo, STARTED], volumeMounts: [{name: plain, mountPath: /proc/1/root$place/made}]}
    - {name: dev, image: $example_image, command: [echo, STARTED], volumeMounts: [{name: links, mountPath: /dev}]}
end
refused_mounts() {
    local name
    for name in attr proc magic dev; do
        within 20 says 'Error' field ".status.containerStatuses[?(@.name==\"$name\")].state" pod covering
    done
    says 'inside /proc' field '.status.containerStatuses[?(@.name=="attr")].state.*.message' pod covering
    says 'only a procfs' field '.status.containerStatuses[?(@.name=="proc")].state.*.message' pod covering
    says 'null device' field '.status.containerStatuses[?(@.name=="dev")].state.*.message' pod covering
    [ ! -e "$place/made" ] || { echo "a directory of the host was made"; return 1; }
}
check "volumes over procfs, and links for devices, are refused with their reason" refused_mounts

filters() {
    says '2$' k exec traced -- grep ^Seccomp: /proc/self/status
    says '0$' k exec open -- grep ^Seccomp: /proc/self/status
    refuses 'not permitted' kubectl exec traced -- unshare -n true
}
check "pods have the default filter of system calls unless they ask for none" filters

sys_of_the_host() {
    says ' /sys sysfs ro' k exec onhost -- cat /proc/mounts
    equal "$(k exec onhost -- awk '$2 ~ "^/sys/" && $4 !~ "^ro" && $2 != "/sys/firmware" { print $2 }' /proc/mounts)" ""
}
check "a pod in the host's network gets nothing writable of the host's /sys" sys_of_the_host

k delete pod shared traced open onhost covering --wait=false >/dev/null

# Its first process stops whatever comes into its pid namespace, in a loop.
stopping_pod() {
    cat <<end
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec: {terminationGracePeriodSeconds: 3, automountServiceAccountToken: false, containers: [{name: main, image: $example_image, command: [/bin/sh, -c, "trap : TERM; while :; do kill -STOP -1; done"], resources: {limits: {cpu: 300m}}, $2}]}
end
}
not_held_up() {
    {
        stopping_pod hooked 'lifecycle: {preStop: {exec: {command: ["true"]}}}'
        echo ---
        stopping_pod probed 'livenessProbe: {exec: {command: ["true"]}, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 2}'
    } | k apply -f - >/dev/null
    within 30 says Running k get pod hooked
    k delete pod hooked --wait=false
    within 20 refuses NotFound kubectl get pod hooked
    within 40 says '^[1-9]' field '.status.containerStatuses[0].restartCount' pod probed
    k delete pod probed --wait=false
    within 20 refuses NotFound kubectl get pod probed
    within 5 nobody_execs
}
nobody_execs() { ! pgrep -f "$work/.*swiftlet-oci.* exec " >/dev/null; }
check "a pod that stops what comes into its pid namespace holds up neither its probes nor its end" not_held_up
