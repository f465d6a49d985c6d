// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

/// Starts detached threads.
enum Thread {
    /// Makes the calling thread the last to get a processor. It stays so: only threads that end as such are made so.
    static func yieldToOthers() {
        // Of the thread, and not of the process, on Linux; asking for less is never refused.
        let result = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 15)
        precondition(result == 0, "a thread may always ask for less")
    }

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// - Parameter name: What is shown of the thread, of its first 15 bytes; empty: the program's.
    static func start(name: String = "", _ body: @escaping @Sendable () -> Void) throws(Errno) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let argument = Unmanaged.passRetained(
            Body {
                // Only for people who look: a thread without its name works as well.
                if !name.isEmpty { Self.setName(name) }
                body()
            }
        ).toOpaque()
        var thread = pthread_t()
        let result = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, argument)
        if result != 0 {
            Unmanaged<Body>.fromOpaque(argument).release()
            throw Errno(result, "pthread_create")
        }
    }

    /// Only for people who look: a thread without its name works as well.
    private static func setName(_ name: String) {
        var bytes = Array(name.utf8.prefix(15)) + [0]
        bytes.withUnsafeMutableBytes { bytes in
            // PR_SET_NAME
            _ = clinux_prctl(15, UInt(bitPattern: bytes.baseAddress), 0, 0, 0)
        }
    }
}
