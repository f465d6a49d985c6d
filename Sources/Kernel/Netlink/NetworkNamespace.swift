// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import Linux

/// A network namespace held open. No routine here moves the calling thread into it.
public struct NetworkNamespace: ~Copyable, Sendable {
    public let descriptor: FileDescriptor

    public init(owning descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// Opens the namespace at `path`: `/proc/<pid>/ns/net`, or a file it is bound to.
    public static func open(_ path: String) throws(Errno) -> NetworkNamespace {
        NetworkNamespace(owning: try FileDescriptor.open(path, O_RDONLY | O_CLOEXEC))
    }

    /// Makes an empty namespace (its loopback is down) that lives while this value or a process holds it.
    public static func create() throws(Errno) -> NetworkNamespace {
        NetworkNamespace(
            owning: FileDescriptor(owning: try kernelCall("unshare CLONE_NEWNET") { clinux_netns_create() }))
    }

    /// The namespace the calling thread is in.
    public static func current() throws(Errno) -> NetworkNamespace { try open("/proc/thread-self/ns/net") }

    /// A socket inside the namespace; it stays there whoever uses it.
    public borrowing func socket(domain: Int32, type: Int32, protocol number: Int32 = 0) throws(Errno) -> FileDescriptor
    {
        let namespace = descriptor.raw
        return FileDescriptor(
            owning: try kernelCall("socket in network namespace") {
                clinux_netns_socket(namespace, domain, type, number)
            })
    }

    /// Reads a sysctl as the namespace has it, without the line end.
    public borrowing func sysctl(_ name: String) throws(Errno) -> String {
        let namespace = descriptor.raw
        let path = Sysctl.path(name)
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = try kernelCall("read \(path)") {
            unsafe bytes.withUnsafeMutableBytes {
                unsafe clinux_netns_read(namespace, path, $0.baseAddress, $0.count)
            }
        }
        return String(decoding: bytes.prefix(Int(count)).prefix { $0 != 10 }, as: UTF8.self)
    }

    /// Writes a sysctl as the namespace sees it: `setSysctl("net.ipv4.ip_forward", "1")`.
    public borrowing func setSysctl(_ name: String, _ value: String) throws(Errno) {
        let namespace = descriptor.raw
        let path = Sysctl.path(name)
        let bytes = Array(value.utf8)
        try kernelCall("write \(value) to \(path)") {
            unsafe bytes.withUnsafeBytes {
                unsafe clinux_netns_write(namespace, path, $0.baseAddress, $0.count)
            }
        }
    }
}

/// The kernel's settings under /proc/sys, in the namespace of the calling thread.
public enum Sysctl {
    /// `net.ipv4.conf.eth0/1.forwarding` → the file: dots separate, and a slash stands for a dot, as sysctl(8) has it.
    public static func path(_ name: String) -> String {
        var path = "/proc/sys/"
        for character in name {
            switch character {
            case ".": path.append("/")
            case "/": path.append(".")
            default: path.append(character)
            }
        }
        return path
    }

    /// The value, without the line end.
    public static func read(_ name: String) throws(Errno) -> String {
        let file = try FileDescriptor.open(path(name), O_RDONLY)
        var bytes = try file.readAll()
        while let last = bytes.last, last == 10 || last == 32 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes the value, unless it is set already (so that a read-only /proc/sys with right values is no fault).
    public static func write(_ name: String, _ value: String) throws(Errno) {
        if try read(name) == value { return }
        let path = path(name)
        let file = try FileDescriptor.open(path, O_WRONLY)
        do throws(Errno) { try file.writeAll(Array(value.utf8)) } catch {
            throw Errno(error.code, "write \(value) to \(path)")
        }
    }
}
