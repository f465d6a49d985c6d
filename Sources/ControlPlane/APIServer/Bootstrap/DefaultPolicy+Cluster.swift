// SPDX-License-Identifier: Apache-2.0

extension DefaultPolicy {
    /// What every cluster grants to people, nodes and the control plane.
    static let cluster = """
        clusterrole admin from=admin
        clusterrole cluster-admin
          * * *
          * - - - *
        clusterrole edit to=admin from=edit
        clusterrole system:aggregate-to-admin to=admin
          create authorization.k8s.io localsubjectaccessreviews
          create,delete,deletecollection,get,list,patch,update,watch rbac.authorization.k8s.io rolebindings,roles
        clusterrole system:aggregate-to-edit to=edit
          get,list,watch core pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy
          impersonate core serviceaccounts
          create,delete,deletecollection,patch,update core pods,pods/attach,pods/exec,pods/portforward,pods/proxy
          create core pods/eviction
          create,delete,deletecollection,patch,update core configmaps,persistentvolumeclaims,replicationcontrollers
          create,delete,deletecollection,patch,update core replicationcontrollers/scale,secrets,serviceaccounts
          create,delete,deletecollection,patch,update core services,services/proxy
          create core serviceaccounts/token
          create,delete,deletecollection,patch,update core,events.k8s.io events
          create,delete,deletecollection,patch,update apps daemonsets,deployments,deployments/rollback
          create,delete,deletecollection,patch,update apps deployments/scale,replicasets,replicasets/scale
          create,delete,deletecollection,patch,update apps statefulsets,statefulsets/scale
          create,delete,deletecollection,patch,update autoscaling horizontalpodautoscalers
          create,delete,deletecollection,patch,update batch cronjobs,jobs
          create,delete,deletecollection,patch,update extensions daemonsets,deployments,deployments/rollback
          create,delete,deletecollection,patch,update extensions deployments/scale,ingresses,networkpolicies
          create,delete,deletecollection,patch,update extensions replicasets,replicasets/scale
          create,delete,deletecollection,patch,update extensions replicationcontrollers/scale
          create,delete,deletecollection,patch,update policy poddisruptionbudgets
          create,delete,deletecollection,patch,update networking.k8s.io ingresses,networkpolicies
          create,delete,deletecollection,get,list,patch,update,watch coordination.k8s.io leases
          create,delete,deletecollection,patch,update resource.k8s.io resourceclaims,resourceclaimtemplates
        clusterrole system:aggregate-to-view to=view
          get,list,watch core configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods
          get,list,watch core replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services
          get,list,watch core services/status
          get,list,watch core bindings,limitranges,namespaces/status,pods/log,pods/status
          get,list,watch core replicationcontrollers/status,resourcequotas,resourcequotas/status
          get,list,watch core namespaces
          get,list,watch core,events.k8s.io events
          get,list,watch discovery.k8s.io endpointslices
          get,list,watch apps controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale
          get,list,watch apps deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets
          get,list,watch apps statefulsets/scale,statefulsets/status
          get,list,watch autoscaling horizontalpodautoscalers,horizontalpodautoscalers/status
          get,list,watch batch cronjobs,cronjobs/status,jobs,jobs/status
          get,list,watch extensions daemonsets,daemonsets/status,deployments,deployments/scale,deployments/status
          get,list,watch extensions ingresses,ingresses/status,networkpolicies,replicasets,replicasets/scale
          get,list,watch extensions replicasets/status,replicationcontrollers/scale
          get,list,watch policy poddisruptionbudgets,poddisruptionbudgets/status
          get,list,watch networking.k8s.io ingresses,ingresses/status,networkpolicies
          get,list,watch resource.k8s.io resourceclaims,resourceclaims/status,resourceclaimtemplates
        clusterrole system:auth-delegator
          create authentication.k8s.io tokenreviews
          create authorization.k8s.io subjectaccessreviews
        clusterrole system:basic-user
          create authorization.k8s.io selfsubjectaccessreviews,selfsubjectrulesreviews
          create authentication.k8s.io selfsubjectreviews
        clusterrole system:certificates.k8s.io:certificatesigningrequests:nodeclient
          create certificates.k8s.io certificatesigningrequests/nodeclient
        clusterrole system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
          create certificates.k8s.io certificatesigningrequests/selfnodeclient
        clusterrole system:certificates.k8s.io:kube-apiserver-client-approver
          approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client
        clusterrole system:certificates.k8s.io:kube-apiserver-client-kubelet-approver
          approve certificates.k8s.io signers kubernetes.io/kube-apiserver-client-kubelet
        clusterrole system:certificates.k8s.io:kubelet-serving-approver
          approve certificates.k8s.io signers kubernetes.io/kubelet-serving
        clusterrole system:certificates.k8s.io:legacy-unknown-approver
          approve certificates.k8s.io signers kubernetes.io/legacy-unknown
        clusterrole swiftlet:cluster-dns
          list,watch core namespaces,services
          list,watch discovery.k8s.io endpointslices
          get core nodes
        clusterrole swiftlet:certificate-approval
          get core nodes
          approve certificates.k8s.io signers kubernetes.io/kubelet-serving
        clusterrole system:discovery
          get - - - /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,/version/
        clusterrole system:heapster
          get,list,watch core events,namespaces,nodes,pods
          get,list,watch extensions deployments
        clusterrole system:kube-aggregator
          get,list,watch core endpoints,services
        clusterrole system:kube-controller-manager
          create,patch,update core,events.k8s.io events
          create coordination.k8s.io leases
          get,update coordination.k8s.io leases kube-controller-manager
          create core secrets,serviceaccounts
          delete core secrets
          get core configmaps,namespaces,secrets,serviceaccounts
          update core secrets,serviceaccounts
          create authentication.k8s.io tokenreviews
          create authorization.k8s.io subjectaccessreviews
          list,watch * *
          create core serviceaccounts/token
        clusterrole system:kube-dns
          list,watch core endpoints,services
        clusterrole system:kube-scheduler
          create,patch,update core,events.k8s.io events
          create coordination.k8s.io leases
          get,list,update,watch coordination.k8s.io leases kube-scheduler
          create,delete,deletecollection,get,list,patch,update,watch coordination.k8s.io leasecandidates
          get,list,watch core nodes
          delete,get,list,watch core pods
          create core bindings,pods/binding
          patch,update core pods/status
          get,list,watch core replicationcontrollers,services
          get,list,watch apps,extensions replicasets
          get,list,watch apps statefulsets
          get,list,watch policy poddisruptionbudgets
          get,list,watch core persistentvolumeclaims,persistentvolumes
          create authentication.k8s.io tokenreviews
          create authorization.k8s.io subjectaccessreviews
          get,list,watch storage.k8s.io csinodes
          get,list,watch storage.k8s.io volumeattachments
          get,list,watch core namespaces
          get,list,watch storage.k8s.io csidrivers
          get,list,watch storage.k8s.io csistoragecapacities
          get,list,watch resource.k8s.io deviceclasses
          get,list,patch,update,watch resource.k8s.io resourceclaims
          get,list,patch,update,watch resource.k8s.io resourceclaims/status
          update core pods/finalizers
          get,list,watch resource.k8s.io resourceslices
          create,delete resource.k8s.io resourceclaims
          patch,update resource.k8s.io resourceclaims/binding
        clusterrole system:kubelet-api-admin
          get,list,watch core nodes
          proxy core nodes
          * core nodes/log,nodes/metrics,nodes/proxy,nodes/stats
          * core nodes/configz,nodes/healthz,nodes/pods
        clusterrole system:monitoring
          get - - - /flagz,/healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*,/statusz
          get core nodes/metrics
        clusterrole system:node
          create authentication.k8s.io tokenreviews
          create authorization.k8s.io localsubjectaccessreviews,subjectaccessreviews
          get,list,watch core services
          create,get,list,watch core nodes
          patch,update core nodes/status
          patch,update core nodes
          create,patch,update core,events.k8s.io events
          get,list,watch core pods
          create,delete core pods
          patch,update core pods/status
          create core pods/eviction
          get,list,watch core configmaps,secrets
          get core persistentvolumeclaims,persistentvolumes
          get core endpoints
          create,get,list,watch certificates.k8s.io certificatesigningrequests
          create,delete,get,patch,update coordination.k8s.io leases
          get storage.k8s.io volumeattachments
          create core serviceaccounts/token
          get,patch,update core persistentvolumeclaims/status
          get,list,watch storage.k8s.io csidrivers
          create,delete,get,patch,update storage.k8s.io csinodes
          get,list,watch node.k8s.io runtimeclasses
          get resource.k8s.io resourceclaims
          deletecollection resource.k8s.io resourceslices
          get core serviceaccounts
        clusterrole system:node-bootstrapper
          create,get,list,watch certificates.k8s.io certificatesigningrequests
        clusterrole system:node-problem-detector
          get core nodes
          patch core nodes/status
          create,patch,update core,events.k8s.io events
        clusterrole system:node-proxier
          list,watch core endpoints,services
          get,list,watch core nodes
          create,patch,update core,events.k8s.io events
          list,watch networking.k8s.io servicecidrs
          list,watch discovery.k8s.io endpointslices
        clusterrole system:persistent-volume-provisioner
          create,delete,get,list,watch core persistentvolumes
          get,list,update,watch core persistentvolumeclaims
          get,list,watch storage.k8s.io storageclasses
          watch core events
          create,patch,update core,events.k8s.io events
        clusterrole system:public-info-viewer
          get - - - /healthz,/livez,/readyz,/version,/version/
        clusterrole system:service-account-issuer-discovery
          get - - - /.well-known/openid-configuration,/.well-known/openid-configuration/,/openid/v1/jwks,/openid/v1/jwks/
        clusterrole system:volume-scheduler
          get,list,patch,update,watch core persistentvolumes
          get,list,watch storage.k8s.io storageclasses
          get,list,patch,update,watch core persistentvolumeclaims
        clusterrole view to=edit from=view
        clusterbinding cluster-admin ClusterRole/cluster-admin group:system:masters
        clusterbinding system:basic-user ClusterRole/system:basic-user group:system:authenticated
        clusterbinding system:discovery ClusterRole/system:discovery group:system:authenticated
        clusterbinding system:kube-controller-manager ClusterRole/system:kube-controller-manager user:system:kube-controller-manager
        clusterbinding system:kube-dns ClusterRole/system:kube-dns account:kube-system/kube-dns
        clusterbinding swiftlet:cluster-dns ClusterRole/swiftlet:cluster-dns account:kube-system/cluster-dns
        clusterbinding swiftlet:certificate-approval ClusterRole/swiftlet:certificate-approval account:kube-system/certificate-controller
        clusterbinding swiftlet:node-bootstrap ClusterRole/system:node-bootstrapper group:system:bootstrappers:kubeadm:default-node-token
        clusterbinding swiftlet:node-certificate-approval ClusterRole/system:certificates.k8s.io:certificatesigningrequests:nodeclient group:system:bootstrappers:kubeadm:default-node-token
        clusterbinding swiftlet:kubelet-api-admin ClusterRole/system:kubelet-api-admin user:kube-apiserver-kubelet-client
        clusterbinding swiftlet:node-certificate-renewal ClusterRole/system:certificates.k8s.io:certificatesigningrequests:selfnodeclient group:system:nodes
        clusterbinding system:kube-scheduler ClusterRole/system:kube-scheduler user:system:kube-scheduler
        clusterbinding system:monitoring ClusterRole/system:monitoring group:system:monitoring
        clusterbinding system:node ClusterRole/system:node
        clusterbinding system:node-proxier ClusterRole/system:node-proxier user:system:kube-proxy
        clusterbinding swiftlet:kube-proxy ClusterRole/system:node-proxier account:kube-system/kube-proxy
        clusterbinding system:public-info-viewer ClusterRole/system:public-info-viewer group:system:authenticated group:system:unauthenticated
        clusterbinding system:service-account-issuer-discovery ClusterRole/system:service-account-issuer-discovery group:system:serviceaccounts
        clusterbinding system:volume-scheduler ClusterRole/system:volume-scheduler user:system:kube-scheduler
        role kube-public/system:controller:bootstrap-signer
          get,list,watch core configmaps
          update core configmaps cluster-info
          create,patch,update core,events.k8s.io events
        role kube-public/swiftlet:cluster-info
          get core configmaps cluster-info
        role kube-system/swiftlet:cluster-settings
          get core configmaps swiftlet-cluster
        role kube-system/swiftlet:node-proxy-token
          create core serviceaccounts/token kube-proxy
        role kube-system/swiftlet:cluster-dns
          create,delete,get,update discovery.k8s.io endpointslices
        role kube-system/extension-apiserver-authentication-reader
          get,list,watch core configmaps extension-apiserver-authentication
        role kube-system/system::leader-locking-kube-controller-manager
          create,get,list,update,watch coordination.k8s.io leases
          create,get,list,update,watch coordination.k8s.io leasecandidates
        role kube-system/system::leader-locking-kube-scheduler
          create,get,list,update,watch coordination.k8s.io leases
          create,get,list,update,watch coordination.k8s.io leasecandidates
        role kube-system/system:controller:bootstrap-signer
          get,list,watch core secrets
        role kube-system/system:controller:cloud-provider
          create,get,list,watch core configmaps
        role kube-system/system:controller:token-cleaner
          delete,get,list,watch core secrets
          create,patch,update core,events.k8s.io events
        binding kube-public/system:controller:bootstrap-signer Role/system:controller:bootstrap-signer account:kube-system/bootstrap-signer
        binding kube-public/swiftlet:cluster-info Role/swiftlet:cluster-info user:system:anonymous group:system:bootstrappers group:system:nodes
        binding kube-system/swiftlet:cluster-settings Role/swiftlet:cluster-settings group:system:nodes
        binding kube-system/swiftlet:node-proxy-token Role/swiftlet:node-proxy-token group:system:nodes
        binding kube-system/swiftlet:cluster-dns Role/swiftlet:cluster-dns account:kube-system/cluster-dns
        binding kube-system/system::extension-apiserver-authentication-reader Role/extension-apiserver-authentication-reader user:system:kube-controller-manager user:system:kube-scheduler
        binding kube-system/system::leader-locking-kube-controller-manager Role/system::leader-locking-kube-controller-manager user:system:kube-controller-manager account:kube-system/kube-controller-manager account:kube-system/leader-election-controller
        binding kube-system/system::leader-locking-kube-scheduler Role/system::leader-locking-kube-scheduler user:system:kube-scheduler account:kube-system/kube-scheduler
        binding kube-system/system:controller:bootstrap-signer Role/system:controller:bootstrap-signer account:kube-system/bootstrap-signer
        binding kube-system/system:controller:cloud-provider Role/system:controller:cloud-provider account:kube-system/cloud-provider
        binding kube-system/system:controller:token-cleaner Role/system:controller:token-cleaner account:kube-system/token-cleaner
        """
}
