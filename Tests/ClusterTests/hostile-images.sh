# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Registries that fail or lie, and layers that reach for the host: a pod each, all at once; its status names the cause.

need_server

hostile_host=127.0.0.1:5001
# What layers reach for: a path that no other program writes to.
hostile_secret=/run/swiftlet-test-secret/file

start_hostile_registry() {
    mkdir -p "$(dirname $hostile_secret)"
    echo untouched >$hostile_secret
    "$here/hostile-registry" 5001 $hostile_secret >"$logs/hostile-registry.log" 2>&1 &
    echo $! >"$work/hostile-registry.pid"
    within 20 curl -sSf http://$hostile_host/v2/
}
check "a registry that misbehaves is there" start_hostile_registry

# Repository, and what the pod's status must say of it; `-` for images that are fine, or harmless, and run.
hostile_images="
good -
absolute -
link-out -
overlay-orders -
device -
sparse -
slow -
dotdot layer entry .* was refused: its path leaves the root
inner-dotdot layer entry .* was refused: its path leaves the root
dangling-out extract .*out/file.*[Nn]o such file
hard-out layer entry \"stolen\" was refused: its hard link leaves the root
hard-absolute layer entry \"stolen\" was refused: its hard link target .* is not in the layer
hard-by-link layer entry \"stolen\" was refused: its hard link target .* is not in the layer
disguised-whiteout layer entry \"bin/sh\" was refused: a character device 0/0 is a whiteout
whiteout-of-parent layer entry .* was refused: it hides no file
whiteout-of-self layer entry .* was refused: it hides no file
sparse-absurd extract a file of [0-9]+ bytes from layer sha256
deep layer entry .* was refused: it hides no file
wrong-digest does not match its digest: expected sha256:[0-9a-f]+, got
wrong-diff does not match its digest: expected sha256:111
too-long longer than the [0-9]+ bytes promised|does not match its digest
truncated registry $hostile_host could not be reached: .*broke off after [0-9]+ bytes|closed the connection after [0-9]+ bytes
negative-size no valid size
path-in-digest no valid digest
no-json malformed
huge-manifest manifest 1 of huge-manifest is malformed: .*longer than
circle malformed
redirect-circle redirects in a circle
status-401 refused access to status-401: credentials are missing or wrong
status-403 refused access to status-403
status-404 answered 404 to manifest 1 of status-404: because of status-404
status-429 answered 429 to manifest 1 of status-429: because of status-429
status-500 answered 500 to manifest 1 of status-500: because of status-500
"
# hostile_pods <images>: a pod for each line, whose first word is the image.
hostile_pods() {
    local name
    while read -r name _; do
        [ -n "$name" ] || continue
        printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: %s, labels: {app: hostile}}\n' "$name"
        printf 'spec: {terminationGracePeriodSeconds: 0, containers: [{name: main, image: "%s/%s:1"}]}\n---\n' $hostile_host "$name"
    done <<<"$1"
}
check "pods of good, broken and hostile images are accepted" eval 'hostile_pods "$hostile_images" | k apply -f -'

# what_pods_say: `<pod> <ready> <reason> <message>`, a line for each.
what_pods_say() {
    k get pods -l app=hostile -o 'jsonpath={range .items[*]}{.metadata.name}{" "}{.status.containerStatuses[0].ready}{" "}{.status.containerStatuses[0].state.waiting.reason}{" "}{.status.containerStatuses[0].state.waiting.message}{"\n"}{end}'
}
# as_expected <kind>: every image of the table that runs (-) or is refused (+) is told of as it says there.
as_expected() {
    local said name message bad=0
    said=$(what_pods_say)
    while read -r name message; do
        case "$1$message" in
        - | + | +-) ;;
        --) grep -q "^$name true " <<<"$said" || { bad=1; grep "^$name " <<<"$said"; } ;;
        -*) ;;
        +*) grep -Eq "^$name false (ErrImagePull|ImagePullBackOff) .*($message)" <<<"$said" || { bad=1; grep "^$name " <<<"$said"; } ;;
        esac
    done <<<"$hostile_images"
    [ $bad = 0 ]
}
check "images that are harmless run" within 20 as_expected -
check "the others' pods say what is wrong with them, by name and cause" within 20 as_expected +

said_in_events() {
    local events name message
    events=$(k get events --field-selector reason=Failed -o 'jsonpath={range .items[*]}{.involvedObject.name}{" "}{.message}{"\n"}{end}')
    while read -r name message; do
        case "$message" in
        '' | -) ;;
        *) grep -Eq "^$name Failed to pull image \"$hostile_host/$name:1\": .*($message)" <<<"$events" || { echo "no event of $name"; return 1; } ;;
        esac
    done <<<"$hostile_images"
}
check "so do their events" said_in_events

