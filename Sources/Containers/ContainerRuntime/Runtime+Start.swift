// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import Processes

extension Runtime {
    /// Starts the program of a created container. An error of exec itself is told here.
    public mutating func start(_ id: String) throws {
        let record = try store.record(id)
        // One at a time: of two, the second finds it running.
        let lock = try during("start \(id)") {
            try FileLock.acquire(of: FileDescriptor.handle(store.directory(id), directory: true))
        }
        let status = try store.status(record)
        guard status == .created, let place = try store.waitingPlace(id) else {
            throw RuntimeError("start \(id)", "the container is \(status.rawValue), not created")
        }
        let words: String
        do {
            let process = try ProcessDescriptor(process: record.pid)
            let hooks = try store.configuration(id).hooks.startContainer
            words = try place.begin(record.pid, process, runsHooks: !hooks.isEmpty)
        } catch { throw RuntimeError("start \(id)", "init does not answer: \(error)") }
        guard words.isEmpty else { throw RuntimeError("start \(id)", words) }
        try store.removeWaitingPlace(id)
        lock.release()
        try runPoststart(record, store.configuration(id).hooks)
    }

    private mutating func runPoststart(_ record: ContainerRecord, _ hooks: RuntimeSpec.Hooks) throws {
        guard !hooks.poststart.isEmpty else { return }
        let state = try store.stateDocument(record, status: .running)
        for hook in hooks.poststart {
            do { try Hooks.run([hook], "poststart", state: state) } catch { warnings.add("\(error)") }
        }
    }

    /// `create`, `start`, and unless detached: waits, passes signals on, deletes. Returns the exit code.
    public mutating func run(_ id: String, _ options: CreateOptions) throws -> Int32 {
        let bundle = try Bundle.load(options.bundle)
        let terminal = try TerminalRelay.make(
            wanted: bundle.spec.process?.terminal ?? false, socket: options.consoleSocket, detach: options.detach)
        // Blocked before init is made, so that none is lost; its copy resets them.
        let signals = options.detach ? nil : try SignalDescriptor(Foreground.signals)
        let prepared = try prepare(
            id, bundle, console: terminal?.childSide, preserved: options.preservedDescriptors, waitsForStart: false)
        let record = prepared.record
        do {
            try writePidFile(options.pidFile, record.pid)
            try prepared.gate.open()
            let words = try prepared.gate.outcome(
                of: prepared.process.pidfd, runsHooks: !prepared.spec.hooks.startContainer.isEmpty)
            guard words.isEmpty else { throw RuntimeError("run \(id)", words) }
            try runPoststart(record, prepared.spec.hooks)
        } catch {
            try? destroy(record)  // the first error is the one to tell
            throw error
        }
        if options.detach {
            _ = try prepared.process.detach()
            return 0
        }
        let status = try Foreground.wait(for: prepared.process, signals: signals, terminal: terminal)
        if !options.keep { try destroy(store.record(id), hooks: prepared.spec.hooks) }
        return status.shellCode
    }
}
