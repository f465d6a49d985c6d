// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Linux
import Processes

/// Waiting for a container's process in the foreground: signals go to it, and its terminal to ours.
enum Foreground {
    static let signals: [Int32] = [
        SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGALRM, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH,
    ]

    /// Returns how the child ended; it is reaped.
    static func wait(
        for child: borrowing Child, signals: borrowing SignalDescriptor?, terminal: TerminalRelay?
    ) throws -> ExitStatus {
        let epoll = try Epoll()
        try epoll.add(child.pidfd.descriptor, .readable, token: 0)
        switch signals {
        case .some(let descriptor): try epoll.add(descriptor.descriptor, .readable, token: 1)
        case .none: break
        }
        try terminal?.begin(epoll)
        defer { terminal?.end() }
        var ready: [Epoll.Ready] = []
        while true {
            ready.removeAll(keepingCapacity: true)
            try epoll.wait(into: &ready)
            for event in ready where event.token == 1 {
                switch signals {
                case .some(let descriptor): try pass(descriptor, to: child, terminal)
                case .none: break
                }
            }
            for event in ready where event.token >= 2 { try terminal?.handle(event, epoll) }
            if let status = try child.reapIfEnded() {
                try terminal?.drain()
                return status
            }
        }
    }

    private static func pass(
        _ signals: borrowing SignalDescriptor, to child: borrowing Child, _ terminal: TerminalRelay?
    ) throws {
        while let received = try signals.next() {
            if received.signal == SIGWINCH, let terminal {
                terminal.resize()
                continue
            }
            // It may just have ended.
            do { try child.kill(received.signal) } catch { if !error.isNoProcess { throw error } }
        }
    }
}

/// A container's terminal in the foreground: our standard streams on one side, its pseudo terminal on the other.
final class TerminalRelay {
    /// The number of the socket end that init sends the terminal's master to.
    let childSide: Int32
    private let ownSide: Int32
    private let isRelay: Bool
    private var master: Int32 = -1
    private var saved: [UInt8]?
    private var buffer = [UInt8](repeating: 0, count: 16 * 1024)

    private init(childSide: Int32, ownSide: Int32, isRelay: Bool) {
        self.childSide = childSide
        self.ownSide = ownSide
        self.isRelay = isRelay
    }

    deinit {
        close(childSide)
        if ownSide >= 0 { close(ownSide) }
        if master >= 0 { close(master) }
    }

    /// Nil without a terminal. With a socket the terminal goes there; without one it is relayed.
    static func make(wanted: Bool, socket: String?, detach: Bool) throws -> TerminalRelay? {
        guard wanted else {
            if socket != nil { throw RuntimeError("--console-socket", "is given without process.terminal") }
            return nil
        }
        if let socket {
            let connection = try during("console socket") { try Socket.connected(to: .unix(socket)) }
            return TerminalRelay(
                childSide: connection.intoDescriptor().release(), ownSide: -1, isRelay: false)
        }
        if detach { throw RuntimeError("process.terminal", "needs --console-socket when detached") }
        let pair = try Socket.pair()
        let (own, child) = pair.release()
        return TerminalRelay(childSide: child, ownSide: own, isRelay: true)
    }

    func begin(_ epoll: borrowing Epoll) throws {
        guard isRelay else { return }
        let socket = Socket(owning: FileDescriptor(owning: dup(ownSide)))
        var message = try socket.receive(limit: 256, descriptorLimit: 1)
        guard let descriptor = message.takeDescriptor() else { throw RuntimeError("terminal", "did not arrive") }
        master = descriptor.release()
        var settings = [UInt8](repeating: 0, count: 64)
        if clinux_terminal_raw(0, &settings) == 0 { saved = settings }
        resize()
        _ = clinux_epoll_control(epoll.descriptor.raw, 1, master, 1, 0, 2)
        // A plain file cannot be waited for: it is not relayed then.
        _ = clinux_epoll_control(epoll.descriptor.raw, 1, 0, 1, 0, 3)
    }

    func resize() {
        var (rows, columns) = (UInt16(0), UInt16(0))
        if master >= 0, clinux_terminal_size(0, &rows, &columns) == 0 {
            _ = clinux_terminal_resize(master, rows, columns)
        }
    }

    func handle(_ event: Epoll.Ready, _ epoll: borrowing Epoll) throws {
        let (from, to): (Int32, Int32) = event.token == 2 ? (master, 1) : (0, master)
        let count = read(from, &buffer, buffer.count)
        guard count > 0 else {
            // EIO of the master: nobody has the other side open. The end of our input: an end of file for it.
            _ = clinux_epoll_control(epoll.descriptor.raw, 2, from, 0, 0, 0)
            if event.token == 3, master >= 0 { _ = write(master, [4], 1) }
            return
        }
        try writeAll(to, count)
    }

    /// What was written before the end but not yet relayed.
    func drain() throws {
        guard master >= 0 else { return }
        while clinux_poll(master, 1, 0) & 1 != 0 {
            let count = read(master, &buffer, buffer.count)
            if count <= 0 { return }
            try writeAll(1, count)
        }
    }

    private func writeAll(_ number: Int32, _ count: Int) throws {
        var written = 0
        while written < count {
            let start = written
            written += try systemCall("write") {
                buffer.withUnsafeBytes { write(number, $0.baseAddress! + start, count - start) }
            }
        }
    }

    func end() {
        if let saved { _ = clinux_terminal_restore(0, saved) }
        saved = nil
    }
}

extension SocketPair {
    /// Both numbers, owned by the caller.
    consuming func release() -> (Int32, Int32) {
        split { ($0.intoDescriptor().release(), $1.intoDescriptor().release()) }
    }
}
