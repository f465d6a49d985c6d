// SPDX-License-Identifier: Apache-2.0

/// Every operation on the resources served here that upstream's API server 1.36 has, with the verbs its authorizers are
/// asked for. From the paths and actions of api/openapi-spec/swagger.json, the verbs that
/// staging/src/k8s.io/apiserver/pkg/endpoints/request/requestinfo.go reads out of them, and
/// pkg/registry/core/pod/rest/subresources.go for what is asked besides.
///
/// `WATCH` is a GET with `watch=1`, and the same path with `watch` after the version.
let upstreamOperations = """
    /api/v1/componentstatuses GET:list
    /api/v1/componentstatuses/{name} GET:get
    /api/v1/configmaps GET:list WATCH:watch
    /api/v1/endpoints GET:list WATCH:watch
    /api/v1/events GET:list WATCH:watch
    /api/v1/limitranges GET:list WATCH:watch
    /api/v1/namespaces GET:list POST:create WATCH:watch
    /api/v1/namespaces/{namespace}/bindings POST:create
    /api/v1/namespaces/{namespace}/configmaps GET:list POST:create DELETE:deletecollection WATCH:watch
    /api/v1/namespaces/{namespace}/configmaps/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /api/v1/namespaces/{namespace}/endpoints GET:list POST:create DELETE:deletecollection WATCH:watch
    /api/v1/namespaces/{namespace}/endpoints/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /api/v1/namespaces/{namespace}/events GET:list POST:create DELETE:deletecollection WATCH:watch
    /api/v1/namespaces/{namespace}/events/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /api/v1/namespaces/{namespace}/limitranges GET:list POST:create DELETE:deletecollection WATCH:watch
    /api/v1/namespaces/{namespace}/limitranges/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /api/v1/namespaces/{namespace}/persistentvolumeclaims GET:list POST:create DELETE:deletecollection WATCH:watch
    /api/v1/namespaces/{namespace}/persistentvolumeclaims/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}/status GET:get PUT:update PATCH:patch
    /api/v1/namespaces/{namespace}/pods GET:list POST:create DELETE:deletecollection WATCH:watch
    /api/v1/namespaces/{namespace}/pods/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /api/v1/namespaces/{namespace}/pods/{name}/attach GET:get+create POST:create
    /api/v1/namespaces/{namespace}/pods/{name}/binding POST:create
    /api/v1/namespaces/{namespace}/pods/{name}/ephemeralcontainers GET:get PUT:update PATCH:patch
    /api/v1/namespaces/{namespace}/pods/{name}/eviction POST:create
    /api/v1/namespaces/{namespace}/pods/{name}/exec GET:get+create POST:create
    /api/v1/namespaces/{namespace}/pods/{name}/log GET:get
    /api/v1/namespaces/{namespace}/pods/{name}/portforward GET:get+create POST:create
    /api/v1/namespaces/{namespace}/pods/{name}/proxy GET:get HEAD:get POST:create PUT:update PATCH:patch DELETE:delete \
      OPTIONS:-
    /api/v1/namespaces/{namespace}/pods/{name}/proxy/{path} GET:get HEAD:get POST:create PUT:update PATCH:patch \
      DELETE:delete OPTIONS:-
    /api/v1/namespaces/{namespace}/pods/{name}/resize GET:get PUT:update PATCH:patch
    /api/v1/namespaces/{namespace}/pods/{name}/status GET:get PUT:update PATCH:patch
    /api/v1/namespaces/{namespace}/podtemplates GET:list POST:create DELETE:deletecollection WATCH:watch
    /api/v1/namespaces/{namespace}/podtemplates/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /api/v1/namespaces/{namespace}/replicationcontrollers GET:list POST:create DELETE:deletecollection WATCH:watch
    /api/v1/namespaces/{namespace}/replicationcontrollers/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /api/v1/namespaces/{namespace}/replicationcontrollers/{name}/scale GET:get PUT:update PATCH:patch
    /api/v1/namespaces/{namespace}/replicationcontrollers/{name}/status GET:get PUT:update PATCH:patch
    /api/v1/namespaces/{namespace}/resourcequotas GET:list POST:create DELETE:deletecollection WATCH:watch
    /api/v1/namespaces/{namespace}/resourcequotas/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /api/v1/namespaces/{namespace}/resourcequotas/{name}/status GET:get PUT:update PATCH:patch
    /api/v1/namespaces/{namespace}/secrets GET:list POST:create DELETE:deletecollection WATCH:watch
    /api/v1/namespaces/{namespace}/secrets/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /api/v1/namespaces/{namespace}/serviceaccounts GET:list POST:create DELETE:deletecollection WATCH:watch
    /api/v1/namespaces/{namespace}/serviceaccounts/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /api/v1/namespaces/{namespace}/serviceaccounts/{name}/token POST:create
    /api/v1/namespaces/{namespace}/services GET:list POST:create DELETE:deletecollection WATCH:watch
    /api/v1/namespaces/{namespace}/services/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /api/v1/namespaces/{namespace}/services/{name}/proxy GET:get HEAD:get POST:create PUT:update PATCH:patch \
      DELETE:delete OPTIONS:-
    /api/v1/namespaces/{namespace}/services/{name}/proxy/{path} GET:get HEAD:get POST:create PUT:update PATCH:patch \
      DELETE:delete OPTIONS:-
    /api/v1/namespaces/{namespace}/services/{name}/status GET:get PUT:update PATCH:patch
    /api/v1/namespaces/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /api/v1/namespaces/{name}/finalize PUT:update
    /api/v1/namespaces/{name}/status GET:get PUT:update PATCH:patch
    /api/v1/nodes GET:list POST:create DELETE:deletecollection WATCH:watch
    /api/v1/nodes/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /api/v1/nodes/{name}/proxy GET:get HEAD:get POST:create PUT:update PATCH:patch DELETE:delete OPTIONS:-
    /api/v1/nodes/{name}/proxy/{path} GET:get HEAD:get POST:create PUT:update PATCH:patch DELETE:delete OPTIONS:-
    /api/v1/nodes/{name}/status GET:get PUT:update PATCH:patch
    /api/v1/persistentvolumeclaims GET:list WATCH:watch
    /api/v1/persistentvolumes GET:list POST:create DELETE:deletecollection WATCH:watch
    /api/v1/persistentvolumes/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /api/v1/persistentvolumes/{name}/status GET:get PUT:update PATCH:patch
    /api/v1/pods GET:list WATCH:watch
    /api/v1/podtemplates GET:list WATCH:watch
    /api/v1/replicationcontrollers GET:list WATCH:watch
    /api/v1/resourcequotas GET:list WATCH:watch
    /api/v1/secrets GET:list WATCH:watch
    /api/v1/serviceaccounts GET:list WATCH:watch
    /api/v1/services GET:list WATCH:watch
    /apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies GET:list POST:create DELETE:deletecollection \
      WATCH:watch
    /apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings GET:list POST:create DELETE:deletecollection \
      WATCH:watch
    /apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings/{name} GET:get PUT:update PATCH:patch \
      DELETE:delete
    /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations GET:list POST:create DELETE:deletecollection \
      WATCH:watch
    /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{name} GET:get PUT:update PATCH:patch \
      DELETE:delete
    /apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies GET:list POST:create DELETE:deletecollection \
      WATCH:watch
    /apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/{name} GET:get PUT:update PATCH:patch \
      DELETE:delete
    /apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/{name}/status GET:get PUT:update PATCH:patch
    /apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings GET:list POST:create \
      DELETE:deletecollection WATCH:watch
    /apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/{name} GET:get PUT:update PATCH:patch \
      DELETE:delete
    /apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations GET:list POST:create DELETE:deletecollection \
      WATCH:watch
    /apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/{name} GET:get PUT:update PATCH:patch \
      DELETE:delete
    /apis/apiextensions.k8s.io/v1/customresourcedefinitions GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}/status GET:get PUT:update PATCH:patch
    /apis/apiregistration.k8s.io/v1/apiservices GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/apiregistration.k8s.io/v1/apiservices/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/apiregistration.k8s.io/v1/apiservices/{name}/status GET:get PUT:update PATCH:patch
    /apis/apps/v1/controllerrevisions GET:list WATCH:watch
    /apis/apps/v1/daemonsets GET:list WATCH:watch
    /apis/apps/v1/deployments GET:list WATCH:watch
    /apis/apps/v1/namespaces/{namespace}/controllerrevisions GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/apps/v1/namespaces/{namespace}/controllerrevisions/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/apps/v1/namespaces/{namespace}/daemonsets GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/apps/v1/namespaces/{namespace}/daemonsets/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/apps/v1/namespaces/{namespace}/daemonsets/{name}/status GET:get PUT:update PATCH:patch
    /apis/apps/v1/namespaces/{namespace}/deployments GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/apps/v1/namespaces/{namespace}/deployments/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale GET:get PUT:update PATCH:patch
    /apis/apps/v1/namespaces/{namespace}/deployments/{name}/status GET:get PUT:update PATCH:patch
    /apis/apps/v1/namespaces/{namespace}/replicasets GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/apps/v1/namespaces/{namespace}/replicasets/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/apps/v1/namespaces/{namespace}/replicasets/{name}/scale GET:get PUT:update PATCH:patch
    /apis/apps/v1/namespaces/{namespace}/replicasets/{name}/status GET:get PUT:update PATCH:patch
    /apis/apps/v1/namespaces/{namespace}/statefulsets GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/apps/v1/namespaces/{namespace}/statefulsets/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/apps/v1/namespaces/{namespace}/statefulsets/{name}/scale GET:get PUT:update PATCH:patch
    /apis/apps/v1/namespaces/{namespace}/statefulsets/{name}/status GET:get PUT:update PATCH:patch
    /apis/apps/v1/replicasets GET:list WATCH:watch
    /apis/apps/v1/statefulsets GET:list WATCH:watch
    /apis/authentication.k8s.io/v1/selfsubjectreviews POST:create
    /apis/authentication.k8s.io/v1/tokenreviews POST:create
    /apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews POST:create
    /apis/authorization.k8s.io/v1/selfsubjectaccessreviews POST:create
    /apis/authorization.k8s.io/v1/selfsubjectrulesreviews POST:create
    /apis/authorization.k8s.io/v1/subjectaccessreviews POST:create
    /apis/autoscaling/v1/horizontalpodautoscalers GET:list WATCH:watch
    /apis/autoscaling/v1/namespaces/{namespace}/horizontalpodautoscalers GET:list POST:create DELETE:deletecollection \
      WATCH:watch
    /apis/autoscaling/v1/namespaces/{namespace}/horizontalpodautoscalers/{name} GET:get PUT:update PATCH:patch \
      DELETE:delete
    /apis/autoscaling/v1/namespaces/{namespace}/horizontalpodautoscalers/{name}/status GET:get PUT:update PATCH:patch
    /apis/autoscaling/v2/horizontalpodautoscalers GET:list WATCH:watch
    /apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers GET:list POST:create DELETE:deletecollection \
      WATCH:watch
    /apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/{name} GET:get PUT:update PATCH:patch \
      DELETE:delete
    /apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/{name}/status GET:get PUT:update PATCH:patch
    /apis/batch/v1/cronjobs GET:list WATCH:watch
    /apis/batch/v1/jobs GET:list WATCH:watch
    /apis/batch/v1/namespaces/{namespace}/cronjobs GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/batch/v1/namespaces/{namespace}/cronjobs/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/batch/v1/namespaces/{namespace}/cronjobs/{name}/status GET:get PUT:update PATCH:patch
    /apis/batch/v1/namespaces/{namespace}/jobs GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/batch/v1/namespaces/{namespace}/jobs/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/batch/v1/namespaces/{namespace}/jobs/{name}/status GET:get PUT:update PATCH:patch
    /apis/certificates.k8s.io/v1/certificatesigningrequests GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/certificates.k8s.io/v1/certificatesigningrequests/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/certificates.k8s.io/v1/certificatesigningrequests/{name}/approval GET:get PUT:update PATCH:patch
    /apis/certificates.k8s.io/v1/certificatesigningrequests/{name}/status GET:get PUT:update PATCH:patch
    /apis/coordination.k8s.io/v1/leases GET:list WATCH:watch
    /apis/coordination.k8s.io/v1/namespaces/{namespace}/leases GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/discovery.k8s.io/v1/endpointslices GET:list WATCH:watch
    /apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices GET:list POST:create DELETE:deletecollection \
      WATCH:watch
    /apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/events.k8s.io/v1/events GET:list WATCH:watch
    /apis/events.k8s.io/v1/namespaces/{namespace}/events GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/events.k8s.io/v1/namespaces/{namespace}/events/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/flowcontrol.apiserver.k8s.io/v1/flowschemas GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/{name}/status GET:get PUT:update PATCH:patch
    /apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations GET:list POST:create DELETE:deletecollection \
      WATCH:watch
    /apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations/{name} GET:get PUT:update PATCH:patch \
      DELETE:delete
    /apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations/{name}/status GET:get PUT:update PATCH:patch
    /apis/networking.k8s.io/v1/ingressclasses GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/networking.k8s.io/v1/ingressclasses/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/networking.k8s.io/v1/ingresses GET:list WATCH:watch
    /apis/networking.k8s.io/v1/ipaddresses GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/networking.k8s.io/v1/ipaddresses/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/{name}/status GET:get PUT:update PATCH:patch
    /apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies GET:list POST:create DELETE:deletecollection \
      WATCH:watch
    /apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies/{name} GET:get PUT:update PATCH:patch \
      DELETE:delete
    /apis/networking.k8s.io/v1/networkpolicies GET:list WATCH:watch
    /apis/networking.k8s.io/v1/servicecidrs GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/networking.k8s.io/v1/servicecidrs/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/networking.k8s.io/v1/servicecidrs/{name}/status GET:get PUT:update PATCH:patch
    /apis/node.k8s.io/v1/runtimeclasses GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/node.k8s.io/v1/runtimeclasses/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets/{name}/status GET:get PUT:update PATCH:patch
    /apis/policy/v1/poddisruptionbudgets GET:list WATCH:watch
    /apis/rbac.authorization.k8s.io/v1/clusterrolebindings GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/rbac.authorization.k8s.io/v1/clusterroles GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/rbac.authorization.k8s.io/v1/clusterroles/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings GET:list POST:create \
      DELETE:deletecollection WATCH:watch
    /apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings/{name} GET:get PUT:update PATCH:patch \
      DELETE:delete
    /apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles GET:list POST:create DELETE:deletecollection \
      WATCH:watch
    /apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/rbac.authorization.k8s.io/v1/rolebindings GET:list WATCH:watch
    /apis/rbac.authorization.k8s.io/v1/roles GET:list WATCH:watch
    /apis/resource.k8s.io/v1/deviceclasses GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/resource.k8s.io/v1/deviceclasses/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/resource.k8s.io/v1/namespaces/{namespace}/resourceclaims GET:list POST:create DELETE:deletecollection \
      WATCH:watch
    /apis/resource.k8s.io/v1/namespaces/{namespace}/resourceclaims/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/resource.k8s.io/v1/namespaces/{namespace}/resourceclaims/{name}/status GET:get PUT:update PATCH:patch
    /apis/resource.k8s.io/v1/namespaces/{namespace}/resourceclaimtemplates GET:list POST:create \
      DELETE:deletecollection WATCH:watch
    /apis/resource.k8s.io/v1/namespaces/{namespace}/resourceclaimtemplates/{name} GET:get PUT:update PATCH:patch \
      DELETE:delete
    /apis/resource.k8s.io/v1/resourceclaims GET:list WATCH:watch
    /apis/resource.k8s.io/v1/resourceclaimtemplates GET:list WATCH:watch
    /apis/resource.k8s.io/v1/resourceslices GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/resource.k8s.io/v1/resourceslices/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/scheduling.k8s.io/v1/priorityclasses GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/scheduling.k8s.io/v1/priorityclasses/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/storage.k8s.io/v1/csidrivers GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/storage.k8s.io/v1/csidrivers/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/storage.k8s.io/v1/csinodes GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/storage.k8s.io/v1/csinodes/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/storage.k8s.io/v1/csistoragecapacities GET:list WATCH:watch
    /apis/storage.k8s.io/v1/namespaces/{namespace}/csistoragecapacities GET:list POST:create DELETE:deletecollection \
      WATCH:watch
    /apis/storage.k8s.io/v1/namespaces/{namespace}/csistoragecapacities/{name} GET:get PUT:update PATCH:patch \
      DELETE:delete
    /apis/storage.k8s.io/v1/storageclasses GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/storage.k8s.io/v1/storageclasses/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/storage.k8s.io/v1/volumeattachments GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/storage.k8s.io/v1/volumeattachments/{name} GET:get PUT:update PATCH:patch DELETE:delete
    /apis/storage.k8s.io/v1/volumeattachments/{name}/status GET:get PUT:update PATCH:patch
    /apis/storage.k8s.io/v1/volumeattributesclasses GET:list POST:create DELETE:deletecollection WATCH:watch
    /apis/storage.k8s.io/v1/volumeattributesclasses/{name} GET:get PUT:update PATCH:patch DELETE:delete
    """

/// Kinds that a PUT creates where they are missing (`AllowCreateOnUpdate` of the strategies in pkg/registry), and which
/// is asked for `create` then. An apply creates every kind that is stored.
let upstreamCreatesOnUpdate: Set<String> = [
    "runtimeclasses", "rolebindings", "clusterrolebindings", "roles", "clusterroles", "leases", "limitranges", "events",
    "services", "endpoints",
]
