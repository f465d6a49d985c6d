# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Every component a process of its own, as each would be beside components of others: over HTTPS, by kubeconfigs, with
# upstream's flags.

# component <name> <command word>...: starts one; its pid is in $work/component.<name>.
component() {
    local name=$1
    shift
    setsid "$programs/swiftlet" "$@" >>"$logs/$name.log" 2>&1 </dev/null &
    echo $! >"$work/component.$name"
}

# stop_component <name>: as a crash would.
stop_component() {
    local pid
    pid=$(cat "$work/component.$1")
    kill -9 "$pid"
    await_end "$pid"
}

tls=/var/lib/swiftlet/server/tls
start_controllers() {
    component controllers controllers --kubeconfig $tls/controller-manager.kubeconfig --use-service-account-credentials \
        --allocate-node-cidrs true --cluster-cidr 10.42.0.0/16,fd42::/48 --root-ca-file $tls/ca.crt \
        --cluster-signing-cert-file $tls/ca.crt --cluster-signing-key-file $tls/ca.key --controllers '*,-job-controller'
}
start_kubelet() {
    printf '%s\n' 'kind: KubeletConfiguration' 'apiVersion: kubelet.config.k8s.io/v1beta1' 'serverTLSBootstrap: true' \
        >"$work/kubelet.yaml"
    component kubelet kubelet --bootstrap-kubeconfig "$work/bootstrap.kubeconfig" --kubeconfig /var/lib/kubelet/kubeconfig \
        --client-ca-file $tls/ca.crt --rotate-certificates --config "$work/kubelet.yaml"
}

approve_serving() {
    local name
    name=$(field '.items[?(@.spec.signerName=="kubernetes.io/kubelet-serving")].metadata.name' csr)
    [ -n "$name" ] || return 1
    # shellcheck disable=SC2086 # several names
    k certificate approve $name
}

starts() {
    local token
    if [ -e "$work/server.pid" ]; then crash_server; else import_example_image >"$logs/image.out" 2>&1; fi
    component apiserver apiserver --advertise-address 10.99.0.2
    within 20 test -s $tls/admin.kubeconfig
    cp $tls/admin.kubeconfig /etc/swiftlet/kubeconfig
    within 20 says ok timeout 5 kubectl get --raw /readyz
    component scheduler scheduler --kubeconfig $tls/scheduler.kubeconfig
    start_controllers
    token=$("$programs/swiftlet" token create)
    kubectl config --kubeconfig "$work/bootstrap.kubeconfig" set-cluster c --server https://127.0.0.1:6443 \
        --certificate-authority $tls/ca.crt --embed-certs=true
    kubectl config --kubeconfig "$work/bootstrap.kubeconfig" set-credentials u --token "$token"
    kubectl config --kubeconfig "$work/bootstrap.kubeconfig" set-context x --cluster c --user u
    kubectl config --kubeconfig "$work/bootstrap.kubeconfig" use-context x
    # A Node of this name from another subject would be refused to whoever has only a token.
    k delete node node-1 --ignore-not-found
    start_kubelet
    component proxy proxy --kubeconfig $tls/kube-proxy.kubeconfig --cluster-cidr 10.42.0.0/16,fd42::/48
    # An old node of another subject may still be called Ready: the certificate and the lease are new.
    within 30 openssl x509 -noout -subject -in /var/lib/kubelet/pki/kubelet-client-current.pem
    within 30 has_field True '.status.conditions[?(@.type=="Ready")].status' node node-1
    # No API server asks a kubelet that has not proved whose it is; here a person says which requests are good.
    within 30 approve_serving
    within 30 openssl x509 -noout -subject -in /var/lib/kubelet/pki/kubelet-server-current.pem
    within 30 says True sh -c "curl -s http://127.0.0.1:10248/healthz | sed s/ok/True/"
}
check "API server, scheduler, controllers, kubelet and proxy are started by themselves" starts

