# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What accounts can make of their rights on a real server: nothing more than they were given.

need_server
sr_ns=security-rights
sr_server=https://127.0.0.1:6443

# sr_account NAME VERBS RESOURCES [GROUP]: an account with a cluster role of its own; its token is in $work/NAME.token.
sr_account() {
    k -n $sr_ns create serviceaccount "$1"
    k create clusterrole "$sr_ns-$1" --verb="$2" --resource="$3"
    k create clusterrolebinding "$sr_ns-$1" --clusterrole="$sr_ns-$1" --serviceaccount="$sr_ns:$1"
    k -n $sr_ns create token "$1" >"$work/$1.token"
}

# sr_status NAME METHOD PATH [curl flag]...: the status code that the account meets; nobody's name is an anonymous request.
sr_status() {
    local credentials=()
    [ "$1" = nobody ] || credentials=(-H "Authorization: Bearer $(cat "$work/$1.token")")
    curl -sk --max-time 20 -o "$work/answer" -w '%{http_code}' -X "$2" "${credentials[@]}" "${@:4}" "$sr_server$3"
}

sr_merge='Content-Type: application/merge-patch+json'
sr_roles=/apis/rbac.authorization.k8s.io/v1/clusterroles

sr_prepares() {
    k create namespace $sr_ns
    within 20 kubectl -n $sr_ns get serviceaccount default
    sr_account writer get,list,create,update,patch clusterroles.rbac.authorization.k8s.io
    sr_account reviewer create tokenreviews.authentication.k8s.io,subjectaccessreviews.authorization.k8s.io
    equal "$(sr_status writer GET $sr_roles/cluster-admin)" 200
}
check "accounts have what they are given" sr_prepares

sr_gathers() {
    local before=/api/v1/namespaces/kube-system/secrets
    equal "$(sr_status writer GET $before)" 403
    equal "$(sr_status writer PATCH $sr_roles/$sr_ns-writer -H "$sr_merge" \
        -d '{"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"kubernetes.io/bootstrapping":"rbac-defaults"}}]}}')" 403
    grep -q 'must have cluster-admin privileges to use the aggregationRule' "$work/answer"
    k create clusterrolebinding $sr_ns-view --clusterrole=view --serviceaccount=$sr_ns:writer
    equal "$(sr_status writer PATCH $sr_roles/cluster-admin -H "$sr_merge" \
        -d '{"metadata":{"labels":{"rbac.authorization.k8s.io/aggregate-to-view":"true"}}}')" 403
    equal "$(sr_status writer GET $before)" 403
}
check "who may write roles gathers no rights by a rule or a label" sr_gathers

sr_confirms() {
    local token review=/apis/authentication.k8s.io/v1/tokenreviews
    token=$(k -n $sr_ns create token writer --audience=vault)
    sr_asks() {
        equal "$(sr_status reviewer POST $review -H 'Content-Type: application/json' -d '{"kind":"TokenReview",
            "apiVersion":"authentication.k8s.io/v1","spec":{"token":"'"$token"'","audiences":['"$1"']}}')" 201
    }
    sr_asks '"vault","bank"'
    grep -q '"audiences":\["vault"\]' "$work/answer"
    sr_asks '"bank"'
    grep -q '"authenticated":true' "$work/answer" && return 1
    sr_asks ''
    grep -q '"authenticated":true' "$work/answer" && return 1
    printf %s "$token" >"$work/vault.token"
    equal "$(sr_status vault GET /healthz)" 401
}
check "a token is confirmed to those alone that it is for" sr_confirms

sr_nobody_sees() {
    local path
    for path in /healthz /livez /readyz /version /api/v1/namespaces/kube-public/configmaps/cluster-info; do
        equal "$path $(sr_status nobody GET $path)" "$path 200"
    done
    for path in /healthz/ping /healthzfoo /metrics /api /apis /openapi/v3 /openid/v1/jwks /; do
        equal "$path $(sr_status nobody GET $path)" "$path 403"
    done
}
check "nobody in particular sees health, version and what a machine joins by" sr_nobody_sees

sr_groups() {
    local id
    for id in aaaaa1 aaaaa2; do
        k -n kube-system create secret generic bootstrap-token-$id --type=bootstrap.kubernetes.io/token \
            --from-literal=token-id=$id --from-literal=token-secret=0123456789abcdef \
            --from-literal=usage-bootstrap-authentication=true \
            --from-literal=auth-extra-groups="$([ $id = aaaaa1 ] && echo system:bootstrappers:kubeadm:default-node-token \
                || echo system:bootstrappers:x,system:masters)"
        printf %s $id.0123456789abcdef >"$work/$id.token"
    done
    equal "$(sr_status aaaaa1 GET /api)" 200
    equal "$(sr_status aaaaa2 GET /api)" 401
}
check "a bootstrap token that names another group is none" sr_groups

sr_takes_over() {
    local node request
    node=$(k get nodes -o jsonpath='{.items[0].metadata.name}')
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/csr.key" \
        -subj "/O=system:nodes/CN=system:node:$node" -out "$work/csr.pem" 2>/dev/null
    request=$(base64 -w0 "$work/csr.pem")
    equal "$(sr_status aaaaa1 POST /apis/certificates.k8s.io/v1/certificatesigningrequests \
        -H 'Content-Type: application/json' -d '{"apiVersion":"certificates.k8s.io/v1",
        "kind":"CertificateSigningRequest","metadata":{"name":"'$sr_ns'"},"spec":{"request":"'"$request"'",
        "signerName":"kubernetes.io/kube-apiserver-client-kubelet","usages":["digital signature","client auth"]}}')" 201
    sr_decided() { k get csr $sr_ns -o jsonpath='{.status.conditions[*].reason}' | grep -qx NodeExists; }
    within 20 sr_decided
    equal "$(k get csr $sr_ns -o jsonpath='{.status.certificate}')" ""
}
check "a bootstrap token makes nobody a node that exists" sr_takes_over

sr_leaves() {
    k delete csr $sr_ns
    k -n kube-system delete secret bootstrap-token-aaaaa1 bootstrap-token-aaaaa2
    k delete clusterrolebinding $sr_ns-writer $sr_ns-reviewer $sr_ns-view
    k delete clusterrole $sr_ns-writer $sr_ns-reviewer
    k delete namespace $sr_ns --wait=false
}
check "what this subject made goes" sr_leaves
