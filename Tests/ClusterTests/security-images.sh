# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What images and pods choose: users, files, numbers.

need_server

# chosen_image <name> <user>: a root with a shell, which says who it is; /etc is made before where it holds something else.
chosen_image() {
    local root=$work/rootfs/$1
    mkdir -p "$root/bin" "$root/etc"
    cp /bin/busybox "$root/bin/busybox"
    for applet in sh sleep id; do ln -sf busybox "$root/bin/$applet"; done
    if [ ! -e "$root/etc/passwd" ] && [ ! -p "$root/etc/passwd" ]; then
        printf 'root:x:0:0::/:/bin/sh\nnone:x:4294967295:0::/:/bin/sh\n' >"$root/etc/passwd"
    fi
    tar -C "$root" --owner=0 --group=0 -cf "$root.tar" .
    "$programs/swiftlet" image import --name "docker.io/swiftlet/$1:1" --cmd /bin/sh --cmd -c --cmd "id; sleep 1000" \
        --user "$2" "$root.tar"
}

# chosen_pod <name> <members of the container> <members of the spec>
chosen_pod() {
    k apply -f - <<X
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "$1"}, "spec": {"terminationGracePeriodSeconds": 0${3:+, $3},
 "containers": [{"name": "c", "image": "docker.io/swiftlet/$1:1", "imagePullPolicy": "Never"${2:+, $2}}]}}
X
}
waits_with() { says "$2" field '.status.containerStatuses[0].state.waiting.message' pod "$1"; }

user_minus_one() {
    local number=0 user
    for user in 4294967295 4294967296 none -1 0:4294967295; do
        number=$((number + 1))
        chosen_image "user-$number" "$user"
        chosen_pod "user-$number" '"securityContext": {"runAsNonRoot": true}'
    done
    number=0
    for user in 4294967295 4294967296 none -1 0:4294967295; do
        number=$((number + 1))
        within 20 waits_with "user-$number" "unable to find user $user"
    done
    k delete pod --now user-1 user-2 user-3 user-4 user-5
}
check "an image whose user is the number for \"no change\" runs nothing" user_minus_one

special_passwd() {
    mkdir -p "$work/rootfs/fifo/etc" "$work/rootfs/device/etc"
    mkfifo "$work/rootfs/fifo/etc/passwd"
    # /dev/fuse can be opened, and opening it makes something.
    mknod "$work/rootfs/device/etc/passwd" c 10 229
    chosen_image fifo 0
    chosen_image device 0
    chosen_pod fifo
    chosen_pod device
    within 20 waits_with fifo 'which is a FIFO'
    within 20 waits_with device 'which is a character device'
    k delete pod --now fifo device
}
check "a device and a FIFO in the place of an image's passwd are not opened" special_passwd

extreme_pod() {
    local before
    before=$(server_pid)
    chosen_image extreme 0
    chosen_pod extreme '"resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "9223372036854775", "memory": "8191Pi"}}' \
        '"terminationGracePeriodSeconds": 9223372036854775807, "activeDeadlineSeconds": 2147483647' 2>&1 |
        grep -v Warning
    k wait pod extreme --for=condition=Ready --timeout=30s
    k delete pod extreme --wait=false
    within 5 says 9999-12-31 field '.metadata.deletionTimestamp' pod extreme
    k delete pod extreme --grace-period=1 --timeout=30s
    equal "$(server_pid)" "$before"
    is_ready
}
check "a pod whose limits and times are as long as numbers go is run and ended" extreme_pod

