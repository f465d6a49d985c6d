// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL

/// OpenSSL's in-memory file, for the functions that read and write PEM.
struct MemoryBIO: ~Copyable {
    let pointer: OpaquePointer

    /// Empty, to be written.
    init() throws(TLSError) {
        pointer = try checked(BIO_new(BIO_s_mem()), "make a buffer")
    }

    /// Holds `bytes`, to be read.
    init(_ bytes: [UInt8]) throws(TLSError) {
        let made = try checked(BIO_new(BIO_s_mem()), "make a buffer")
        let count = bytes.withUnsafeBytes { BIO_write(made, $0.baseAddress, Int32($0.count)) }
        if count != bytes.count && !bytes.isEmpty {
            BIO_free(made)
            throw TLSError.last("fill a buffer")
        }
        pointer = made
    }

    deinit { BIO_free(pointer) }

    /// Everything written.
    func contents() -> [UInt8] {
        let count = BIO_ctrl_pending(pointer)
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(0, Int(BIO_read(pointer, buffer.baseAddress, Int32(count))))
        }
    }
}
