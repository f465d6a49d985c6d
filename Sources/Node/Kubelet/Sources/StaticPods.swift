// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI
internal import Linux
internal import TLS
internal import Telemetry
internal import YAML

/// Pods from manifests in a directory, looked at again whenever the kernel says something in it has changed.
struct StaticPods: Sendable {
    let directory: String
    let nodeName: String
    let logger: Logger
    var watches = DirectoryWatches.shared

    /// Calls `body` with all pods of the directory, now and after every change, until cancelled.
    func watch(_ body: @Sendable ([Pod]) async -> Void) async throws {
        try Files.makeDirectories(directory, mode: 0o755)
        let changes = watches.changes(in: directory, [.closedAfterWriting, .movedFrom, .movedTo, .deleted])
        var known: [String: Pod]?
        while true {
            do {
                let found = try read(known ?? [:])
                if found.mapValues(\.uid) != known?.mapValues(\.uid) {
                    await body(found.sorted { $0.key < $1.key }.map(\.value))
                }
                known = found
            } catch {
                // The pods that run go on: a directory that cannot be read does not say that they shall not.
                logger.error("read the static pods", ["directory": directory, "error": "\(error)"])
            }
            try await changes.next()
            // Editors write in several steps: one look a little later sees the last.
            try await sleep(for: .milliseconds(20))
        }
    }

    /// Bytes of a manifest: upstream's bound.
    private static let largest = 10 << 20

    /// The pod of every manifest, by its path. One that cannot be read is logged, and is what it was in `known`: it
    /// may be half written, and does not say that its pod shall end.
    func read(_ known: [String: Pod] = [:]) throws -> [String: Pod] {
        var pods: [String: Pod] = [:]
        for entry in try Files.list(directory) where entry.kind != .directory && !entry.name.hasPrefix(".") {
            let path = "\(directory)/\(entry.name)"
            do {
                let bytes = try Files.readRegular(path, limit: Self.largest)
                pods[path] = try StaticPods.parse(bytes, path: path, nodeName: nodeName)
            } catch {
                logger.error("static pod not read", ["manifest": path, "error": "\(error)"])
                if Files.exists(path) { pods[path] = known[path] }
            }
        }
        return pods
    }

    /// A manifest as a pod: named after the node, with a uid that is its content's, and marked as a file's.
    static func parse(_ bytes: [UInt8], path: String, nodeName: String) throws -> Pod {
        let document: JSONValue?
        if bytes.first(where: { $0 > 32 }) == UInt8(ascii: "{") {
            document = try JSONValue.parse(bytes)
        } else {
            document = try YAML.parse(bytes).first
        }
        guard var object = document?.object, object["kind"]?.string == "Pod",
            let name = object["metadata"]?["name"]?.string, !name.isEmpty
        else { throw KubeletConfigurationError("the manifest is not a Pod with a name") }
        var metadata = object["metadata"]?.object ?? JSONObject()
        let hash = Hex.encode(Array(Digest.hash(bytes + Array(path.utf8) + Array(nodeName.utf8)).prefix(16)))
        metadata["name"] = .string("\(name)-\(nodeName)")
        if metadata["namespace"]?.string?.isEmpty != false { metadata["namespace"] = "default" }
        metadata["uid"] = .string(hash)
        var annotations = metadata["annotations"]?.object ?? JSONObject()
        annotations["kubernetes.io/config.source"] = "file"
        annotations["kubernetes.io/config.hash"] = .string(hash)
        annotations["kubernetes.io/config.seen"] = .string(Times.text(KernelClock.wall.now()))
        metadata["annotations"] = .object(annotations)
        object["metadata"] = .object(metadata)
        var spec = object["spec"]?.object ?? JSONObject()
        spec["nodeName"] = .string(nodeName)
        // What an API server would fill in and the kubelet goes by.
        if spec["restartPolicy"] == nil { spec["restartPolicy"] = "Always" }
        if spec["terminationGracePeriodSeconds"] == nil { spec["terminationGracePeriodSeconds"] = 30 }
        if spec["dnsPolicy"] == nil { spec["dnsPolicy"] = "ClusterFirst" }
        spec["tolerations"] = [["operator": "Exists", "effect": "NoExecute"]]
        object["spec"] = .object(spec)
        object["status"] = ["phase": "Pending"]
        guard !Pod(json: object).spec.containers.isEmpty else {
            throw KubeletConfigurationError("the manifest's pod has no containers")
        }
        try refuse(Pod(json: object).spec)
        return Pod(json: object)
    }

    /// What an API server would not take, and would come to something else here.
    private static func refuse(_ spec: PodSpec) throws {
        guard spec.hostUsers != false else { return }
        let unmasked = (spec.initContainers + spec.containers).first { $0.securityContext?.procMount == "Unmasked" }
        guard let unmasked else { return }
        throw KubeletConfigurationError(
            "container \(unmasked.name): `hostUsers` must be false to use the procMount `Unmasked`")
    }
}
