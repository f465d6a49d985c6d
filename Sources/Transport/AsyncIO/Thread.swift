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

    static func start(_ body: @escaping @Sendable () -> Void) throws(Errno) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let argument = Unmanaged.passRetained(Body(body)).toOpaque()
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
}
