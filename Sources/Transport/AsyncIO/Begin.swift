// SPDX-License-Identifier: Apache-2.0

extension TaskExecutor {
    /// Begins a task that runs here, on its own: on a loop (`EventLoop.here.begin { … }`), or as pieces of a flow on a
    /// bench (`bench.executor(for: namespace).begin { … }`). It belongs to the actor in which it is begun, as one of the
    /// language's own does.
    ///
    /// A plain `Task { … }` would not run where the task is that begins it, but on the language's pool, which has as many
    /// threads as there are processors and no turns: whoever keeps these keeps all who are there. So there are none in
    /// `Sources`, and `.ci/tasks` refuses them. Children (`addTask`, `async let`) run where their parent does.
    @discardableResult
    public func begin<Result: Sendable>(
        @_inheritActorContext @_implicitSelfCapture
        _ body: sending @escaping @isolated(any) () async -> Result
    ) -> Task<Result, Never> {
        Task(executorPreference: self, operation: body)
    }

    /// The same for what may fail; whoever begins it looks at what came of it.
    public func begin<Result: Sendable>(
        @_inheritActorContext @_implicitSelfCapture
        _ body: sending @escaping @isolated(any) () async throws -> Result
    ) -> Task<Result, any Error> {
        Task(executorPreference: self, operation: body)
    }
}
