// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import KubeAPI
import Testing

@testable import APIServer

private let node = RequestUser(name: "system:node:n1", groups: ["system:nodes"])

/// What a node asks for when it makes a mirror pod, and what the server says; nil: it makes it.
private struct Mirror: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var spec: JSONObject
    var owner: JSONValue? = Mirror.owner
    var owners = 1
    var annotations: JSONObject = ["kubernetes.io/config.mirror": "x"]
    var refusal: String?

    static let owner: JSONValue = ["apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "OWN", "controller": true]

    static func owned(_ text: String, _ change: JSONObject, refusal: String?) -> Mirror {
        var owner = Self.owner
        for (key, value) in change { owner[key] = value }
        return Mirror(testDescription: text, spec: [:], owner: owner, refusal: refusal)
    }

    static func refers(_ text: String, _ spec: JSONObject, _ to: String) -> Mirror {
        Mirror(testDescription: text, spec: spec, refusal: to)
    }

    static func volume(_ field: String, _ source: JSONValue, _ to: String?) -> Mirror {
        let volumes: JSONValue = [["name": "v", field: source]]
        return Mirror(testDescription: field, spec: ["volumes": volumes], refusal: to)
    }
}

private let secretRef: JSONValue = ["name": "s"]
private let noSecrets = "a mirror pod may not reference secrets"
private func cannot(_ what: String) -> String { "node \"n1\" can not create pods that reference \(what)" }

