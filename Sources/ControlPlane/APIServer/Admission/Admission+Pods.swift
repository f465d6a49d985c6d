// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI
internal import Linux
internal import Schema
internal import Store

extension Admission {
    static let mirrorAnnotation = "kubernetes.io/config.mirror"
    static let podSubject = Subject(group: "", resource: "pods", kind: "Pod", name: "")

    private func subject(_ object: APIObject) -> Subject {
        var subject = Self.podSubject
        subject.name = object.name
        return subject
    }

    // MARK: Service accounts

    /// Every pod runs as a service account and gets a token for it, unless the pod or the account does not want one.
    func serviceAccount(_ pod: inout APIObject) throws(APIError) {
        if pod.annotations[Self.mirrorAnnotation] != nil { return try checkMirror(pod) }
        var spec = pod.spec
        let name = spec["serviceAccountName"]?.string ?? spec["serviceAccount"]?.string ?? ""
        let accountName = name.isEmpty ? "default" : name
        spec["serviceAccountName"] = .string(accountName)
        spec["serviceAccount"] = .string(accountName)
        guard let account = try account(accountName, in: pod.namespace) else {
            throw .forbidden(
                subject(pod),
                "error looking up service account \(pod.namespace)/\(accountName): serviceaccount \"\(accountName)\" not found"
            )
        }
        if (spec["imagePullSecrets"]?.array ?? []).isEmpty, let secrets = account["imagePullSecrets"]?.array,
            !secrets.isEmpty
        {
            spec["imagePullSecrets"] = .array(secrets)
        }
        let wanted = spec["automountServiceAccountToken"]?.bool ?? account["automountServiceAccountToken"]?.bool ?? true
        if wanted { mountToken(&spec) }
        pod.spec = spec
    }

    /// A service account, read once for a request.
    func account(_ name: String, in namespace: String) throws(APIError) -> APIObject? {
        guard let stored = try core.stored("", "serviceaccounts", namespace: namespace, name: name) else { return nil }
        return try accounts.object(stored)
    }

    /// No API server serves a mirror pod what it refers to: references would only be a way to read what is not one's own.
    private func checkMirror(_ pod: APIObject) throws(APIError) {
        let references = PodReferences(pod)
        if !references.account.isEmpty {
            throw .forbidden(subject(pod), "a mirror pod may not reference service accounts")
        }
        if !references.secrets.isEmpty { throw .forbidden(subject(pod), "a mirror pod may not reference secrets") }
        for volume in pod.spec["volumes"]?.array ?? [] {
            for source in volume["projected"]?["sources"]?.array ?? []
            where source["serviceAccountToken"]?.object != nil {
                throw .forbidden(subject(pod), "a mirror pod may not use ServiceAccountToken volume projections")
            }
        }
    }

    /// A new namespace's default account is on its way: pods created right after it wait for a moment.
    func awaitAccount(_ pod: APIObject, _ resource: ResourceKind) async throws(APIError) {
        guard resource.kind == "Pod", resource.group.isEmpty,
            pod.annotations[Self.mirrorAnnotation] == nil,
            ["", "default"].contains(pod.spec["serviceAccountName"]?.string ?? ""),
            core.storage.get(try core.builtin("", "namespaces"), namespace: "", name: pod.namespace) != nil
        else { return }
        let accounts = try core.builtin("", "serviceaccounts")
        let key = ObjectStorage.key(accounts, namespace: pod.namespace, name: "default")
        if core.store.get(key) != nil { return }
        do throws(StoreError) {
            let watch = try await core.store.watch(prefix: key, after: core.store.currentRevision)
            if core.store.get(key) != nil { return }
            let loop = EventLoop.here
            let deadline = KernelClock.deadline(after: .milliseconds(1500))
            let timer = loop.schedule(atNanoseconds: deadline) { watch.cancel() }
            defer { loop.cancel(timer) }
            _ = try await watch.next()
        } catch {
            throw .store(error, subject(pod))
        }
    }

    static let tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"

