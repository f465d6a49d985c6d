// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import KubeAPI
import Linux
import Testing
import Volumes

/// A directory of its own, which goes with all that is mounted below it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/volumes-test-XXXXXX".utf8CString)
        path = try #require(
            template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!).map { String(cString: $0) } })
    }

    deinit {
        // Nothing can be said from here; what is left shows in /tmp.
        try? PodVolumes.unmountAll(below: path)
        try? Files.removeTree(path)
    }

    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }
}

func text(_ path: String) throws -> String { try Files.readText(path) }
func put(_ path: String, _ text: String) throws {
    try FileDescriptor.open(path, O_CREAT | O_TRUNC | O_WRONLY, mode: 0o644).writeAll(Array(text.utf8))
}
func mode(_ path: String) throws -> UInt32 { try Files.status(path).permissions }

/// The names in a directory, sorted.
func names(_ path: String) throws -> [String] { try Files.list(path).map(\.name).sorted() }

/// Objects given, by name, whatever the namespace; tokens that count.
actor TestSources: VolumeSources {
    private var configMaps: [String: ConfigMap] = [:]
    private var secrets: [String: Secret] = [:]
    private(set) var tokens = 0
    /// How often objects were read.
    private(set) var reads = 0
    var lifetime: Int64 = 3600

    func set(configMap name: String, _ data: [String: String]?, binary: [String: String] = [:]) {
        configMaps[name] = data.map {
            ConfigMap(json: ["data": object($0), "binaryData": object(binary)])
        }
    }

    /// `data` in base64, as the API has it.
    func set(secret name: String, _ data: [String: String]?) {
        secrets[name] = data.map { Secret(json: ["data": object($0)]) }
    }

    func configMap(namespace: String, name: String) -> ConfigMap? {
        reads += 1
        return configMaps[name]
    }

    func secret(namespace: String, name: String) -> Secret? {
        reads += 1
        return secrets[name]
    }

    func token(for pod: Pod, audience: String?, seconds: Int) -> PodToken {
        tokens += 1
        return PodToken(
            token: "token \(tokens) \(audience ?? "-") \(seconds)", expiration: Int64(time(nil)) + lifetime)
    }

    func setLifetime(_ seconds: Int64) { lifetime = seconds }

    func field(_ path: String, of pod: Pod) throws -> String {
        switch path {
        case "metadata.name": pod.metadata.name ?? ""
        case "metadata.labels":
            pod.metadata.labels.sorted { $0.key < $1.key }.map { "\($0)=\"\($1)\"" }.joined(separator: "\n")
        default: throw MountFailure(volume: "", "no field \(path)")
        }
    }

    func resource(_ reference: ResourceFieldSelector, of pod: Pod) -> String { "\(reference.resource)!" }
    func localPath(claim: String, namespace: String) -> (path: String, readOnly: Bool) { ("/claims/\(claim)", true) }
}

func pod(_ volumes: [JSONValue], security: JSONObject = [:], container: JSONObject = ["name": "c"]) -> Pod {
    Pod(json: [
        "metadata": ["name": "p", "namespace": "n", "uid": "u", "labels": ["a": "1", "b": "2"]],
        "spec": [
            "volumes": .array(volumes), "securityContext": .object(security), "containers": [.object(container)],
        ],
    ])
}

private func object(_ map: [String: String]) -> JSONValue {
    var object = JSONObject()
    for (key, value) in map { object[key] = .string(value) }
    return .object(object)
}
