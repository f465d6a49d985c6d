// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux

/// What the machine the tests run on allows.
enum Host {
    static let isRoot = getuid() == 0
}

/// A directory of one test, removed with the value.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        path = "/tmp/swiftlet-test-\(getpid())-\(try randomBytes(6).map { String($0, radix: 16) }.joined())"
        try Files.makeDirectory(path, mode: 0o700)
    }

    deinit {
        do { try Files.removeTree(path) } catch { print("leaving \(path): \(error)") }
    }
}
