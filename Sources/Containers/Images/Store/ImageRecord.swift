// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// An image in the store.
public struct ImageRecord: Sendable {
    /// The digest of the configuration: the image's identity whatever it is called.
    public var id: ImageDigest
    /// The digest of this machine's manifest.
    public var manifest: ImageDigest
    /// Names with a tag, whole: `docker.io/library/nginx:1.27`.
    public var repoTags: [String]
    /// Names with a digest, whole: `docker.io/library/nginx@sha256:…`.
    public var repoDigests: [String]
    /// Bytes of the manifest, the configuration and the layers as stored.
    public var size: Int64
    /// What a container made of the image runs, and as whom.
    public var config: ImageConfiguration
    /// The layers' diff IDs, base first.
    public var layers: [ImageDigest]
}

/// The part of an image configuration that a container starts from (image-spec, config.md).
public struct ImageConfiguration: Sendable, Hashable {
    /// RFC 3339, as the image says; nil when it does not.
    public var created: String?
    public var user: String
    public var environment: [String]
    public var entrypoint: [String]
    public var command: [String]
    public var workingDirectory: String
    public var labels: [String: String]
    /// A signal's name or number; nil means SIGTERM.
    public var stopSignal: String?
    /// Paths that want a volume of their own; kept for tools to show, Kubernetes makes none of them.
    public var volumes: [String]

    /// An empty configuration, for an image made from a bare file tree.
    public init(
        created: String? = nil, user: String = "", environment: [String] = [], entrypoint: [String] = [],
        command: [String] = [], workingDirectory: String = "", labels: [String: String] = [:],
        stopSignal: String? = nil, volumes: [String] = []
    ) {
        self.created = created
        self.user = user
        self.environment = environment
        self.entrypoint = entrypoint
        self.command = command
        self.workingDirectory = workingDirectory
        self.labels = labels
        self.stopSignal = stopSignal
        self.volumes = volumes
    }

    /// Reads the configuration blob.
    init(_ json: JSONValue) {
        let config = json["config"]
        func strings(_ key: String) -> [String] { config?[key]?.array?.compactMap(\.string) ?? [] }
        created = json["created"]?.string
        user = config?["User"]?.string ?? ""
        environment = strings("Env")
        entrypoint = strings("Entrypoint")
        command = strings("Cmd")
        workingDirectory = config?["WorkingDir"]?.string ?? ""
        stopSignal = config?["StopSignal"]?.string
        labels = [:]
        for (key, value) in config?["Labels"]?.object ?? [:] { labels[key] = value.string }
        volumes = []
        for (path, _) in config?["Volumes"]?.object ?? [:] { volumes.append(path) }
    }

    /// The configuration blob for layers with these diff IDs.
    func encoded(layers: [ImageDigest]) -> [UInt8] {
        func list(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
        var config: JSONObject = [:]
        if !user.isEmpty { config["User"] = .string(user) }
        if !environment.isEmpty { config["Env"] = list(environment) }
        if !entrypoint.isEmpty { config["Entrypoint"] = list(entrypoint) }
        if !command.isEmpty { config["Cmd"] = list(command) }
        if !workingDirectory.isEmpty { config["WorkingDir"] = .string(workingDirectory) }
        if let stopSignal { config["StopSignal"] = .string(stopSignal) }
        if !labels.isEmpty {
            var object: JSONObject = [:]
            for (key, value) in labels.sorted(by: { $0.key < $1.key }) { object[key] = .string(value) }
            config["Labels"] = .object(object)
        }
        var json: JSONObject = [
            "architecture": .string(Platform.host.architecture), "os": .string(Platform.host.os),
            "config": .object(config),
            "rootfs": .object(["type": "layers", "diff_ids": list(layers.map(\.description))]),
        ]
        if let created { json["created"] = .string(created) }
        return JSONValue.object(json).encoded()
    }
}

/// The diff IDs an image configuration lists, base first.
func diffIDs(of config: JSONValue, what: String) throws(ImageError) -> [ImageDigest] {
    guard let list = config["rootfs"]?["diff_ids"]?.array else {
        throw .malformed(what: what, reason: "the configuration lists no diff_ids")
    }
    var result: [ImageDigest] = []
    for entry in list {
        guard let digest = ImageDigest(entry.string ?? "") else {
            throw .malformed(what: what, reason: "a diff_id is not a digest")
        }
        result.append(digest)
    }
    return result
}
