// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Linux
import Mounts
import Numbers
import OCI

/// A container's terminal.
enum Console {
    /// Opens a pseudo terminal of the container's own devpts, gives its master to `socket` and makes the other side this
    /// process's standard streams. Called inside the root. No path that the container could have prepared is trusted: ptmx
    /// must be the real device, and its peer is had from it (CVE-2025-52565).
    static func attach(
        _ process: ProcessSpec, socket: borrowing Socket, makeConsole: Bool
    ) throws {
        let root = try FileDescriptor.handle("/", directory: true)
        let path = "dev/pts/ptmx"
        // Looked at before it is opened: opening another device could do something.
        let handle: FileDescriptor
        do { handle = try root.open(below: path, Int32(CLINUX_O_PATH), resolve: [.beneath, .noSymlinks]) } catch {
            throw error.during("open /\(path)")
        }
        guard try isMultiplexer(handle) else { throw RuntimeError("/\(path)", "is not a pseudo terminal multiplexer") }
        let master: FileDescriptor
        do {
            master = try root.open(below: path, O_RDWR | O_NOCTTY | O_NONBLOCK, resolve: [.beneath, .noSymlinks])
        } catch { throw error.during("open /\(path)") }
        try master.setNonBlocking(false)
        guard try isMultiplexer(master) else { throw RuntimeError("/\(path)", "is not a pseudo terminal multiplexer") }
        let number = master.raw
        try kernelCall("unlock the terminal") { clinux_terminal_unlock(number) }
        let peer = FileDescriptor(owning: try kernelCall("open the terminal") { clinux_terminal_peer(number) })
        if let rows = process.consoleHeight, let columns = process.consoleWidth {
            try kernelCall("size the terminal") { clinux_terminal_resize(number, rows, columns) }
        }
        let side = peer.raw
        try systemCall("chown the terminal") { fchown(side, process.user.user.number, gid_t.max) }
        let name = try kernelCall("name the terminal") { clinux_terminal_number(number) }
        try socket.send(Array("/dev/pts/\(name)".utf8), descriptor: master)
        if makeConsole { try mountConsole(peer, root) }
        try use(peer)
    }

    /// Binds the terminal on /dev/console.
    private static func mountConsole(_ peer: borrowing FileDescriptor, _ root: borrowing FileDescriptor) throws {
        let target: FileDescriptor
        do throws(Errno) {
            do throws(Errno) {
                _ = try root.open(
                    below: "dev/console", O_CREAT | O_EXCL | O_RDONLY | O_NOFOLLOW, mode: 0o666,
                    resolve: [.beneath, .noSymlinks])
            } catch { guard error.isExists else { throw error } }
            // What is there already is covered, not opened: it may be a device.
            target = try root.open(
                below: "dev/console", Int32(CLINUX_O_PATH) | O_NOFOLLOW, resolve: [.beneath, .noSymlinks])
        } catch { throw error.during("make /dev/console") }
        do throws(Errno) {
            let tree = try DetachedMount.clone(of: peer, recursive: false)
            try tree.attach(at: target)
        } catch { throw error.during("mount /dev/console (\(error.call))") }
    }

    private static func isMultiplexer(_ file: borrowing FileDescriptor) throws -> Bool {
        let status = try file.status()
        return status.kind == .characterDevice && status.node == DeviceNumber(major: 5, minor: 2)
    }

    private static func use(_ peer: borrowing FileDescriptor) throws {
        let side = peer.raw
        for stream: Int32 in 0...2 { try systemCall("dup2") { dup2(side, stream) } }
    }

    /// Makes standard input this session's controlling terminal.
    static func takeControl() throws {
        try kernelCall("set the controlling terminal") { clinux_terminal_control(0) }
    }
}
