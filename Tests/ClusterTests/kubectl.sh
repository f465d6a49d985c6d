# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What people do with kubectl, with the one on the PATH.

need_server
. "$here/kubectl-essentials.sh"
kubectl=kubectl
essentials current

kubectl_namespace=current
n() { k -n $kubectl_namespace "$@"; }
first_pod() { standing_pod -n $kubectl_namespace -l app=web; }

create_examples() {
    n create deployment made --image=$example_image --replicas=1 -- sleep 1000
    n create configmap settings --from-literal=colour=green --from-literal=size=2
    n create secret generic password --from-literal=word=swordfish
    n create service clusterip made --tcp=80:8080
    n create serviceaccount robot
    n create role reader --verb=get,list --resource=pods
    n create rolebinding robot-reads --role=reader --serviceaccount=$kubectl_namespace:robot
    n create job once --image=$example_image -- true
    n create cronjob nightly --image=$example_image --schedule='0 3 * * *' -- true
    n create quota limits --hard=pods=50
    n create poddisruptionbudget web --selector=app=web --min-available=1
    n create ingress web --rule=example.org/=web:80
    n create priorityclass "$kubectl_namespace-high" --value=1000
    n create token robot --duration=600s | grep -q '\..*\.'
    n wait --for=condition=complete job/once --timeout=30s
    says '^c3dvcmRmaXNo$' n get secret password -o 'jsonpath={.data.word}'
    n delete priorityclass "$kubectl_namespace-high"
}
check "kubectl create makes each kind it knows" create_examples

impersonation() {
    says '^yes$' n auth can-i list pods --as=system:serviceaccount:$kubectl_namespace:robot
    refuses '^no' "$kubectl" -n $kubectl_namespace auth can-i delete pods --as=system:serviceaccount:$kubectl_namespace:robot
    says 'pods +\[\] +\[\] +\[get list\]' n auth can-i --list --as=system:serviceaccount:$kubectl_namespace:robot
    refuses 'Forbidden.*cannot list resource "secrets" in API group "" in the namespace' \
        "$kubectl" -n $kubectl_namespace get secrets --as=system:serviceaccount:$kubectl_namespace:robot
    says 'kubernetes-admin|system:masters' k auth whoami
}
check "kubectl auth: roles give what they say and no more" impersonation

patches() {
    n patch deployment web -p '{"spec":{"template":{"metadata":{"annotations":{"patched":"strategic"}}}}}'
    has_field strategic .spec.template.metadata.annotations.patched -n $kubectl_namespace deployment web
    n patch deployment web --type=merge -p '{"metadata":{"annotations":{"patched":"merge"}}}'
    has_field merge .metadata.annotations.patched -n $kubectl_namespace deployment web
    n patch deployment web --type=json -p '[{"op":"test","path":"/spec/replicas","value":3},{"op":"replace","path":"/metadata/annotations/patched","value":"json"}]'
    has_field json .metadata.annotations.patched -n $kubectl_namespace deployment web
    refuses 'The request is invalid: the server rejected our request due to an error in our request' "$kubectl" -n $kubectl_namespace patch deployment web --type=json \
        -p '[{"op":"test","path":"/spec/replicas","value":77}]'
    n patch deployment web --subresource=scale --type=merge -p '{"spec":{"replicas":2}}'
    has_field 2 .spec.replicas -n $kubectl_namespace deployment web
}
check "kubectl patch: strategic, merge and JSON patches, and a subresource" patches

server_side_apply() {
    local file=$work/ssa.yaml
    printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\ndata: {a: "1", b: "1"}\n' >"$file"
    n apply --server-side --field-manager=first -f "$file"
    printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\ndata: {b: "2", c: "2"}\n' >"$file"
    refuses 'conflict.*first|conflicts? with "first"' "$kubectl" -n $kubectl_namespace apply --server-side --field-manager=second -f "$file"
    n apply --server-side --field-manager=second --force-conflicts -f "$file"
    printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shared}\ndata: {c: "3"}\n' >"$file"
    n apply --server-side --field-manager=second -f "$file"
    # What the second gave up is gone; what the first still owns stays.
    has_field '{"a":"1","c":"3"}' .data -n $kubectl_namespace configmap shared
    says 'f:a' n get configmap shared --show-managed-fields -o yaml
}
check "kubectl apply --server-side: fields have owners, conflicts are named" server_side_apply

diffs() {
    local status=0 output
    n get deployment web -o yaml | sed 's/^  replicas: .*/  replicas: 5/' >"$work/diff.yaml"
    output=$(n diff -f "$work/diff.yaml" 2>&1) || status=$?
    [ $status = 1 ] || { echo "diff ended with $status: $output"; return 1; }
    grep -q '^+  replicas: 5' <<<"$output"
    n get deployment web -o yaml >"$work/diff.yaml"
    n diff -f "$work/diff.yaml"
}
check "kubectl diff shows what would change, and nothing where nothing would" diffs

