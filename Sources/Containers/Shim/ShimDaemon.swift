// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

/// The way into the background: a shim is nobody's child, has its own session, and keeps nothing of its parent's open.
public enum ShimDaemon {
    /// Forks. The parent returns from its process with status 0 when the shim listens, or throws what the shim said.
    /// The child serves until it is told to end, and ends the process.
    public static func start(_ options: ShimOptions) throws(ShimFailure) {
        do {
            let pipe = try NonBlocking.pipe(nonBlockingRead: false, nonBlockingWrite: false)
            let reader = pipe.read
            let writer = pipe.write
            let child = try kernelCall("fork") { clinux_fork(0, -1, nil) }
            if child == 0 {
                _ = consume reader
                serve(options, writer)
            }
            // The child's copy must be the last one, or a child that dies would never be noticed.
            _ = consume writer
            try wait(for: reader)
        } catch let failure as ShimFailure {
            throw failure
        } catch {
            throw ShimFailure(.system, "start the shim: \(error)")
        }
    }

    private static func wait(for ready: consuming FileDescriptor) throws(ShimFailure) {
        var byte: UInt8 = 0
        var said: [UInt8] = []
        while read(ready.raw, &byte, 1) == 1 {
            if byte == 0, said.isEmpty { return }
            said.append(byte)
        }
        throw ShimFailure(.system, said.isEmpty ? "the shim ended at its start" : String(decoding: said, as: UTF8.self))
    }

    private static func serve(_ options: ShimOptions, _ ready: consuming FileDescriptor) -> Never {
        setsid()
        umask(0o027)
        _ = chdir("/")
        do {
            let server = try ShimServer(options)
            // Without /dev/null the parent's streams stay: harmless.
            if let null = try? FileDescriptor.open("/dev/null", O_RDWR) {
                for number: Int32 in 0...2 { dup2(null.raw, number) }
            }
            try ready.writeAll([0])
            try server.run()
            exit(0)
        } catch {
            // The parent reads it; when it has gone nobody is left to tell.
            let text = "\(error)"
            _ = text.withCString { write(ready.raw, $0, text.utf8.count) }
            exit(1)
        }
    }
}