extreme_objects() {
    local set
    k apply -f - <<'X'
apiVersion: batch/v1
kind: CronJob
metadata: {name: extreme}
spec:
  schedule: "@every 1s"
  startingDeadlineSeconds: 9223372036854775807
  jobTemplate:
    spec:
      activeDeadlineSeconds: 9223372036854775807
      template: {spec: {restartPolicy: Never, containers: [{name: c, image: "localhost/none:1", imagePullPolicy: Never}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: extreme}
spec:
  replicas: 0
  strategy: {rollingUpdate: {maxSurge: "9223372036854775807%"}}
  selector: {matchLabels: {a: extreme}}
  template: {metadata: {labels: {a: extreme}}, spec: {containers: [{name: c, image: "localhost/none:1"}]}}
---
apiVersion: v1
kind: Pod
metadata: {name: greedy}
spec:
  containers:
  - {name: a, image: "localhost/none:1", resources: {requests: {cpu: "9223372036854775", memory: "9223372036854775807"}}}
  - {name: b, image: "localhost/none:1", resources: {requests: {cpu: "9223372036854775", memory: "9223372036854775807"}}}
X
    within 10 says Insufficient field '.status.conditions[*].message' pod greedy
    within 10 says . field '.items[*].metadata.name' jobs
    set=$(within 10 field '.items[0].metadata.name' rs -l a=extreme)
    k annotate rs "$set" --overwrite deployment.kubernetes.io/revision=9223372036854775807
    k patch deployment extreme -p '{"spec": {"template": {"metadata": {"labels": {"b": "c"}}}}}'
    within 10 has_field '2' '.status.observedGeneration' deployment extreme
    k delete cronjob,deployment,pod --now extreme greedy --ignore-not-found
    k delete jobs --all --now
    is_ready
}
check "deadlines, shares, amounts and revisions as long as numbers go leave the server standing" extreme_objects

bombs() {
    local root=$work/rootfs/large
    mkdir -p "$root"
    head -c 3000000 /dev/zero >"$root/zeros"
    tar -C "$root" -czf "$root.tar.gz" .
    refuses 'max-image-size' "$programs/swiftlet" image import --max-image-size 1Mi --name docker.io/swiftlet/x:1 "$root.tar.gz"
    refuses 'max-image-files' "$programs/swiftlet" image import --max-image-files 1 --name docker.io/swiftlet/x:1 "$root.tar.gz"
    mkfifo "$work/archive"
    refuses 'which is a FIFO' "$programs/swiftlet" image import --name docker.io/swiftlet/x:1 "$work/archive"
    equal "$(ls /var/lib/swiftlet/images/unpack /var/lib/swiftlet/images/ingest | grep -c '^[0-9a-f]')" 0
}
check "a layer that is more than an image may be leaves nothing" bombs

# A registry that wants a password, and an image there with something to keep.
start_private_registry() {
    local root=$work/rootfs/private
    printf '%s\n' 'u:$2y$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK' >"$work/private.htpasswd" # s3cret
    mkdir -p "$work/private"
    cat >"$work/private.yaml" <<end
version: 0.1
storage: {filesystem: {rootdirectory: $work/private}}
http: {addr: "127.0.0.1:5001"}
auth: {htpasswd: {realm: private, path: $work/private.htpasswd}}
end
    docker-registry serve "$work/private.yaml" >"$logs/private-registry.log" 2>&1 &
    within 10 says 401 curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:5001/v2/
    mkdir -p "$root/bin"
    cp /bin/busybox "$root/bin/busybox"
    for applet in sh sleep cat; do ln -sf busybox "$root/bin/$applet"; done
    echo PRIVATE >"$root/secret"
    tar -C "$root" --owner=0 --group=0 -cf "$root.tar" .
    "$programs/swiftlet" image import --data-dir "$work/builder" --name localhost:5001/private:1 --cmd /bin/sh "$root.tar"
    "$programs/swiftlet" image export --data-dir "$work/builder" "$root.oci.tar" localhost:5001/private:1
    skopeo copy --insecure-policy --dest-tls-verify=false --dest-creds u:s3cret --digestfile "$root.digest" \
        "oci-archive:$root.oci.tar" docker://localhost:5001/private:1
}
check "a registry that wants a password serves on loopback" start_private_registry

# private_pod <namespace> <name> <image> <pull policy> [members of the spec]
private_pod() {
    k -n "$1" apply -f - <<X
{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "$2"}, "spec": {"terminationGracePeriodSeconds": 0,
 "automountServiceAccountToken": false${5:+, $5}, "containers": [{"name": "c", "image": "$3", "imagePullPolicy": "$4",
 "command": ["sh", "-c", "cat /secret; sleep 1000"]}]}}
X
}
pulled_for_one() {
    local digest id name
    digest=$(cat "$work/rootfs/private.digest")
    for name in owner tenant; do k create namespace "$name"; done
    for name in owner tenant; do within 10 k -n "$name" get serviceaccount default; done
    k -n owner create secret docker-registry pull --docker-server=localhost:5001 --docker-username=u --docker-password=s3cret
    private_pod owner first localhost:5001/private:1 IfNotPresent '"imagePullSecrets": [{"name": "pull"}]'
    within 20 says Running k -n owner get pod first
    private_pod owner second "localhost:5001/private@$digest" Never '"imagePullSecrets": [{"name": "pull"}]'
    id=$(grep -hrEo '"imageRef": ?"sha256:[0-9a-f]{12}' /var/lib/kubelet/image_manager/pulled | tail -c 13)
    private_pod tenant tag localhost:5001/private:1 IfNotPresent
    private_pod tenant never localhost:5001/private:1 Never
    private_pod tenant always "localhost:5001/private@$digest" Always
    private_pod tenant elsewhere "localhost:5999/any/thing@$digest" Always
    private_pod tenant id "$id" Never
    within 20 says Running k -n owner get pod second
    for name in tag always elsewhere; do
        within 20 says 'ErrImagePull|ImagePullBackOff' field '.status.containerStatuses[0].state' -n tenant pod "$name"
    done
    for name in never id; do
        within 20 says 'ErrImageNeverPull' field '.status.containerStatuses[0].state' -n tenant pod "$name"
    done
    k delete namespace owner tenant --wait=false
}
check "what one namespace has pulled with its secret runs in no other, by no name" pulled_for_one
