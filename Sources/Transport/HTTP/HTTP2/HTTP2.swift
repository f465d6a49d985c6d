// SPDX-License-Identifier: Apache-2.0

/// Constants of RFC 9113.
enum HTTP2 {
    /// What a client sends first.
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
}
