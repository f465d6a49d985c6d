# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# A disk without room: writes are refused and say so, reads and pods go on, and all is well again when there is room.

small=$work/small
full_data=$small/data

# A server of its own whose store and images are on 96 MB, and whose pods' logs are on 4 MB.
on_a_small_disk() {
    [ ! -e "$work/server.pid" ] || ! kill -0 "$(server_pid)" 2>/dev/null || crash_server
    mkdir -p "$small"
    mount -t tmpfs -o size=96m small "$small"
    mount -t tmpfs -o size=4m logs /var/log/pods
    [ -e "$work/rootfs/hello.tar" ] || import_example_image
    "$programs/swiftlet" image import --data-dir "$full_data" --name $example_image --cmd /bin/sh "$work/rootfs/hello.tar"
    "$here/hostile-registry" 5002 /run/nowhere >"$logs/bomb-registry.log" 2>&1 &
    echo $! >"$work/bomb-registry.pid"
    start_server --data-dir "$full_data"
    k run thrifty --image=$example_image --restart=Never -- sleep 1000
    k run verbose --image=$example_image --restart=Never -- sh -c 'i=0; while :; do i=$((i+1)); echo line $i >&2; echo $i >/tmp/count; sleep 0.05; done'
    k wait --for=condition=Ready pod/thrifty pod/verbose --timeout=20s
    for i in 1 2 3 4 5; do k create configmap "kept-$i"; done
    container_init thrifty >"$work/thrifty.pid"
}
check "a server runs on a small disk" on_a_small_disk

zip_bomb() {
    k run bomb --image=127.0.0.1:5002/bomb:1 --restart=Never
    within 30 says 'ErrImagePull|ImagePullBackOff' field '.status.containerStatuses[0].state.waiting.reason' pod bomb
    says '[Nn]o space left|room|disk has less than' field '.status.containerStatuses[0].state.waiting.message' pod bomb
    says 'Failed to pull image.*([Nn]o space left|room|disk has less than)' k get events --field-selector involvedObject.name=bomb,reason=Failed -o 'jsonpath={.items[*].message}'
    k delete pod bomb --now
    says '^0$' eval "ls $full_data/images/unpack | wc -l"
    k create configmap kept-6
}
check "a layer that unpacks to more than the disk holds is refused, and its room given back" zip_bomb

fill() {
    head -c 200M /dev/zero >"$1" 2>/dev/null || true
    # To the last page.
    dd if=/dev/zero of="$1" bs=4096 oflag=append conv=notrunc status=none 2>/dev/null || true
}
refused_writes() {
    fill "$small/filler"
    head -c 100000 /dev/zero | tr '\0' x >"$work/large"
    refused() { refuses 'disk is full' kubectl create configmap not-kept --from-file="$work/large"; }
    within 10 refused
    status=$(kubectl create configmap not-kept --from-file="$work/large" -v8 2>&1 | grep -o 'InsufficientStorage' | head -n 1) || true
    equal "$status" InsufficientStorage
    refuses NotFound kubectl get configmap not-kept
}
check "writes to a full disk are refused with the cause" refused_writes

reads_go_on() {
    equal "$(k get configmaps -o name | grep -c /kept-)" 6
    says 'Running' k get pod thrifty
    says '^here$' k exec thrifty -- echo here
    refuses 'No space left' kubectl exec thrifty -- dd if=/dev/zero of=/file bs=4096 count=100
    is_ready
}
check "on a full disk, reads, exec and the node go on" reads_go_on

pull_without_room() {
    local left
    left=$(ls "$full_data/images/blobs/sha256" | wc -l)
    # The program of the node itself, since a pod could not even be created.
    refuses '[Nn]o space left|room|disk has less than' "$programs/swiftlet" image pull --data-dir "$full_data" --plain-http 127.0.0.1:5002/good:1
    equal "$(ls "$full_data/images/blobs/sha256" | wc -l)" "$left"
    equal "$(ls "$full_data/images/unpack" "$full_data/images/ingest" | grep -c '^[0-9a-f]')" 0
    refuses 'not in the store' "$programs/swiftlet" image inspect --data-dir "$full_data" 127.0.0.1:5002/good:1
}
check "an image is not pulled to a full disk, and no half of it stays" pull_without_room

restart_when_full() {
    crash_server
    fill "$small/filler"
    start_server --data-dir "$full_data"
    equal "$(k get configmaps -o name | grep -c /kept-)" 6
    equal "$(container_init thrifty)" "$(cat "$work/thrifty.pid")"
}
check "a server killed on a full disk starts there again, and its pods are as they were" restart_when_full

full_logs() {
    local before
    fill /var/log/pods/filler
    sleep 0.5
    before=$(k exec verbose -- cat /tmp/count)
    sleep 0.5
    # What it says is lost; that it goes on is not.
    [ "$(k exec verbose -- cat /tmp/count)" -gt "$before" ]
    rm /var/log/pods/filler
    log_goes_on() { [ "$(k logs verbose --tail=1 | cut -d ' ' -f 2)" -gt "$before" ]; }
    within 5 log_goes_on
    has_field 0 '.status.containerStatuses[0].restartCount' pod verbose
}

room_again() {
    rm "$small/filler"
    within 10 k create configmap kept-7
    equal "$(k get configmaps -o name | grep -c /kept-)" 7
    k run later --image=127.0.0.1:5002/good:1 --restart=Never
    k wait --for=condition=Ready pod/later --timeout=20s
    crash_server
    start_server --data-dir "$full_data"
    equal "$(k get configmaps -o name | grep -c /kept-)" 7
    equal "$(container_init thrifty)" "$(cat "$work/thrifty.pid")"
}
check "with room again, writes and pulls work, and nothing acknowledged was lost" room_again
check "a container whose log has no room goes on, and its log too when there is room" full_logs

back_to_the_large_disk() {
    k delete pods --all --now
    kill "$(cat "$work/bomb-registry.pid")"
    # The roots of its containers are made of directories on it.
    unused() { ! grep -q "$full_data" /proc/self/mountinfo; }
    within 10 unused
    crash_server
    # The last processes of the pods may just be ending.
    within 10 umount "$small"
    umount /var/log/pods
    start_server
}
check "the server goes back to its own disk" back_to_the_large_disk
