# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Every volume a pod can have without storage of its own, and what a container sees in it.

need_server
container_directories() { find /var/lib/swiftlet/images/containers -mindepth 1 -maxdepth 1 2>/dev/null | sort; }
container_directories >"$work/containers.before"

volume_pod() {
    cat <<end
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: green, size: "2", script.sh: "echo run"}
binaryData: {bytes: AAEC}
---
apiVersion: v1
kind: Secret
metadata: {name: password}
stringData: {word: swordfish}
---
apiVersion: v1
kind: Pod
metadata:
  name: volumes
  labels: {app: volumes, zone: a}
  annotations: {note: "line one"}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: $example_image
      command: [/bin/sh, -c, 'while :; do sleep 1000; done']
      resources: {requests: {cpu: 250m, memory: 16Mi}, limits: {memory: 32Mi}}
      env:
        - {name: FROM_MAP, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}
        - {name: FROM_SECRET, valueFrom: {secretKeyRef: {name: password, key: word}}}
        - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
        - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        - {name: MEMORY, valueFrom: {resourceFieldRef: {resource: limits.memory}}}
        - {name: MADE, value: "\$(FROM_MAP)-\$(NODE)-\$\$(NODE)-\$(NOTHING)"}
      envFrom: [{configMapRef: {name: settings}, prefix: S_}]
      volumeMounts:
        - {name: map, mountPath: /map}
        - {name: map, mountPath: /one/colour, subPath: colour}
        - {name: secret, mountPath: /secret, readOnly: true}
        - {name: down, mountPath: /down}
        - {name: all, mountPath: /all}
        - {name: scratch, mountPath: /scratch}
        - {name: memory, mountPath: /memory}
        - {name: host, mountPath: /host}
        - {name: host, mountPath: /host-read-only, readOnly: true}
    - name: other
      image: $example_image
      command: [/bin/sh, -c, 'while :; do sleep 1000; done']
      volumeMounts: [{name: scratch, mountPath: /shared}]
  volumes:
    - {name: map, configMap: {name: settings}}
    - {name: secret, secret: {secretName: password, defaultMode: 0400, items: [{key: word, path: deep/word}]}}
    - {name: down, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}, {path: cpu, resourceFieldRef: {containerName: main, resource: requests.cpu, divisor: 1m}}]}}
    - name: all
      projected:
        sources:
          - {configMap: {name: settings, items: [{key: size, path: size}]}}
          - {secret: {name: password}}
          - {downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}}
          - {serviceAccountToken: {path: token, audience: elsewhere, expirationSeconds: 3600}}
    - {name: scratch, emptyDir: {}}
    - {name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
    - {name: host, hostPath: {path: $work/hostpath, type: DirectoryOrCreate}}
end
}

in_main() { k exec volumes -c main -- sh -c "$1"; }

volumes_run() {
    volume_pod | k apply -f -
    k wait --for=condition=Ready pod/volumes --timeout=30s
}
check "a pod with every kind of volume becomes Ready" volumes_run

config_map() {
    equal "$(in_main 'cat /map/colour /map/size')" green2
    equal "$(in_main 'od -An -tx1 /map/bytes' | tr -d ' ')" 000102
    equal "$(in_main 'cat /one/colour')" green
    refuses 'Read-only file system' kubectl exec volumes -c main -- sh -c 'echo x >/map/colour'
}
check "configMap: files, binary data, subPath, read-only" config_map

config_map_changes() {
    k patch configmap settings -p '{"data":{"colour":"blue","new":"key"}}'
    # The kubelet looks within its sync period at the latest.
    within 75 equals_in_main 'cat /map/colour /map/new' bluekey
}
equals_in_main() { equal "$(in_main "$1")" "$2"; }

secret() {
    equal "$(in_main 'cat /secret/deep/word; stat -L -c %a /secret/deep/word; stat -f -c %T /secret')" "swordfish400
tmpfs"
}
check "secret: chosen keys, modes, in memory" secret

downward() {
    says '^zone="a"$' in_main 'cat /down/labels'
    equal "$(in_main 'cat /down/cpu')" 250
    k label pod volumes zone=b --overwrite
    within 75 says '^zone="b"$' in_main 'cat /down/labels'
}
check "downwardAPI: labels and resources, and labels as they change" downward

projected() {
    equal "$(in_main 'cat /all/size /all/word /all/name')" 2swordfishvolumes
    # The claims of a JSON web token are its second part.
    says '"aud":\["elsewhere"\]' sh -c "$(declare -f k); kubectl=kubectl; k exec volumes -c main -- cat /all/token | cut -d. -f2 | tr '_-' '/+' | base64 -d 2>/dev/null; true"
}
check "projected: several sources, and a token for an audience" projected

service_account() {
    local directory=/var/run/secrets/kubernetes.io/serviceaccount
    equal "$(in_main "cat $directory/namespace")" default
    in_main "cat $directory/ca.crt" >"$work/pod-ca.crt"
    says 'system:serviceaccount:default:default|Forbidden|forbidden' curl -sS --max-time 5 --cacert "$work/pod-ca.crt" \
        -H "Authorization: Bearer $(in_main "cat $directory/token")" "https://$(field .spec.clusterIP service kubernetes)/api/v1/namespaces/default/pods"
}
check "a pod's service account speaks to the API server at the Service's address" service_account

