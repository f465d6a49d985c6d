// SPDX-License-Identifier: Apache-2.0

/// Runs work that blocks its thread (kernel calls without a readiness, file systems, name resolution) on threads kept
/// apart from the loops: as many as are busy, gone after 10 idle seconds.
///
/// Work may hang: a mount, a disk, a name server does not answer. Who says what it is done for, and each cause has so few
/// threads of its kind, that what hangs because of one pod, image or name never has the threads that another needs.
public enum Blocking {
    /// On whose account work is done.
    public struct Cause: Hashable, Sendable {
        enum Kind: Int, CaseIterable, Sendable { case own, flows, pod, files, image, name, ownName }

        let kind: Kind
        let key: String

        /// The node's own work, which no pod and no user can make hang.
        public static let own = Cause(kind: .own, key: "")
        /// Reading all flows that the kernel tracks, of which pods and strangers make as many as the kernel has room for.
        public static let flows = Cause(kind: .flows, key: "")
        /// A pod's, or of one container: its mounts, its files, its network.
        public static func pod(_ id: String) -> Cause { Cause(kind: .pod, key: id) }
        /// Going over or removing trees of files that pods of `namespace` made, however large: `work` says what for. Its
        /// threads are the last to get a processor.
        public static func files(_ namespace: String, _ work: FileWork) -> Cause {
            Cause(kind: .files, key: "\(work) \(namespace)")
        }
        /// Work that has threads of its own in each namespace: what takes long in one keeps the other waiting for nothing.
        public enum FileWork: Sendable { case measuring, removing }
        /// Of an image: unpacking takes as long as its layers are large.
        public static func image(_ reference: String) -> Cause { Cause(kind: .image, key: reference) }
        /// Resolving a name that `asker` has chosen; without one, a name of the node's configuration.
        static func name(_ asker: String?) -> Cause {
            asker.map { Cause(kind: .name, key: $0) } ?? Cause(kind: .ownName, key: "")
        }
    }

    /// Runs `body` on a thread where it may block, and returns what it returns. Work that has started runs to its end;
    /// when the task is cancelled before that, `CancellationError` is thrown instead. Only a name is not waited for after a
    /// cancellation: its resolver may take minutes.
    public static func run<Result: Sendable>(
        _ cause: Cause, _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try Task.checkCancellation()
        let ticket = BlockingTicket<Result>(mayBeLeft: cause.kind == .name || cause.kind == .ownName)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard ticket.wait(continuation) else { return }
                let isTaken = BlockingPool.of(cause.kind).submit(cause.key) {
                    guard ticket.begin() else { return }
                    ticket.end(Swift.Result { try body() })
                }
                if !isTaken { ticket.end(.failure(TooMuchWaits())) }
            }
        } onCancel: {
            ticket.cancel()
        }
    }

    /// Threads and work of one kind, for metrics.
    public struct Usage: Sendable {
        /// `own`, `flows`, `pod`, `files`, `image`, `name` or `ownName`.
        public let kind: String
        /// Pieces of work that have a thread, and that wait for one.
        public let running, waiting: Int
        /// How many may run at a time.
        public let limit: Int
    }

    /// What each kind does now.
    public static func usage() -> [Usage] {
        Cause.Kind.allCases.map { kind in
            let pool = BlockingPool.of(kind)
            let (running, waiting) = pool.load
            return Usage(kind: "\(kind)", running: running, waiting: waiting, limit: pool.limit)
        }
    }

    /// So much waits for one cause already that more would wait for ever.
    public struct TooMuchWaits: Error, CustomStringConvertible {
        public var description: String { "wait for a thread: too much waits for the same cause" }
    }
}

extension BlockingPool {
    // A node has some hundred pods, and each its threads: they cannot take all of them. Names hang for tens of seconds,
    // and waiting for them costs a thread that sleeps.
    private static let own = BlockingPool(limit: 32, perCause: 32)
    // One for each family of addresses.
    private static let flows = BlockingPool(limit: 2, perCause: 2)
    private static let pod = BlockingPool(limit: 512, perCause: 2)
    private static let files = BlockingPool(limit: 64, perCause: 2, isPatient: true)
    private static let image = BlockingPool(limit: 64, perCause: 2)
    private static let name = BlockingPool(limit: 128, perCause: 2)
    private static let ownName = BlockingPool(limit: 16, perCause: 16)

    static func of(_ kind: Blocking.Cause.Kind) -> BlockingPool {
        switch kind {
        case .own: own
        case .flows: flows
        case .pod: pod
        case .files: files
        case .image: image
        case .name: name
        case .ownName: ownName
        }
    }
}
