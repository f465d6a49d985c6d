# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the node does with pods: probes, init containers, back-off, hooks, static pods, security; Jobs, DaemonSets, CronJobs.

need_server

kubelet_pods() {
    cat <<end
apiVersion: v1
kind: Pod
metadata: {name: unlively}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: $example_image
      command: [/bin/sh, -c, 'touch /tmp/alive; sleep 1; rm /tmp/alive; sleep 1000']
      livenessProbe: {exec: {command: [test, -e, /tmp/alive]}, periodSeconds: 1, failureThreshold: 1, initialDelaySeconds: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: gated, labels: {app: gated}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: $example_image
      command: [/bin/sh, -c, 'mkdir -p /tmp/www; exec httpd -f -p 8080 -h /tmp/www']
      readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1, failureThreshold: 1}
      startupProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: gated}
spec:
  selector: {app: gated}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: Pod
metadata: {name: prepared}
spec:
  terminationGracePeriodSeconds: 0
  initContainers:
    - {name: first, image: $example_image, command: [/bin/sh, -c, 'echo 1 >>/work/steps'], volumeMounts: [{name: work, mountPath: /work}]}
    - {name: beside, image: $example_image, restartPolicy: Always, command: [sleep, "1000"]}
    - {name: second, image: $example_image, command: [/bin/sh, -c, 'echo 2 >>/work/steps'], volumeMounts: [{name: work, mountPath: /work}]}
  containers:
    - {name: main, image: $example_image, command: [/bin/sh, -c, 'cat /work/steps; sleep 1000'], volumeMounts: [{name: work, mountPath: /work}]}
  volumes: [{name: work, emptyDir: {}}]
---
apiVersion: v1
kind: Pod
metadata: {name: failing}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: $example_image
      command: [/bin/sh, -c, 'echo this run failed; echo because of reasons >/dev/termination-log; exit 9']
---
apiVersion: v1
kind: Pod
metadata: {name: telling}
spec:
  restartPolicy: Never
  containers:
    - {name: main, image: $example_image, terminationMessagePolicy: FallbackToLogsOnError, command: [/bin/sh, -c, 'echo last words; exit 4']}
---
apiVersion: v1
kind: Pod
metadata: {name: uninitialized}
spec:
  restartPolicy: Never
  initContainers: [{name: first, image: $example_image, command: ["false"]}]
  containers: [{name: main, image: $example_image, command: [sleep, "1000"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: hooked}
spec:
  terminationGracePeriodSeconds: 5
  containers:
    - name: main
      image: $example_image
      command: [/bin/sh, -c, 'trap "echo asked to stop >>/host/hooks; exit 0" TERM; while :; do sleep 0.1; done']
      lifecycle:
        postStart: {exec: {command: [/bin/sh, -c, 'echo started >>/host/hooks']}}
        preStop: {exec: {command: [/bin/sh, -c, 'echo stopping >>/host/hooks']}}
      volumeMounts: [{name: host, mountPath: /host}]
  volumes: [{name: host, hostPath: {path: $work/hooks, type: DirectoryOrCreate}}]
---
apiVersion: v1
kind: Pod
metadata: {name: confined}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000, supplementalGroups: [3000], seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: main
      image: $example_image
      workingDir: /data
      command: [sleep, "1000"]
      securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, emptyDir: {}}]
---
apiVersion: v1
kind: Pod
metadata: {name: on-host}
spec:
  hostNetwork: true
  hostPID: true
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: $example_image, command: [sleep, "1000"], securityContext: {privileged: true}}]
---
apiVersion: v1
kind: Pod
metadata: {name: on-port}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: $example_image, command: [/bin/sh, -c, 'mkdir /tmp/www; echo by host port >/tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www'], ports: [{containerPort: 8080, hostPort: 8088}]}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: sums}
spec:
  completions: 3
  parallelism: 2
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: $example_image, command: [/bin/sh, -c, 'echo \$((6 * 7))']}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: everywhere}
spec:
  selector: {matchLabels: {app: everywhere}}
  template:
    metadata: {labels: {app: everywhere}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: $example_image, command: [sleep, "1000"]}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: ordered}
spec:
  serviceName: ordered
  replicas: 2
  selector: {matchLabels: {app: ordered}}
  template:
    metadata: {labels: {app: ordered}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: $example_image, command: [sleep, "1000"]}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: minutely}
spec:
  schedule: "* * * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: main, image: $example_image, command: ["true"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: too-big}
spec:
  containers: [{name: main, image: $example_image, resources: {requests: {memory: 900Gi}}}]
end
}
# All at once: what each of them takes its time for goes on while others are looked at.
check "pods of many kinds are accepted" eval 'kubelet_pods | k apply -f -'

init_containers() {
    k wait --for=condition=Ready pod/prepared --timeout=30s
    equal "$(k logs prepared -c main | tr '\n' ' ')" "1 2 "
    has_field "Completed Completed" '.status.initContainerStatuses[*].state.terminated.reason' pod prepared
    has_field true '.status.initContainerStatuses[1].ready' pod prepared
}
check "init containers run in order, a sidecar beside them" init_containers