# Now only: they keep the pulls that their namespace may have at a time, and others of it would wait for them.
check "pods of registries that say nothing are accepted" eval "hostile_pods \$'silent\nstalled' | k apply -f -"

wrong_manifest() {
    # In a namespace of its own: registries that say nothing hold the pulls that this one may have at a time.
    k create namespace apart
    k -n apart run wrong-manifest --image="$hostile_host/good@sha256:$(printf '%064d' 0)" --restart=Never
    within 10 says "manifest sha256:0+ of .*good does not match its digest: expected sha256:0+, got sha256:" \
        field '.status.containerStatuses[0].state.waiting.message' pod -n apart wrong-manifest
}
check "a manifest other than the one asked for is refused" wrong_manifest

host_untouched() {
    equal "$(cat $hostile_secret)" untouched
    equal "$(ls "$(dirname $hostile_secret)")" file
    # The layer's own file, in the container alone.
    equal "$(k exec absolute -- /bin/busybox cat $hostile_secret)" owned
    equal "$(k exec link-out -- /bin/busybox cat /out/file)" owned
    refuses 'Operation not permitted' kubectl exec device -- /bin/busybox head -c 1 /disk
    refuses 'Operation not permitted' kubectl exec device -- /bin/busybox head -c 1 /memory
}
check "layers have written to no file of the host, and their devices are closed" host_untouched

nothing_left() {
    local store=/var/lib/swiftlet/images
    # The registry that says nothing has a file open in `ingest`; nothing else does.
    within 5 eval "[ \"\$(ls $store/ingest | wc -l)\" -le 2 ]"
    # What is pulled again after its back-off is there for a moment.
    within 10 eval "equal \"\$(ls $store/unpack)\" ''"
    refuses 'not in the store' "$programs/swiftlet" image inspect $hostile_host/wrong-digest:1
}
check "images that failed leave nothing in the store" nothing_left

silent_pods_go() {
    for pod in silent stalled; do
        has_field ContainerCreating '.status.containerStatuses[0].state.waiting.reason' pod $pod
    done
    k delete pod silent stalled --timeout=10s
    # All at once; kubectl would take them one by one.
    k delete --raw '/api/v1/namespaces/default/pods?labelSelector=app=hostile' >/dev/null
    within 20 has_field "" '.items[*].metadata.name' pods -l app=hostile
}
check "pods whose registry says nothing can be deleted, as all of them" silent_pods_go

killed_in_pull() {
    k run slow-again --image=$hostile_host/slow-again:1 --restart=Never
    within 5 says Pulling k get events --field-selector involvedObject.name=slow-again
    crash_server
    start_server
    k wait --for=condition=Ready pod/slow-again --timeout=30s
    equal "$(ls /var/lib/swiftlet/images/unpack /var/lib/swiftlet/images/ingest | grep -c '^[0-9a-f]')" 0
    k delete pod slow-again --now
    k delete namespace apart --wait=false
}
check "kill -9 of the server while it pulls leaves no half image, and the pull is done again" killed_in_pull

# A container chooses the names of its files, and how deep its directories are.
awkward_files() {
    k run awkward --image=$example_image --restart=Never --overrides='{"spec":{"terminationGracePeriodSeconds":0,"securityContext":{"fsGroup":2000},
        "volumes":[{"name":"v","emptyDir":{"sizeLimit":"100Mi"}}],
        "containers":[{"name":"awkward","image":"'$example_image'","volumeMounts":[{"name":"v","mountPath":"/v"}],"command":["/bin/sh","-c",
        "for d in /v /; do cd $d; printf x >\"$(printf \\\\377)\"; for i in 1 2 3; do n=$(yes d/ | head -n 1000 | tr -d \\\\n); mkdir -p $n; cd $n 2>/dev/null; done; done; touch /done; sleep 1000"]}]}}'
    within 20 k exec awkward -- ls /done
    says '/v/.*/d' k exec awkward -- sh -c 'ls -d /v/d/d; ls /v'
    k delete pod awkward --timeout=20s
    within 5 has_field "" '.items[*].metadata.name' pods
    taken_away() { equal "$(ls -A /var/lib/swiftlet/images/containers /var/lib/kubelet/pods | grep -v :)" ""; }
    # A few thousand directories, one after the other, with what others leave of the processors.
    within 60 taken_away
}
check "a pod with file names that are no text and directories deeper than a path is taken away whole" awkward_files

clean_hostile() {
    kill "$(cat "$work/hostile-registry.pid")"
    is_ready
}
check "hostile images are gone, and the server is as it was" clean_hostile