works() {
    k apply -f docs/examples/hello.yaml
    k rollout status deployment/hello --timeout=60s
    within 5 says 'hello from hello-' answers "http://$(field .spec.clusterIP service hello)/"
    k exec deployment/hello -- true
    says . k get configmap kube-root-ca.crt -o 'jsonpath={.data.ca\.crt}'
}
check "the example rolls out and its Service answers" works

own_accounts() {
    # Each controller has made its token by its own account.
    says replicaset-controller k -n kube-system get serviceaccounts -o name
    says 'deployment-controller' k -n kube-system get serviceaccounts -o name
    # The one that was left out does not work; the server makes it run at the end.
    k create job later --image=$example_image -- true
    sleep 2
    has_field "" .status.startTime job later
    has_field "" '.items[*].metadata.name' pods -l job-name=later
    refuses 'job-controller.* not found' kubectl -n kube-system get serviceaccount job-controller
}
check "each controller is its own service account, and one that is left out does nothing" own_accounts

takes_over() {
    local began=$SECONDS first
    first=$(field .spec.holderIdentity lease -n kube-system kube-scheduler)
    component scheduler2 scheduler --kubeconfig $tls/scheduler.kubeconfig
    sleep 3
    has_field "$first" .spec.holderIdentity lease -n kube-system kube-scheduler
    stop_component scheduler
    k scale deployment/hello --replicas=4
    k rollout status deployment/hello --timeout=60s
    echo "taken over within $((SECONDS - began)) s"
    [ "$(field .spec.holderIdentity lease -n kube-system kube-scheduler)" != "$first" ]
}
check "a second scheduler waits for the lease, and takes over from a dead one" takes_over

killed() {
    local name
    pods_as_they_are app=hello >"$work/components.before"
    for name in kubelet proxy controllers apiserver; do stop_component $name; done
    answers "http://$(awk '/clusterIP/ { print $2; exit }' "$work/components.service")/"
    component apiserver apiserver --advertise-address 10.99.0.2
    within 20 says ok timeout 5 kubectl get --raw /readyz
    start_controllers
    rm "$work/bootstrap.kubeconfig"
    start_kubelet
    component proxy proxy --kubeconfig $tls/kube-proxy.kubeconfig --cluster-cidr 10.42.0.0/16,fd42::/48
    within 20 k exec deployment/hello -- true
    within 20 same_pods
    [ -s "$work/components.before" ]
}
same_pods() { pods_as_they_are app=hello >"$work/components.after" && diff "$work/components.before" "$work/components.after"; }
k get service hello -o yaml >"$work/components.service" 2>/dev/null
check "kill -9 of all of them: pods and Service go on, and each comes back" killed

refused_flags() {
    refuses 'there is no controller "nonsense"' "$programs/swiftlet" controllers --kubeconfig $tls/admin.kubeconfig \
        --controllers '*,-nonsense'
    refuses 'leader-elect is true or false' "$programs/swiftlet" scheduler --kubeconfig $tls/admin.kubeconfig \
        --leader-elect maybe
    refuses 'needs --cluster-cidr' "$programs/swiftlet" controllers --kubeconfig $tls/admin.kubeconfig \
        --allocate-node-cidrs true
    refuses 'kubeconfig is missing' "$programs/swiftlet" scheduler
    refuses 'not a mode of this proxy' "$programs/swiftlet" proxy --kubeconfig $tls/admin.kubeconfig --proxy-mode userspace
}
check "flags that cannot be followed are refused by name" refused_flags

ends() {
    local name
    k delete -f docs/examples/hello.yaml --wait
    within 20 has_field "" '.items[*].metadata.name' pods -l app=hello
    for name in kubelet proxy controllers scheduler2 apiserver; do stop_component $name; done
    start_server
    k wait --for=condition=complete job/later --timeout=60s
    k delete job later
}
check "the one server takes their place" ends