    private func mountToken(_ spec: inout JSONObject) {
        var volumes = spec["volumes"]?.array ?? []
        let existing = volumes.first { ($0["name"]?.string ?? "").hasPrefix("kube-api-access-") }?["name"]?.string
        let name = existing ?? "kube-api-access-\(Fresh.suffix())"
        var used = false
        for field in ["initContainers", "containers"] {
            guard let containers = spec[field]?.array else { continue }
            spec[field] = .array(
                containers.map { container in
                    var mounts = container["volumeMounts"]?.array ?? []
                    if mounts.contains(where: { $0["mountPath"]?.string == Self.tokenPath }) { return container }
                    used = true
                    mounts.append(["name": .string(name), "readOnly": true, "mountPath": .string(Self.tokenPath)])
                    var container = container
                    container["volumeMounts"] = .array(mounts)
                    return container
                })
        }
        guard used, existing == nil else { return }
        volumes.append([
            "name": .string(name),
            "projected": [
                "sources": [
                    ["serviceAccountToken": ["expirationSeconds": 3607, "path": "token"]],
                    [
                        "configMap": [
                            "name": "kube-root-ca.crt", "items": [["key": "ca.crt", "path": "ca.crt"]],
                        ]
                    ],
                    [
                        "downwardAPI": [
                            "items": [
                                [
                                    "path": "namespace",
                                    "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"],
                                ]
                            ]
                        ]
                    ],
                ],
                "defaultMode": 420,
            ],
        ])
        spec["volumes"] = .array(volumes)
    }

    // MARK: Priority and runtime class

    func priority(_ pod: inout APIObject) throws(APIError) {
        var spec = pod.spec
        let name = spec["priorityClassName"]?.string ?? ""
        let chosen: APIObject?
        if name.isEmpty {
            // Of several that came to be by different servers the lowest, as upstream.
            chosen = try core.objects("scheduling.k8s.io", "priorityclasses")
                .filter { $0["globalDefault"]?.bool == true }
                .min { $0["value"]?.integer ?? 0 < $1["value"]?.integer ?? 0 }
            if let chosen { spec["priorityClassName"] = .string(chosen.name) }
        } else {
            chosen = try core.object("scheduling.k8s.io", "priorityclasses", name: name)
            if chosen == nil { throw .forbidden(subject(pod), "no PriorityClass with name \(name) was found") }
        }
        let value = chosen?["value"]?.integer ?? 0
        if let given = spec["priority"]?.integer, given != value {
            throw .forbidden(
                subject(pod),
                "the integer value of priority (\(given)) must not be provided in pod spec; priority admission controller computed \(value) from the given PriorityClass name"
            )
        }
        spec["priority"] = .integer(value)
        let policy = chosen?["preemptionPolicy"]?.string ?? "PreemptLowerPriority"
        if let given = spec["preemptionPolicy"]?.string, given != policy {
            throw .forbidden(
                subject(pod),
                "the string value of PreemptionPolicy (\(given)) must not be provided in pod spec; priority admission controller computed \(policy) from the given PriorityClass name"
            )
        }
        spec["preemptionPolicy"] = .string(policy)
        pod.spec = spec
    }

    /// An update by who knows nothing of these fields leaves them.
    func keepPriority(_ pod: inout APIObject, _ old: APIObject) {
        for field in ["priority", "preemptionPolicy"] where pod.spec[field] == nil && old.spec[field] != nil {
            pod["spec"]?[field] = old.spec[field]
        }
    }

    func runtimeClass(_ pod: inout APIObject) throws(APIError) {
        let unfounded = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
        guard let name = pod.spec["runtimeClassName"]?.string, !name.isEmpty else {
            if pod.spec["overhead"]?.object?.isEmpty == false { throw .forbidden(subject(pod), unfounded) }
            return
        }
        guard let chosen = try core.object("node.k8s.io", "runtimeclasses", name: name) else {
            throw .forbidden(subject(pod), "pod rejected: RuntimeClass \"\(name)\" not found")
        }
        var spec = pod.spec
        if let overhead = chosen["overhead"]?["podFixed"] {
            if let given = spec["overhead"], given != overhead {
                throw .forbidden(
                    subject(pod), "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
            }
            spec["overhead"] = overhead
        } else if let given = spec["overhead"]?.object, !given.isEmpty {
            throw .forbidden(subject(pod), unfounded)
        }
        if let scheduling = chosen["scheduling"] {
            var selector = spec["nodeSelector"]?.object ?? [:]
            for (key, value) in scheduling["nodeSelector"]?.object ?? [:] {
                if let given = selector[key], given != value {
                    throw .forbidden(
                        subject(pod),
                        "conflict: runtimeClass.scheduling.nodeSelector and pod nodeSelector disagree on \(key)")
                }
                selector[key] = value
            }
            if !selector.isEmpty { spec["nodeSelector"] = .object(selector) }
            var tolerations = spec["tolerations"]?.array ?? []
            for toleration in scheduling["tolerations"]?.array ?? [] where !tolerations.contains(toleration) {
                tolerations.append(toleration)
            }
            if !tolerations.isEmpty { spec["tolerations"] = .array(tolerations) }
        }
        pod.spec = spec
    }

    // MARK: Tolerations

    /// A pod stays five minutes on a node that is gone, unless it says otherwise.
    func tolerations(_ pod: inout APIObject) {
        var spec = pod.spec
        var tolerations = spec["tolerations"]?.array ?? []
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let borne = tolerations.contains {
                ($0["key"]?.string == key || ($0["key"]?.string ?? "").isEmpty)
                    && ["NoExecute", ""].contains($0["effect"]?.string ?? "")
            }
            if borne { continue }
            tolerations.append([
                "key": .string(key), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
            ])
        }
        spec["tolerations"] = .array(tolerations)
        pod.spec = spec
    }
}
