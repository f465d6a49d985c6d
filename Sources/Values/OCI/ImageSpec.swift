// SPDX-License-Identifier: Apache-2.0

public import JSON

/// Where content is, what it is and how large: the descriptor of the OCI image specification.
public struct ContentDescriptor: Sendable, Hashable {
    public var mediaType: String
    public var digest: String
    public var size: Int64
    public var platform: ImagePlatform?
    public var annotations: [String: String]
    public var urls: [String]

    public init(mediaType: String, digest: String, size: Int64, annotations: [String: String] = [:]) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.annotations = annotations
        urls = []
    }

    public init(_ reader: SpecReader) throws(SpecError) {
        mediaType = try reader.string("mediaType") ?? ""
        digest = try reader.required("digest")
        guard let size = try reader.integer("size"), size >= 0 else {
            throw SpecError(reader.path + ".size", "is required and not negative")
        }
        self.size = size
        platform = try reader.object("platform").map(ImagePlatform.init)
        annotations = try reader.map("annotations")
        urls = try reader.strings("urls")
        guard Self.isDigest(digest) else { throw SpecError(reader.path + ".digest", "\(digest) is not a digest") }
    }

    /// `sha256:` and 64 hexadecimal digits, or `sha512:` and 128.
    public static func isDigest(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let length = ["sha256": 64, "sha512": 128][String(parts[0])] else { return false }
        return parts[1].utf8.count == length
            && parts[1].utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    public var json: JSONValue {
        var object: JSONObject = [
            "mediaType": .string(mediaType), "digest": .string(digest), "size": .integer(size),
        ]
        if let platform { object["platform"] = platform.json }
        if !urls.isEmpty { object["urls"] = .array(urls.map { .string($0) }) }
        if !annotations.isEmpty {
            let sorted = annotations.sorted { $0.key < $1.key }
            object["annotations"] = .object(JSONObject(sorted.map { ($0.key, .string($0.value)) }))
        }
        return .object(object)
    }
}

/// The machine an image is for.
public struct ImagePlatform: Sendable, Hashable {
    public var architecture: String
    public var os: String
    public var variant: String?

    public init(architecture: String, os: String = "linux", variant: String? = nil) {
        self.architecture = architecture
        self.os = os
        self.variant = variant
    }

    init(_ reader: SpecReader) throws(SpecError) {
        architecture = try reader.string("architecture") ?? ""
        os = try reader.string("os") ?? ""
        variant = try reader.string("variant")
    }

    /// This machine's.
    public static var current: ImagePlatform {
        #if arch(x86_64)
            ImagePlatform(architecture: "amd64")
        #elseif arch(arm64)
            ImagePlatform(architecture: "arm64", variant: "v8")
        #else
            #error("no platform name for this architecture")
        #endif
    }

    var json: JSONValue {
        var object: JSONObject = ["architecture": .string(architecture), "os": .string(os)]
        if let variant { object["variant"] = .string(variant) }
        return .object(object)
    }
}

/// Media types of images, of the OCI and of Docker.
public enum MediaType {
    public static let manifest = "application/vnd.oci.image.manifest.v1+json"
    public static let index = "application/vnd.oci.image.index.v1+json"
    public static let config = "application/vnd.oci.image.config.v1+json"
    public static let layer = "application/vnd.oci.image.layer.v1.tar"
    public static let layerGzip = "application/vnd.oci.image.layer.v1.tar+gzip"
    public static let layerZstd = "application/vnd.oci.image.layer.v1.tar+zstd"
    public static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    public static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"
    public static let dockerConfig = "application/vnd.docker.container.image.v1+json"
    public static let dockerLayer = "application/vnd.docker.image.rootfs.diff.tar.gzip"

    public static func isIndex(_ type: String) -> Bool { type == index || type == dockerList }
    public static func isManifest(_ type: String) -> Bool { type == manifest || type == dockerManifest }
}

/// An image of one platform: its configuration and its layers, the lowest first.
public struct ImageManifest: Sendable, Hashable {
    public var mediaType: String
    public var config: ContentDescriptor
    public var layers: [ContentDescriptor]
    public var annotations: [String: String]

