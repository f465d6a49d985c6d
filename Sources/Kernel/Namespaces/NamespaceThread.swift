// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import Linux

/// A thread of its own that works in other namespaces and ends there: the caller's threads never change theirs, and a
/// failure half-way cannot leave one in a pod's network. For the kinds `network`, `uts`, `ipc`, `cgroup` and, after the
/// thread stopped sharing its filesystem state, `mount`.
public enum NamespaceThread {
    /// Runs `body` on such a thread after it made the namespaces `kinds`; waits for it.
    public static func run<Result: Sendable>(
        making kinds: [NamespaceKind], _ body: @escaping @Sendable () throws(Errno) -> Result
    ) throws(Errno) -> Result {
        try onThread { () throws(Errno) -> Result in
            try unshare(kinds)
            return try body()
        }
    }

    /// Runs `body` on such a thread inside the namespace at `path`; waits for it.
    public static func run<Result: Sendable>(
        in kind: NamespaceKind, path: String, _ body: @escaping @Sendable () throws(Errno) -> Result
    ) throws(Errno) -> Result {
        try onThread { () throws(Errno) -> Result in
            if kind == .mount {
                // CLONE_FS: a thread that shares its root and working directory may not change mount namespace.
                try kernelCall("unshare fs") { clinux_unshare(0x200) }
            }
            try Namespace(kind, path: path).enter()
            return try body()
        }
    }

    /// Makes a namespace that lives at `path` until `Namespace.release(at:)`.
    public static func makePersistent(_ kind: NamespaceKind, at path: String) throws(Errno) {
        try run(making: [kind]) { () throws(Errno) in
            try Namespace(kind, path: "/proc/thread-self/ns/\(kind.procName)").persist(at: path)
        }
    }

    /// The work of one thread and, once it is joined, its outcome. The join orders the accesses.
    private final class Work<Result: Sendable>: @unchecked Sendable {
        let body: @Sendable () throws(Errno) -> Result
        var outcome: Swift.Result<Result, Errno>?
        init(_ body: @escaping @Sendable () throws(Errno) -> Result) { self.body = body }
        func run() {
            do throws(Errno) { outcome = .success(try body()) } catch { outcome = .failure(error) }
        }
    }

    private static func onThread<Result: Sendable>(
        _ body: @escaping @Sendable () throws(Errno) -> Result
    ) throws(Errno) -> Result {
        let work = Work(body)
        var thread = pthread_t()
        let box = unsafe Unmanaged.passRetained(Runner { work.run() })
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                unsafe Unmanaged<Runner>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
        if code != 0 {
            unsafe box.release()
            throw Errno(code, "pthread_create")
        }
        pthread_join(thread, nil)
        guard let outcome = work.outcome else { preconditionFailure("a joined thread has an outcome") }
        return try outcome.get()
    }

    private final class Runner {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }
}
