// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// How a layer is compressed: the ways of the OCI image specification. Others that libarchive knows take as much memory as
/// whoever made the layer chose.
enum LayerCompression: Equatable {
    case none, gzip, zstd
    /// One that is refused, by its name.
    case refused(String)

    /// By the first bytes of a blob.
    init(_ start: UnsafeRawBufferPointer) {
        func begins(_ bytes: [UInt8]) -> Bool {
            start.count >= bytes.count && start.prefix(bytes.count).elementsEqual(bytes)
        }
        if begins([0x1f, 0x8b]) {
            self = .gzip
        } else if begins([0x28, 0xb5, 0x2f, 0xfd]) || Self.isSkippable(start) {
            self = .zstd
        } else if start.count >= 262, start[257..<262].elementsEqual("ustar".utf8) {
            // The name of a file comes first, and may be anything.
            self = .none
        } else if let name = Self.others.first(where: { begins($0.bytes) })?.name {
            self = .refused(name)
        } else {
            self = .none
        }
    }

    /// A skippable frame may come before others.
    private static func isSkippable(_ start: UnsafeRawBufferPointer) -> Bool {
        start.count >= 4 && start[0] & 0xf0 == 0x50 && start[1..<4].elementsEqual([0x2a, 0x4d, 0x18])
    }

    private static let others: [(bytes: [UInt8], name: String)] = [
        ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], "xz"), (Array("BZh".utf8), "bzip2"), ([0x04, 0x22, 0x4d, 0x18], "lz4"),
        ([0x02, 0x21, 0x4c, 0x18], "lz4"), ([0x5d, 0x00, 0x00], "lzma"), (Array("LZIP".utf8), "lzip"),
        (Array("LRZI".utf8), "lrzip"), ([0x89, 0x4c, 0x5a, 0x4f], "lzop"), ([0x1f, 0x9d], "compress"),
        ([0x1f, 0xa0], "compress"), ([0x50, 0x4b, 0x03, 0x04], "zip"), ([0x37, 0x7a, 0xbc, 0xaf], "7-Zip"),
    ]
}

/// The bytes of a layer's blob on their way to libarchive, looked at for what would have it take memory.
final class LayerSource {
    let compression: LayerCompression
    /// Why reading has ended before the end.
    private(set) var failure: String?

    private let file: Int32
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)
    /// What is in the buffer and has not been given away.
    private var held = 0
    private var frames = ZstdFrames()

    /// Reads from `file`, which must outlive this value.
    init(_ file: Int32) {
        self.file = file
        held = Self.fill(buffer, file, &failure)
        compression = LayerCompression(UnsafeRawBufferPointer(rebasing: buffer[..<held]))
    }

    deinit { buffer.deallocate() }

    /// The next bytes, none at the end; nil after a failure.
    func next() -> UnsafeRawBufferPointer? {
        if held == 0, failure == nil { held = Self.fill(buffer, file, &failure) }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<held])
        held = 0
        if failure == nil, compression == .zstd { failure = frames.take(bytes) }
        return failure == nil ? bytes : nil
    }

    private static func fill(
        _ buffer: UnsafeMutableRawBufferPointer, _ file: Int32, _ failure: inout String?
    ) -> Int {
        var count = 0
        // The first bytes say what it is: a short read must not hide them.
        while count < buffer.count {
            let got = read(file, buffer.baseAddress! + count, buffer.count - count)
            if got < 0, errno == EINTR { continue }
            if got < 0 { failure = String(cString: strerror(errno)) }
            if got <= 0 { break }
            count += got
        }
        return count
    }
}
