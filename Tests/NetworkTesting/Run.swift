// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
public import Netlink

/// Runs a program inside a network namespace and returns its status and what it printed.
public func run(
    _ executable: String, _ arguments: [String], input: String = "", in namespace: borrowing NetworkNamespace
) throws -> (status: Int32, output: String) {
    let directory = "/tmp/swiftlet-nft-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    try Files.makeDirectory(directory)
    defer { try? Files.removeTree(directory) }  // a directory left in /tmp fails no test
    try Files.replace(directory + "/in", with: Array(input.utf8), durable: false)
    let pid = getpid()
    let line =
        "exec nsenter --net=/proc/\(pid)/fd/\(namespace.descriptor.raw) "
        + ([executable] + arguments).joined(separator: " ")
    let status = system("(\(line)) < \(directory)/in > \(directory)/out 2>&1")
    return (status, try Files.readText(directory + "/out"))
}