    public init(config: ContentDescriptor, layers: [ContentDescriptor], mediaType: String = MediaType.manifest) {
        self.mediaType = mediaType
        self.config = config
        self.layers = layers
        annotations = [:]
    }

    public init(_ value: JSONValue) throws(SpecError) {
        let reader = try SpecReader(value)
        guard try reader.integer("schemaVersion") == 2 else { throw SpecError("schemaVersion", "is not 2") }
        mediaType = try reader.string("mediaType") ?? MediaType.manifest
        guard let config = try reader.object("config") else { throw SpecError("config", "is required") }
        self.config = try ContentDescriptor(config)
        layers = try reader.list("layers", ContentDescriptor.init)
        annotations = try reader.map("annotations")
    }

    public var json: JSONValue {
        .object([
            "schemaVersion": 2, "mediaType": .string(mediaType), "config": config.json,
            "layers": .array(layers.map(\.json)),
        ])
    }
}

/// Images of several platforms under one name.
public struct ImageIndex: Sendable, Hashable {
    public var mediaType: String
    public var manifests: [ContentDescriptor]
    public var annotations: [String: String]

    public init(manifests: [ContentDescriptor]) {
        mediaType = MediaType.index
        self.manifests = manifests
        annotations = [:]
    }

    public init(_ value: JSONValue) throws(SpecError) {
        let reader = try SpecReader(value)
        guard try reader.integer("schemaVersion") == 2 else { throw SpecError("schemaVersion", "is not 2") }
        mediaType = try reader.string("mediaType") ?? MediaType.index
        manifests = try reader.list("manifests", ContentDescriptor.init)
        annotations = try reader.map("annotations")
    }

    /// The best manifest for `platform`: the same variant, else one without, else any of the architecture.
    public func manifest(for platform: ImagePlatform) -> ContentDescriptor? {
        let fitting = manifests.filter {
            $0.platform?.os == platform.os && $0.platform?.architecture == platform.architecture
        }
        return fitting.first { $0.platform?.variant == platform.variant }
            ?? fitting.first { $0.platform?.variant == nil } ?? fitting.first
            ?? (manifests.count == 1 && manifests[0].platform == nil ? manifests[0] : nil)
    }

    public var json: JSONValue {
        .object([
            "schemaVersion": 2, "mediaType": .string(mediaType), "manifests": .array(manifests.map(\.json)),
        ])
    }
}

/// How a container of an image runs unless told otherwise, and which layers it has.
public struct ImageConfig: Sendable, Hashable {
    public var created: String?
    public var architecture: String
    public var os: String
    public var user: String
    public var environment: [String]
    public var entrypoint: [String]
    public var command: [String]
    public var workingDirectory: String
    public var exposedPorts: [String]
    public var volumes: [String]
    public var labels: [String: String]
    public var stopSignal: String?
    /// Digests of the uncompressed layers, the lowest first.
    public var layerDigests: [String]

    public init(_ value: JSONValue) throws(SpecError) {
        let reader = try SpecReader(value)
        created = try reader.string("created")
        architecture = try reader.string("architecture") ?? ""
        os = try reader.string("os") ?? "linux"
        let config = try reader.object("config")
        user = try config?.string("User") ?? ""
        environment = try config?.strings("Env") ?? []
        entrypoint = try config?.strings("Entrypoint") ?? []
        command = try config?.strings("Cmd") ?? []
        workingDirectory = try config?.string("WorkingDir") ?? ""
        exposedPorts = try config?.object("ExposedPorts")?.object.keys ?? []
        volumes = try config?.object("Volumes")?.object.keys ?? []
        labels = try config?.map("Labels") ?? [:]
        stopSignal = try config?.string("StopSignal")
        layerDigests = try reader.object("rootfs")?.strings("diff_ids") ?? []
        for digest in layerDigests where !ContentDescriptor.isDigest(digest) {
            throw SpecError("rootfs.diff_ids", "\(digest) is not a digest")
        }
    }
}