private let mirrors: [Mirror] = [
    Mirror(testDescription: "as a kubelet makes it", spec: [:]),
    .owned("not blocking", ["blockOwnerDeletion": false], refusal: nil),
    Mirror(
        testDescription: "not a mirror", spec: [:], annotations: [:],
        refusal: "pod does not have \"kubernetes.io/config.mirror\" annotation, node \"n1\" can only create mirror pods"
    ),
    Mirror(
        testDescription: "on another node", spec: ["nodeName": "n2"],
        refusal: "node \"n1\" can only create pods with spec.nodeName set to itself"),
    Mirror(
        testDescription: "on no node", spec: ["nodeName": ""],
        refusal: "node \"n1\" can only create pods with spec.nodeName set to itself"),
    Mirror(
        testDescription: "without owner", spec: [:], owner: nil,
        refusal: "node \"n1\" can only create pods with an owner reference set to itself"),
    Mirror(
        testDescription: "with two owners", spec: [:], owners: 2,
        refusal: "node \"n1\" can only create pods with a single owner reference set to itself"),
    .owned("of another node", ["name": "n2"], refusal: "can only create pods with an owner reference set to itself"),
    .owned("of another kind", ["kind": "Pod"], refusal: "can only create pods with an owner reference set to itself"),
    .owned(
        "of another version", ["apiVersion": "v2"],
        refusal: "can only create pods with an owner reference set to itself"),
    .owned(
        "not controlled", ["controller": false],
        refusal: "can only create pods with a controller owner reference set to itself"),
    .owned(
        "blocking", ["blockOwnerDeletion": true], refusal: "must not set blockOwnerDeletion on an owner reference"),
    .owned("of another uid", ["uid": "other"], refusal: "node n1 UID mismatch: expected other got OWN"),

    .refers("an account", ["serviceAccountName": "a"], "a mirror pod may not reference service accounts"),
    .refers("an account by its old name", ["serviceAccount": "a"], "a mirror pod may not reference service accounts"),
    .refers("a pull secret", ["imagePullSecrets": [["name": "s"]]], noSecrets),
    .refers(
        "a secret in the environment",
        [
            "containers": [
                [
                    "name": "c", "image": "i",
                    "env": [["name": "A", "valueFrom": ["secretKeyRef": ["name": "s", "key": "k"]]]],
                ]
            ]
        ],
        noSecrets),
    .refers(
        "a secret as the environment",
        ["containers": [["name": "c", "image": "i", "envFrom": [["secretRef": ["name": "s"]]]]]],
        noSecrets),
    .refers(
        "a secret of an init container",
        ["initContainers": [["name": "d", "image": "i", "envFrom": [["secretRef": ["name": "s"]]]]]], noSecrets),
    .refers(
        "a config map in the environment",
        [
            "containers": [
                [
                    "name": "c", "image": "i",
                    "env": [["name": "A", "valueFrom": ["configMapKeyRef": ["name": "m", "key": "k"]]]],
                ]
            ]
        ],
        cannot("configmaps")),
    .refers(
        "a config map as the environment",
        ["containers": [["name": "c", "image": "i", "envFrom": [["configMapRef": ["name": "m"]]]]]],
        cannot("configmaps")),
    .refers(
        "a resource claim", ["resourceClaims": [["name": "r", "resourceClaimName": "r"]]], cannot("resourceclaims")),
    .volume("secret", ["secretName": "s"], noSecrets),
    .volume("azureFile", ["secretName": "s", "shareName": "x"], noSecrets),
    .volume("cephfs", ["monitors": ["m"], "secretRef": secretRef], noSecrets),
    .volume("cinder", ["volumeID": "v", "secretRef": secretRef], noSecrets),
    .volume("flexVolume", ["driver": "a/b", "secretRef": secretRef], noSecrets),
    .volume("rbd", ["monitors": ["m"], "image": "i", "secretRef": secretRef], noSecrets),
    .volume("scaleIO", ["gateway": "g", "system": "s", "volumeName": "v", "secretRef": secretRef], noSecrets),
    .volume(
        "iscsi", ["targetPortal": "1.2.3.4", "iqn": "iqn.2000-01.a:b", "lun": 0, "secretRef": secretRef], noSecrets),
    .volume("storageos", ["volumeName": "v", "secretRef": secretRef], noSecrets),
    .volume("csi", ["driver": "d.example.com", "nodePublishSecretRef": secretRef], noSecrets),
    .volume("csi", ["driver": "d.example.com"], cannot("csidrivers (via CSI volumes)")),
    .volume("configMap", ["name": "m"], cannot("configmaps")),
    .volume("glusterfs", ["endpoints": "e", "path": "p"], cannot("endpoints (via glusterFS volumes)")),
    .volume("persistentVolumeClaim", ["claimName": "c"], cannot("persistentvolumeclaims")),
    .volume(
        "ephemeral",
        [
            "volumeClaimTemplate": [
                "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]]
            ]
        ],
        cannot("persistentvolumeclaims (via ephemeral volumes)")),
    .volume("projected", ["sources": [["secret": ["name": "s"]]]], noSecrets),
    .volume("projected", ["sources": [["downwardAPI": [:]], ["configMap": ["name": "m"]]]], cannot("configmaps")),
    .volume(
        "projected", ["sources": [["serviceAccountToken": ["path": "t"]]]],
        "a mirror pod may not use ServiceAccountToken volume projections"),
    .volume(
        "projected", ["sources": [["clusterTrustBundle": ["name": "b", "path": "p"]]]], cannot("clustertrustbundles")),
    .volume(
        "projected",
        ["sources": [["podCertificate": ["signerName": "a/b", "keyType": "ED25519", "credentialBundlePath": "c"]]]],
        cannot("podcertificates")),
    .volume(
        "projected",
        ["sources": [["downwardAPI": ["items": [["path": "p", "fieldRef": ["fieldPath": "metadata.name"]]]]]]], nil),
    .volume("hostPath", ["path": "/x"], nil), .volume("emptyDir", [:], nil),
    .volume("nfs", ["server": "s", "path": "/p"], nil),
]
@Suite(.timeLimit(.minutes(1))) struct `A node's mirror pods` {
    private func mirrorPod(_ mirror: Mirror, _ uid: String) -> JSONValue {
        var spec: JSONObject = ["nodeName": "n1"]
        for (key, value) in mirror.spec { spec[key] = value }
        var object = pod("m", spec)
        object["metadata"]?["annotations"] = .object(mirror.annotations)
        if var owner = mirror.owner {
            if owner["uid"] == "OWN" { owner["uid"] = .string(uid) }
            object["metadata"]?["ownerReferences"] = .array(Array(repeating: owner, count: mirror.owners))
        }
        return object
    }

    @Test func `are its own and refer to nothing`() async throws {
        let (server, uid) = try await `A node writes`.server()
        for mirror in mirrors {
            let object = mirrorPod(mirror, uid)
            let ways: [(String, String, JSONValue)] = [("POST", pods, object), ("POST", "\(pods)?dryRun=All", object)]
            for (method, target, body) in ways {
                let answer = try await server.send(method, target, body, as: node)
                let message = answer.json["message"]?.string ?? ""
                if let refusal = mirror.refusal {
                    #expect(
                        answer.status == 403 && message.contains(refusal.replacing("OWN", with: uid)),
                        "\(mirror.testDescription): \(answer.status) \(message)")
                } else {
                    #expect(answer.status == 201, "\(mirror.testDescription): \(message)")
                    try await server.send("DELETE", "\(pods)/m", ["gracePeriodSeconds": 0])
                }
            }
        }
    }

    @Test func `refer to nothing, whoever makes them`() async throws {
        let (server, uid) = try await `A node writes`.server()
        for mirror in mirrors {
            guard let refusal = mirror.refusal, refusal.hasPrefix("a mirror pod") else { continue }
            `A node writes`.expectRefusal(try await server.send("POST", pods, mirrorPod(mirror, uid)), refusal)
        }
    }
}
