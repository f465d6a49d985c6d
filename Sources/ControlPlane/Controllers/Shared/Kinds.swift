// SPDX-License-Identifier: Apache-2.0

import KubeClient

/// The collections the controllers work on.
enum Kinds {
    static let pods = core("pods", "Pod")
    static let nodes = core("nodes", "Node", namespaced: false)
    static let namespaces = core("namespaces", "Namespace", namespaced: false)
    static let services = core("services", "Service")
    static let endpoints = core("endpoints", "Endpoints")
    static let configMaps = core("configmaps", "ConfigMap")
    static let serviceAccounts = core("serviceaccounts", "ServiceAccount")
    static let secrets = core("secrets", "Secret")
    static let claims = core("persistentvolumeclaims", "PersistentVolumeClaim")
    static let volumes = core("persistentvolumes", "PersistentVolume", namespaced: false)
    static let resourceQuotas = core("resourcequotas", "ResourceQuota")
    static let replicationControllers = core("replicationcontrollers", "ReplicationController")
    static let deployments = grouped("apps", "deployments", "Deployment")
    static let replicaSets = grouped("apps", "replicasets", "ReplicaSet")
    static let daemonSets = grouped("apps", "daemonsets", "DaemonSet")
    static let statefulSets = grouped("apps", "statefulsets", "StatefulSet")
    static let controllerRevisions = grouped("apps", "controllerrevisions", "ControllerRevision")
    static let jobs = grouped("batch", "jobs", "Job")
    static let cronJobs = grouped("batch", "cronjobs", "CronJob")
    static let endpointSlices = grouped("discovery.k8s.io", "endpointslices", "EndpointSlice")
    static let leases = grouped("coordination.k8s.io", "leases", "Lease")
    static let disruptionBudgets = grouped("policy", "poddisruptionbudgets", "PodDisruptionBudget")
    static let clusterRoles = grouped("rbac.authorization.k8s.io", "clusterroles", "ClusterRole", namespaced: false)
    static let signingRequests = grouped(
        "certificates.k8s.io", "certificatesigningrequests", "CertificateSigningRequest", namespaced: false)

    private static func core(_ plural: String, _ kind: String, namespaced: Bool = true) -> ResourceID {
        ResourceID(group: "", version: "v1", plural: plural, kind: kind, namespaced: namespaced)
    }

    private static func grouped(
        _ group: String, _ plural: String, _ kind: String, namespaced: Bool = true
    ) -> ResourceID {
        ResourceID(group: group, version: "v1", plural: plural, kind: kind, namespaced: namespaced)
    }
}
