// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI

@testable import Images

extension Subject {
    /// What images and bundles bring.
    static let containers = [
        Subject(name: "oci-config") { bytes in
            guard let value = try? JSONValue.parse(bytes) else { return }
            _ = try? RuntimeSpec(value)
            _ = try? ProcessSpec(value)
            _ = try? SeccompSpec(value)
        },
        Subject(name: "image-manifest") { bytes in
            guard let value = try? JSONValue.parse(bytes) else { return }
            _ = try? OCI.ImageManifest(value)
            _ = try? OCI.ImageIndex(value)
            _ = try? OCI.ImageConfig(value)
        },
        Subject(name: "image-reference") { bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else { return }
            if let reference = try? ImageReference(text) {
                let again = try? ImageReference("\(reference)")
                require(again == reference, "\(reference) is read in two ways")
            }
            _ = AuthChallenge.parse(text)
        },
        Subject(name: "layer") { bytes in
            layer.extract(bytes)
        },
    ]

    private static let layer = LayerFuzzing()
}

/// Extracts layers into a directory of its own, and sees that nothing was made beside it.
private final class LayerFuzzing: Sendable {
    private let root: String
    private let canary: String

    init() {
        var template = Array("/tmp/swiftlet-fuzz-layer.XXXXXX".utf8CString)
        root = template.withUnsafeMutableBufferPointer { buffer in
            guard let path = buffer.baseAddress, mkdtemp(path) != nil else { fatalError("mkdtemp: \(errno)") }
            return String(cString: path)
        }
        canary = "\(root)/outside"
        guard mkdir(canary, 0o700) == 0 else { fatalError("mkdir: \(errno)") }
    }

    func extract(_ bytes: [UInt8]) {
        do {
            let blob = try FileDescriptor.memoryFile("layer")
            try blob.writeAll(bytes)
            lseek(blob.raw, 0, SEEK_SET)
            let place = "\(root)/layer"
            guard mkdir(place, 0o755) == 0 else { fatalError("mkdir: \(errno)") }
            if let archive = try? LayerArchive(
                reading: blob, name: "fuzz", budget: UnpackBudget(UnpackLimits(), root: root))
            {
                var extractor = LayerExtractor(root: try .open(place, O_RDONLY | O_DIRECTORY), layer: "fuzz")
                if (try? extractor.extractAll(of: archive)) != nil { _ = try? archive.finish() }
            }
            try Files.removeTree(place)
            require(try Files.list(root).map(\.name) == ["outside"], "a layer left something beside its root")
            require(try Files.list(canary).isEmpty, "a layer wrote beside its root")
        } catch {
            fatalError("\(error)")
        }
    }
}