# A browser's way to a log, in the frames of a WebSocket: a server's are not masked, so base64 can be read in them. curl
# takes the answer to an upgrade it has not asked for itself for the promise of another.
log_socket() {
    local field output
    for field in client-certificate client-key certificate-authority; do
        grep "$field-data" "$KUBECONFIG" | awk '{print $2}' | base64 -d >"$work/$field"
    done
    output=$({
        printf 'GET /api/v1/namespaces/default/pods/prepared/log?container=main HTTP/1.1\r\nHost: 127.0.0.1\r\n'
        printf 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
        printf 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: %s\r\n\r\n' "$1"
        sleep 1
    } | timeout 2 openssl s_client -quiet -connect 127.0.0.1:6443 -CAfile "$work/certificate-authority" \
        -cert "$work/client-certificate" -key "$work/client-key" 2>/dev/null | tr -d '\0\r') ||
        true # a connection that is kept after a refusal
    grep -aq "$2" <<<"$output" || { echo "$1: not /$2/ but: $output"; return 1; }
}
log_sockets() {
    log_socket base64.binary.k8s.io "$(printf '1\n2\n' | base64)"
    log_socket binary.k8s.io '^2'
    log_socket something.else '^HTTP/1.1 400 '
}
check "a log is read over a WebSocket" log_sockets

init_fails() {
    within 20 has_field Failed .status.phase pod uninitialized
    has_field 1 '.status.initContainerStatuses[0].state.terminated.exitCode' pod uninitialized
}
check "a failed init container fails a pod that is not to restart" init_fails

readiness() {
    within 15 has_field Running .status.phase pod gated
    within 10 has_field true '.status.containerStatuses[0].started' pod gated
    has_field False '.status.conditions[?(@.type=="Ready")].status' pod gated
    refuses 'refused|Failed to connect' curl -sS --max-time 2 "http://$(field .spec.clusterIP service gated)/"
    k exec gated -- sh -c 'echo yes >/tmp/www/ready'
    k wait --for=condition=Ready pod/gated --timeout=10s
    within 5 says yes answers "http://$(field .spec.clusterIP service gated)/ready"
    k exec gated -- rm /tmp/www/ready
    k wait --for=condition=Ready=false pod/gated --timeout=10s
    within 5 refuses 'refused|Failed to connect' curl -sS --max-time 2 "http://$(field .spec.clusterIP service gated)/"
    has_field 0 '.status.containerStatuses[0].restartCount' pod gated
}
check "readiness decides over the Service's endpoints, both ways" readiness

liveness() {
    within 20 says '^[1-9]' field '.status.containerStatuses[0].restartCount' pod unlively
    says 'Unhealthy.*Liveness probe failed' k describe pod unlively
    says 'Killing.*failed liveness probe' k describe pod unlively
    k delete pod unlively --now
}
check "a failed liveness probe restarts the container and says why" liveness

back_off() {
    within 40 has_field CrashLoopBackOff '.status.containerStatuses[0].state.waiting.reason' pod failing
    has_field 'because of reasons' '.status.containerStatuses[0].lastState.terminated.message' pod failing || \
        says 'because of reasons' field '.status.containerStatuses[0].lastState.terminated.message' pod failing
    has_field 9 '.status.containerStatuses[0].lastState.terminated.exitCode' pod failing
    equal "$(k logs failing --previous)" "this run failed"
    says 'Back-off restarting failed container' k describe pod failing
}
check "a failing container backs off, with its message, exit code and last log" back_off

last_words() {
    within 10 has_field Failed .status.phase pod telling
    says '^last words' field '.status.containerStatuses[0].state.terminated.message' pod telling
    has_field Error '.status.containerStatuses[0].state.terminated.reason' pod telling
}
check "a termination message falls back to the log" last_words

hooks() {
    k wait --for=condition=Ready pod/hooked --timeout=20s
    k delete pod hooked
    equal "$(tr '\n' ',' <"$work/hooks/hooks")" "started,stopping,asked to stop,"
}
check "postStart, preStop and SIGTERM come in order" hooks

confined() {
    k wait --for=condition=Ready pod/confined --timeout=20s
    equal "$(k exec confined -- sh -c 'id -u; id -g; id -G; pwd; stat -c %g /data' | tr '\n' ' ')" "1000 1000 1000 2000 3000 /data 2000 "
    equal "$(k exec confined -- sh -c 'grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status' | tr -s '\t\n' '  ')" \
        "CapBnd: 0000000000000000 CapEff: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 " || \
        equal "$(k exec confined -- sh -c 'grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status' | tr -s '\t\n' '  ')" \
        "CapEff: 0000000000000000 CapBnd: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 "
    refuses 'Read-only file system' kubectl exec confined -- touch /file
    k exec confined -- touch /data/file
}
check "securityContext: user, groups, capabilities, seccomp, read-only root" confined

on_host() {
    k wait --for=condition=Ready pod/on-host --timeout=20s
    has_field 10.99.0.2 .status.podIP pod on-host
    equal "$(k exec on-host -- hostname)" node-1
    says "swiftlet.server" k exec on-host -- ps
}
check "hostNetwork, hostPID and privileged" on_host

