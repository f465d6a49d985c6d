// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Images

@Suite struct ManifestTests {
    private static let descriptor =
        "{\"mediaType\":\"m\",\"digest\":\"sha256:\(String(repeating: "0", count: 64))\",\"size\":1}"
    private static let manifest = "\"config\":\(descriptor),\"layers\":[\(descriptor)]"
    private static let index = "\"manifests\":[\(descriptor)]"

    private func isIndex(_ text: String) throws -> Bool {
        if case .index = try ManifestDocument(Array("{\(text)}".utf8), what: "x") { true } else { false }
    }

    @Test func `a document is a manifest or an index`() throws {
        #expect(try !isIndex(Self.manifest))
        #expect(try isIndex(Self.index))
        for type in [MediaType.ociManifest, MediaType.dockerManifest] {
            #expect(try !isIndex("\"mediaType\":\"\(type)\",\(Self.manifest)"))
        }
        for type in [MediaType.ociIndex, MediaType.dockerList] {
            #expect(try isIndex("\"mediaType\":\"\(type)\",\(Self.index)"))
        }
    }

    @Test(arguments: [
        "\(index),\(manifest)", "\(index),\"layers\":[]", "\(index),\"config\":{}", "\"manifests\":null,\(manifest)",
        "\"mediaType\":\"\(MediaType.ociManifest)\",\(index)", "\"mediaType\":\"\(MediaType.dockerManifest)\",\(index)",
        "\"mediaType\":\"\(MediaType.ociIndex)\",\(manifest)", "\"mediaType\":\"\(MediaType.dockerList)\",\(manifest)",
        "",
    ]) func `a document that could be read as both is refused`(text: String) {
        #expect(throws: ImageError.self) { try isIndex(text) }
    }
}
