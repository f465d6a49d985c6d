// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// A content descriptor of the OCI image spec (descriptor.md).
struct Descriptor: Sendable, Hashable {
    var mediaType: String
    var digest: ImageDigest
    var size: Int64
    /// `linux/amd64` or `linux/arm/v7` for the entries of an index that name one.
    var platform: Platform?

    init(mediaType: String, digest: ImageDigest, size: Int64, platform: Platform? = nil) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.platform = platform
    }

    init(_ json: JSONValue, what: String) throws(ImageError) {
        guard let text = json["digest"]?.string, let digest = ImageDigest(text) else {
            throw .malformed(what: what, reason: "a descriptor has no valid digest")
        }
        guard let size = json["size"]?.integer, size >= 0 else {
            throw .malformed(what: what, reason: "the descriptor of \(digest) has no valid size")
        }
        self.digest = digest
        self.size = size
        mediaType = json["mediaType"]?.string ?? ""
        platform = json["platform"].flatMap(Platform.init)
    }

    var json: JSONValue {
        .object(["mediaType": .string(mediaType), "digest": .string("\(digest)"), "size": .integer(size)])
    }
}

/// Operating system and processor, as Go spells them.
struct Platform: Sendable, Hashable {
    var os: String
    var architecture: String
    var variant: String?

    init(os: String, architecture: String, variant: String? = nil) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
    }

    init?(_ json: JSONValue) {
        guard let os = json["os"]?.string, let architecture = json["architecture"]?.string else { return nil }
        self.init(os: os, architecture: architecture, variant: json["variant"]?.string)
    }

    /// The machine this is compiled for.
    static var host: Platform {
        #if arch(x86_64)
            Platform(os: "linux", architecture: "amd64")
        #elseif arch(arm64)
            Platform(os: "linux", architecture: "arm64")
        #else
            #error("name this processor as Go does")
        #endif
    }

    /// Whether an image for `self` runs here. `v8` is what every arm64 is, and the first amd64 level needs no more.
    var fitsHost: Bool {
        let host = Platform.host
        let variants: [String?] = host.architecture == "arm64" ? [nil, "", "v8"] : [nil, "", "v1"]
        return os == host.os && architecture == host.architecture && variants.contains(variant)
    }
}

extension Platform: CustomStringConvertible {
    var description: String { [os, architecture, variant].compactMap { $0 }.joined(separator: "/") }
}

/// A manifest or an index, told apart by media type or, where that is missing, by shape.
enum ManifestDocument {
    case manifest(ImageManifest)
    case index([Descriptor])

    init(_ bytes: [UInt8], what: String) throws(ImageError) {
        let json = try parseObject(bytes, what: what)
        // One document that is both would be one image to who signs or scans it, and another here (CVE-2021-41190).
        let isIndex = json["manifests"] != nil
        let isManifest = json["config"] != nil || json["layers"] != nil
        let type = json["mediaType"]?.string
        guard !(isIndex && isManifest), type.map({ MediaType.contradicts($0, isIndex: isIndex) }) != true else {
            throw .malformed(what: what, reason: "it is an image manifest and an index in one")
        }
        if let manifests = json["manifests"]?.array {
            var entries: [Descriptor] = []
            for entry in manifests { entries.append(try Descriptor(entry, what: what)) }
            self = .index(entries)
        } else if json["config"] != nil, json["layers"] != nil {
            self = .manifest(try ImageManifest(json, what: what))
        } else {
            let type = json["mediaType"]?.string ?? "schemaVersion \(json["schemaVersion"]?.integer ?? 0)"
            throw .malformed(what: what, reason: "\(type) is neither an image manifest nor an index")
        }
    }
}

/// An image manifest (manifest.md): its configuration and its layers, base first.
struct ImageManifest: Sendable {
    var config: Descriptor
    var layers: [Descriptor]

    init(_ json: JSONValue, what: String) throws(ImageError) {
        guard let config = json["config"], let layers = json["layers"]?.array else {
            throw .malformed(what: what, reason: "a manifest has a config and layers")
        }
        self.config = try Descriptor(config, what: what)
        self.layers = []
        for layer in layers { self.layers.append(try Descriptor(layer, what: what)) }
    }

    init(config: Descriptor, layers: [Descriptor]) {
        self.config = config
        self.layers = layers
    }

    /// The manifest in its OCI form.
    var encoded: [UInt8] {
        let json: JSONValue = .object([
            "schemaVersion": .integer(2), "mediaType": .string(MediaType.ociManifest), "config": config.json,
            "layers": .array(layers.map(\.json)),
        ])
        return json.encoded()
    }
}

/// The media types of images, OCI's and Docker's.
enum MediaType {
    static let ociIndex = "application/vnd.oci.image.index.v1+json"
    static let ociManifest = "application/vnd.oci.image.manifest.v1+json"
    static let ociConfig = "application/vnd.oci.image.config.v1+json"
    static let ociLayer = "application/vnd.oci.image.layer.v1.tar"
    static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"
    static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"

    /// What a registry may answer a request for a manifest with.
    static let manifests = [ociIndex, ociManifest, dockerList, dockerManifest]

    /// Whether a document calls itself the other thing than it is.
    static func contradicts(_ type: String, isIndex: Bool) -> Bool {
        (isIndex ? [ociManifest, dockerManifest] : [ociIndex, dockerList]).contains(type)
    }
}

/// Parses bytes that must be a JSON object; `what` names them in the error.
func parseObject(_ bytes: [UInt8], what: String) throws(ImageError) -> JSONValue {
    do throws(JSONError) {
        let value = try JSONValue.parse(bytes)
        if value.object != nil { return value }
    } catch { throw .malformed(what: what, reason: "\(error)") }
    throw .malformed(what: what, reason: "it is not a JSON object")
}