host_port() {
    k wait --for=condition=Ready pod/on-port --timeout=20s
    within 5 says 'by host port' from_outside curl -sS --max-time 2 http://10.99.0.2:8088/
    says 'by host port' from_outside curl -sS -g --max-time 2 'http://[fd99::2]:8088/'
    says 'by host port' answers http://10.99.0.2:8088/
}
check "a host port is reached from another machine and from the node" host_port

job() {
    k wait --for=condition=complete job/sums --timeout=40s
    has_field 3 .status.succeeded job sums
    equal "$(k logs -l job-name=sums | sort | uniq -c | tr -s ' ')" " 3 42"
    k delete job sums
}
check "a Job of three completes" job

daemon_set() {
    k rollout status daemonset/everywhere --timeout=30s
    has_field 1 .status.numberReady daemonset everywhere
}
check "a DaemonSet runs on the node" daemon_set

stateful_set() {
    k rollout status statefulset/ordered --timeout=40s
    equal "$(k get pods -l app=ordered -o 'jsonpath={.items[*].metadata.name}')" "ordered-0 ordered-1"
}
check "a StatefulSet runs its pods in order" stateful_set

static_pod() {
    mkdir -p /etc/kubernetes/manifests
    cat >/etc/kubernetes/manifests/fixed.yaml <<end
apiVersion: v1
kind: Pod
metadata: {name: fixed, namespace: kube-system}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: $example_image, command: [sleep, "1000"]}]
end
    within 20 k -n kube-system wait --for=condition=Ready pod/fixed-node-1 --timeout=20s
    says 'kubernetes.io/config.mirror' k -n kube-system get pod fixed-node-1 -o yaml
    # Deleting the mirror does not stop what the file asks for.
    k -n kube-system delete pod fixed-node-1 --now
    within 20 k -n kube-system get pod fixed-node-1
    within 10 has_field Running .status.phase -n kube-system pod fixed-node-1
    rm /etc/kubernetes/manifests/fixed.yaml
    within 30 refuses NotFound kubectl -n kube-system get pod fixed-node-1
}
check "a static pod comes with its file, survives its mirror's deletion and goes with its file" static_pod

unschedulable() {
    within 5 says 'FailedScheduling.*0/1 nodes are available: 1 Insufficient memory' k describe pod too-big
    has_field Unschedulable '.status.conditions[?(@.type=="PodScheduled")].reason' pod too-big
}
check "a pod that fits nowhere is told why" unschedulable

grace() {
    k run stubborn --image=$example_image --restart=Never --overrides='{"spec":{"terminationGracePeriodSeconds":2}}' -- sh -c 'trap "" TERM; while :; do sleep 0.2; done'
    k wait --for=condition=Ready pod/stubborn --timeout=20s
    local began=$SECONDS
    k delete pod stubborn
    echo "took $((SECONDS - began)) s"
    [ $((SECONDS - began)) -ge 2 ] && [ $((SECONDS - began)) -le 6 ]
}
check "a container that will not stop is killed after its grace period" grace

deadline() {
    k run limited --image=$example_image --restart=Never --overrides='{"spec":{"activeDeadlineSeconds":2,"terminationGracePeriodSeconds":0}}' -- sleep 1000
    within 15 has_field DeadlineExceeded .status.reason pod limited
    k delete pod limited
}
check "activeDeadlineSeconds ends a pod" deadline

node_reports() {
    says '^[1-9]' field .status.capacity.cpu node node-1
    says 'Ki$' field .status.allocatable.memory node node-1
    says '^110$' field .status.capacity.pods node node-1
    has_field '10.99.0.2 fd99::2 node-1' '.status.addresses[*].address' node node-1
    says 'MemoryPressure=False.*Ready=True' k get node node-1 -o 'jsonpath={range .status.conditions[*]}{.type}={.status} {end}'
    says 'node-1' k -n kube-node-lease get lease node-1 -o 'jsonpath={.spec.holderIdentity}'
    says 'hello' k get node node-1 -o 'jsonpath={.status.images[*].names}'
}
check "the Node reports capacity, addresses, conditions, images and a Lease" node_reports

kubelet_port() {
    refuses 'Unauthorized|401' curl -sSfk --max-time 5 https://10.99.0.2:10250/pods
    says '^ok$' curl -sSf --max-time 5 http://127.0.0.1:10248/healthz
    says '"summary"|"node"' k get --raw /api/v1/nodes/node-1/proxy/stats/summary
    says '# TYPE' k get --raw /api/v1/nodes/node-1/proxy/metrics
}
check "the kubelet's port knows who asks" kubelet_port

cron_job() {
    within 75 says minutely k get jobs -o 'jsonpath={.items[*].metadata.ownerReferences[*].name}'
    within 20 says . field .status.lastSuccessfulTime cronjob minutely
}
check "a CronJob runs on the minute" cron_job

clean_kubelet() {
    kubelet_pods | k delete --now --ignore-not-found -f -
    within 40 has_field "" '.items[*].metadata.name' pods
}
check "all of them are deleted" clean_kubelet