dry_runs() {
    says 'configmap/never created \(server dry run\)' n create configmap never --dry-run=server
    refuses 'NotFound' "$kubectl" -n $kubectl_namespace get configmap never
    says 'deployment.apps/web serverside-applied \(server dry run\)' n apply --dry-run=server --server-side --force-conflicts -f "$work/web-current.yaml"
}
check "a dry run on the server changes nothing" dry_runs

debug_container() {
    local pod
    pod=$(first_pod)
    n debug "$pod" --image=$example_image --image-pull-policy=IfNotPresent --container=looker --profile=general -- sh -c 'echo looked; sleep 100'
    within 20 says '^looked' n logs "$pod" -c looker
}
check "kubectl debug adds an ephemeral container to a running pod" debug_container

drain() {
    k cordon node-1
    says 'SchedulingDisabled' k get node node-1
    k uncordon node-1
    k taint node node-1 trial=yes:NoSchedule
    says 'trial=yes:NoSchedule' k describe node node-1
    k taint node node-1 trial-
    n drain node-1 --dry-run=server --ignore-daemonsets --force --delete-emptydir-data
}
check "kubectl cordon, uncordon, taint and drain" drain

selectors() {
    says 'pod/web-' n get pods -l 'app in (web,other),!absent' -o name
    says 'pod/web-' n get pods --field-selector=status.phase=Running -o name
    equal "$(n get pods -l app=nobody -o name)" ""
    n get pods --sort-by=.metadata.creationTimestamp --chunk-size=1
    says 'replicaset.apps/web' n get all
    says 'Created|Started|Scheduled' n events
}
check "selectors, sorting, chunks, get all and events" selectors

quotas() {
    n create quota few --hard=configmaps=1
    refuses 'forbidden: exceeded quota: few, requested: configmaps=1, used: configmaps=[0-9]+, limited: configmaps=1' \
        "$kubectl" -n $kubectl_namespace create configmap few
    n delete quota few
    n create configmap few
}
check "a quota refuses what exceeds it, and no more once it is gone" quotas

certificates() {
    openssl req -new -newkey rsa:2048 -nodes -keyout /run/jane.key -subj /O=dev/CN=jane -out /run/jane.csr 2>/dev/null
    k apply -f - <<END
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: jane}
spec:
  request: $(base64 -w0 /run/jane.csr)
  signerName: kubernetes.io/kube-apiserver-client
  usages: [digital signature, key encipherment, client auth]
END
    k certificate approve jane
    within 10 says '^LS0t' k get csr jane -o 'jsonpath={.status.certificate}'
    k get csr jane -o 'jsonpath={.status.certificate}' | base64 -d >/run/jane.crt
    k config view --minify --raw -o 'jsonpath={.clusters[0].cluster.certificate-authority-data}' | base64 -d >/run/ca.crt
    openssl verify -CAfile /run/ca.crt /run/jane.crt
    local server
    server=$(k config view --minify -o 'jsonpath={.clusters[0].cluster.server}')
    curl -sS --cacert /run/ca.crt --cert /run/jane.crt --key /run/jane.key "$server/api/v1/nodes" |
        grep -q 'jane.. cannot list'
}
check "kubectl certificate approve: a person gets a certificate the server knows" certificates

stored_only() {
    cat >"$work/webhook.yaml" <<END
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: nobody-calls}
END
    says 'Warning: this server stores the ValidatingWebhookConfiguration but does not act on it yet' \
        k apply -f "$work/webhook.yaml"
    k delete -f "$work/webhook.yaml"
}
check "what is stored but not acted upon is warned of" stored_only

proxying() {
    local proxy
    says 'hello from' k get --raw "/api/v1/namespaces/$kubectl_namespace/pods/$(first_pod):8080/proxy/"
    says 'hello from' k get --raw "/api/v1/namespaces/$kubectl_namespace/services/web:80/proxy/"
    "$kubectl" proxy --port=18001 &
    proxy=$!
    within 5 says '"gitVersion"' curl -sS http://127.0.0.1:18001/version
    kill $proxy
}
check "the API server proxies to pods and services, and kubectl proxy to it" proxying

raw_paths() {
    for path in /healthz /livez /readyz '/readyz?verbose' /metrics /version /api /apis /openapi/v3 /openapi/v2; do
        says . k get --raw "$path"
    done
    says '# TYPE' k get --raw /metrics
    says '"pods"' k get --raw /api/v1/nodes/node-1/proxy/stats/summary
}
check "health, metrics, discovery and the node's figures are served" raw_paths

n delete pods --all --now >/dev/null
check "a namespace is deleted with all that is in it" k delete namespace $kubectl_namespace --timeout=60s

# Each component and each controller is a user of its own; what one may not do, its log says.
nobody_was_forbidden() { ! grep -m 3 -E 'is forbidden:' "$logs/server.log"; }
check "every component may do what it has to by its own roles" nobody_was_forbidden