empty_dir() {
    in_main 'echo mine >/scratch/file'
    equal "$(k exec volumes -c other -- cat /shared/file)" mine
    equal "$(in_main 'stat -f -c %T /memory; stat -c %a /scratch')" "tmpfs
777"
    refuses 'No space left' kubectl exec volumes -c main -- dd if=/dev/zero of=/memory/big bs=1M count=3
}
check "emptyDir: shared by containers, in memory, with a limit" empty_dir

host_path() {
    in_main 'echo from the pod >/host/file'
    equal "$(cat "$work/hostpath/file")" "from the pod"
    refuses 'Read-only file system' kubectl exec volumes -c main -- touch /host-read-only/file
}
check "hostPath: made, written, and read-only where it says so" host_path

environment() {
    equal "$(in_main 'echo $FROM_MAP $FROM_SECRET $NODE $MEMORY $S_colour $S_size')" "green swordfish node-1 33554432 green 2"
    # shellcheck disable=SC2016
    equal "$(in_main 'echo "$MADE"')" 'green-node-1-$(NODE)-$(NOTHING)'
    equal "$(in_main 'echo $IP')" "$(field .status.podIP pod volumes)"
    says '^10\.43\.0\.1$' in_main 'echo $KUBERNETES_SERVICE_HOST'
}
check "environment: maps, secrets, fields, resources, references, services" environment

pod_files() {
    says "$(field .status.podIP pod volumes)[[:space:]]+volumes" in_main 'cat /etc/hosts'
    says '^(search|nameserver)' in_main 'cat /etc/resolv.conf'
    equal "$(in_main hostname)" volumes
    equal "$(field .status.qosClass pod volumes)" Burstable
}
check "/etc/hosts, /etc/resolv.conf, host name and QoS class" pod_files

check "configMap: a change reaches the pod" config_map_changes

missing_volume() {
    k apply -f - <<end
apiVersion: v1
kind: Pod
metadata: {name: waiting}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: $example_image, command: [sleep, "1000"], volumeMounts: [{name: late, mountPath: /late}]}]
  volumes: [{name: late, configMap: {name: late}}]
end
    within 20 says 'FailedMount.*configmap "late" not found' k describe pod waiting
    k create configmap late --from-literal=a=b
    k wait --for=condition=Ready pod/waiting --timeout=90s
    equal "$(k exec waiting -- cat /late/a)" b
}
check "a pod waits for a configMap, says so, and runs when it is there" missing_volume

image_volume() {
    k apply -f - <<end
apiVersion: v1
kind: Pod
metadata: {name: image-volume}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: main
      image: $example_image
      command: [sleep, "1000"]
      volumeMounts:
        - {name: files, mountPath: /files}
        - {name: files, mountPath: /part, subPath: bin}
    - {name: beside, image: $example_image, command: [sleep, "1000"], volumeMounts: [{name: files, mountPath: /files}]}
  volumes: [{name: files, image: {reference: $example_image}}]
---
apiVersion: v1
kind: Pod
metadata: {name: image-absent}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {name: main, image: $example_image, command: [sleep, "1000"], volumeMounts: [{name: files, mountPath: /files}]}
    - {name: beside, image: $example_image, command: [sleep, "1000"]}
  volumes: [{name: files, image: {reference: "$example_image-absent", pullPolicy: Never}}]
---
apiVersion: v1
kind: Pod
metadata: {name: image-part}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: $example_image, command: [sleep, "1000"], volumeMounts: [{name: files, mountPath: /files, subPath: no/such}]}]
  volumes: [{name: files, image: {reference: $example_image}}]
end
    k wait --for=condition=Ready pod/image-volume --timeout=20s
    says '^busybox$' k exec image-volume -- ls /files/bin
    says '^busybox$' k exec image-volume -- ls /part
    says '^busybox$' k exec image-volume -c beside -- ls /files/bin
    refuses 'Read-only file system' kubectl exec image-volume -- touch /files/new
    within 10 has_field ErrImageNeverPull '.status.containerStatuses[0].state.waiting.reason' pod image-absent
    # One of its containers runs; until all have, the pod is not said to.
    within 10 has_field true '.status.containerStatuses[1].ready' pod image-absent
    has_field Pending .status.phase pod image-absent
    within 10 says 'no/such' field '.status.containerStatuses[0].state.waiting.message' pod image-part
    # As with a container, what a pod stands on stays.
    crash_server
    start_server
    says '^busybox$' k exec image-volume -- ls /files/bin
    has_field 0 '.status.containerStatuses[0].restartCount' pod image-volume
}
check "an image is a volume, read-only, whole or in part, and what is not there is told" image_volume

clean_volumes() {
    k delete pod volumes waiting image-volume image-absent image-part --now
    k delete configmap settings late
    k delete secret password
    within 5 sh -c '! grep -q /var/lib/kubelet/pods /proc/self/mountinfo'
    # Of those neither that could not be made, time and again.
    within 10 eval "equal \"\$(container_directories)\" \"\$(cat "$work/containers.before")\""
    [ -s "$work/hostpath/file" ]
}
check "deleted, a pod leaves no mount, and the host's files" clean_volumes
