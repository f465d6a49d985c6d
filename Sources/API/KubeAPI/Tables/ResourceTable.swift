// SPDX-License-Identifier: Apache-2.0

extension APITables {
    /// The resources, one after the other in discovery's order of groups: group and version, plural, type, scope, then
    /// the verbs, short names, categories and subresources (`name:verbs[:group/version/Kind]`), and where the objects
    /// are stored when another resource shows them too. Lines that start with blanks continue the one before.
    static let resources = #"""
        v1 bindings core/Binding namespaced verbs=create
        v1 componentstatuses core/ComponentStatus cluster verbs=get,list short=cs
        v1 configmaps core/ConfigMap namespaced verbs=* short=cm
        v1 endpoints core/Endpoints namespaced verbs=* short=ep
        v1 events core/Event namespaced verbs=* short=ev
        v1 limitranges core/LimitRange namespaced verbs=* short=limits
        v1 namespaces core/Namespace cluster verbs=create,delete,get,list,patch,update,watch short=ns
          sub=finalize:update sub=status:get,patch,update
        v1 nodes core/Node cluster verbs=* short=no sub=proxy:create,delete,get,patch,update:v1/NodeProxyOptions
          sub=status:get,patch,update
        v1 persistentvolumeclaims core/PersistentVolumeClaim namespaced verbs=* short=pvc sub=status:get,patch,update
        v1 persistentvolumes core/PersistentVolume cluster verbs=* short=pv sub=status:get,patch,update
        v1 pods core/Pod namespaced verbs=* short=po categories=all sub=attach:create,get:v1/PodAttachOptions
          sub=binding:create:v1/Binding sub=ephemeralcontainers:get,patch,update
          sub=eviction:create:policy/v1/Eviction sub=exec:create,get:v1/PodExecOptions sub=log:get
          sub=portforward:create,get:v1/PodPortForwardOptions
          sub=proxy:create,delete,get,patch,update:v1/PodProxyOptions sub=resize:get,patch,update
          sub=status:get,patch,update
        v1 podtemplates core/PodTemplate namespaced verbs=*
        v1 replicationcontrollers core/ReplicationController namespaced verbs=* short=rc categories=all
          sub=scale:get,patch,update:autoscaling/v1/Scale sub=status:get,patch,update
        v1 resourcequotas core/ResourceQuota namespaced verbs=* short=quota sub=status:get,patch,update
        v1 secrets core/Secret namespaced verbs=*
        v1 serviceaccounts core/ServiceAccount namespaced verbs=* short=sa
          sub=token:create:authentication.k8s.io/v1/TokenRequest
        v1 services core/Service namespaced verbs=* short=svc categories=all
          sub=proxy:create,delete,get,patch,update:v1/ServiceProxyOptions sub=status:get,patch,update
        apps/v1 controllerrevisions apps/ControllerRevision namespaced verbs=*
        apps/v1 daemonsets apps/DaemonSet namespaced verbs=* short=ds categories=all sub=status:get,patch,update
        apps/v1 deployments apps/Deployment namespaced verbs=* short=deploy categories=all
          sub=scale:get,patch,update:autoscaling/v1/Scale sub=status:get,patch,update
        apps/v1 replicasets apps/ReplicaSet namespaced verbs=* short=rs categories=all
          sub=scale:get,patch,update:autoscaling/v1/Scale sub=status:get,patch,update
        apps/v1 statefulsets apps/StatefulSet namespaced verbs=* short=sts categories=all
          sub=scale:get,patch,update:autoscaling/v1/Scale sub=status:get,patch,update
        batch/v1 cronjobs batch/CronJob namespaced verbs=* short=cj categories=all sub=status:get,patch,update
        batch/v1 jobs batch/Job namespaced verbs=* categories=all sub=status:get,patch,update
        autoscaling/v2 horizontalpodautoscalers autoscalingv2/HorizontalPodAutoscaler namespaced verbs=* short=hpa
          categories=all sub=status:get,patch,update
        autoscaling/v1 horizontalpodautoscalers autoscaling/HorizontalPodAutoscaler namespaced verbs=* short=hpa
          categories=all sub=status:get,patch,update
          storage=autoscaling/v2/horizontalpodautoscalers/HorizontalPodAutoscaler
        admissionregistration.k8s.io/v1 mutatingadmissionpolicies admissionregistration/MutatingAdmissionPolicy
          cluster verbs=* categories=api-extensions
        admissionregistration.k8s.io/v1 mutatingadmissionpolicybindings
          admissionregistration/MutatingAdmissionPolicyBinding cluster verbs=* categories=api-extensions
        admissionregistration.k8s.io/v1 mutatingwebhookconfigurations
          admissionregistration/MutatingWebhookConfiguration cluster verbs=* categories=api-extensions
        admissionregistration.k8s.io/v1 validatingadmissionpolicies admissionregistration/ValidatingAdmissionPolicy
          cluster verbs=* categories=api-extensions sub=status:get,patch,update
        admissionregistration.k8s.io/v1 validatingadmissionpolicybindings
          admissionregistration/ValidatingAdmissionPolicyBinding cluster verbs=* categories=api-extensions
        admissionregistration.k8s.io/v1 validatingwebhookconfigurations
          admissionregistration/ValidatingWebhookConfiguration cluster verbs=* categories=api-extensions
        apiextensions.k8s.io/v1 customresourcedefinitions apiextensions/CustomResourceDefinition cluster verbs=*
          short=crd,crds categories=api-extensions sub=status:get,patch,update
        apiregistration.k8s.io/v1 apiservices apiregistration/APIService cluster verbs=* categories=api-extensions
          sub=status:get,patch,update
        authentication.k8s.io/v1 selfsubjectreviews authentication/SelfSubjectReview cluster verbs=create
        authentication.k8s.io/v1 tokenreviews authentication/TokenReview cluster verbs=create
        authorization.k8s.io/v1 localsubjectaccessreviews authorization/LocalSubjectAccessReview namespaced
          verbs=create
        authorization.k8s.io/v1 selfsubjectaccessreviews authorization/SelfSubjectAccessReview cluster verbs=create
        authorization.k8s.io/v1 selfsubjectrulesreviews authorization/SelfSubjectRulesReview cluster verbs=create
        authorization.k8s.io/v1 subjectaccessreviews authorization/SubjectAccessReview cluster verbs=create
        certificates.k8s.io/v1 certificatesigningrequests certificates/CertificateSigningRequest cluster verbs=*
          short=csr sub=approval:get,patch,update sub=status:get,patch,update
        coordination.k8s.io/v1 leases coordination/Lease namespaced verbs=*
        discovery.k8s.io/v1 endpointslices discovery/EndpointSlice namespaced verbs=*
        events.k8s.io/v1 events events/Event namespaced verbs=* short=ev storage=v1/events/Event
        flowcontrol.apiserver.k8s.io/v1 flowschemas flowcontrol/FlowSchema cluster verbs=*
          sub=status:get,patch,update
        flowcontrol.apiserver.k8s.io/v1 prioritylevelconfigurations flowcontrol/PriorityLevelConfiguration cluster
          verbs=* sub=status:get,patch,update
        networking.k8s.io/v1 ingressclasses networking/IngressClass cluster verbs=*
        networking.k8s.io/v1 ingresses networking/Ingress namespaced verbs=* short=ing sub=status:get,patch,update
        networking.k8s.io/v1 ipaddresses networking/IPAddress cluster verbs=* short=ip
        networking.k8s.io/v1 networkpolicies networking/NetworkPolicy namespaced verbs=* short=netpol
        networking.k8s.io/v1 servicecidrs networking/ServiceCIDR cluster verbs=* sub=status:get,patch,update
        node.k8s.io/v1 runtimeclasses node/RuntimeClass cluster verbs=*
        policy/v1 poddisruptionbudgets policy/PodDisruptionBudget namespaced verbs=* short=pdb
          sub=status:get,patch,update
        rbac.authorization.k8s.io/v1 clusterrolebindings rbac/ClusterRoleBinding cluster verbs=*
        rbac.authorization.k8s.io/v1 clusterroles rbac/ClusterRole cluster verbs=*
        rbac.authorization.k8s.io/v1 rolebindings rbac/RoleBinding namespaced verbs=*
        rbac.authorization.k8s.io/v1 roles rbac/Role namespaced verbs=*
        scheduling.k8s.io/v1 priorityclasses scheduling/PriorityClass cluster verbs=* short=pc
        resource.k8s.io/v1 deviceclasses resource/DeviceClass cluster verbs=*
        resource.k8s.io/v1 resourceclaims resource/ResourceClaim namespaced verbs=* sub=status:get,patch,update
        resource.k8s.io/v1 resourceclaimtemplates resource/ResourceClaimTemplate namespaced verbs=*
        resource.k8s.io/v1 resourceslices resource/ResourceSlice cluster verbs=*
        storage.k8s.io/v1 csidrivers storage/CSIDriver cluster verbs=*
        storage.k8s.io/v1 csinodes storage/CSINode cluster verbs=*
        storage.k8s.io/v1 csistoragecapacities storage/CSIStorageCapacity namespaced verbs=*
        storage.k8s.io/v1 storageclasses storage/StorageClass cluster verbs=* short=sc
        storage.k8s.io/v1 volumeattachments storage/VolumeAttachment cluster verbs=* sub=status:get,patch,update
        storage.k8s.io/v1 volumeattributesclasses storage/VolumeAttributesClass cluster verbs=* short=vac
        """#
}
