// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import Numbers
import OCI
import Processes

extension RuntimeSpec.Hooks {
    /// Whether the runtime itself has hooks to run between the root's making and its becoming "/".
    var runsInRuntime: Bool { !prestart.isEmpty || !createRuntime.isEmpty }
}

/// Programs of the configuration that run at certain moments, with the container's state on their input.
enum Hooks {
    static func run(_ hooks: [RuntimeSpec.Hook], _ name: String, state: JSONValue) throws {
        guard !hooks.isEmpty else { return }
        let bytes = state.encoded()
        for hook in hooks {
            try during("\(name) hook \(hook.path)") { try run(hook, input: bytes) }
        }
    }

    private static func run(_ hook: RuntimeSpec.Hook, input: [UInt8]) throws {
        let stdin = try FileDescriptor.memoryFile("state")
        try stdin.writeAll(input)
        try stdin.seek(to: 0)
        let output = try FileDescriptor.memoryFile("hook-output")
        var descriptors = DescriptorMap()
        descriptors.map(stdin, to: 0)
        descriptors.map(output, to: 1)
        descriptors.map(output, to: 2)
        let child = try Child.spawn(
            executable: hook.path, arguments: hook.arguments, environment: hook.environment, descriptors: descriptors)
        if let timeout = hook.timeout {
            let limit = Int32(clamping: timeout.saturatingProduct(1000))
            guard try child.pidfd.waitUntilEnded(milliseconds: limit) else {
                // Dropping the child kills it.
                throw RuntimeError("timeout", "not ended after \(timeout) s")
            }
        }
        let status = try child.wait()
        guard status.isSuccess else {
            try output.seek(to: 0)
            let words = String(decoding: try output.read(upTo: 4096), as: UTF8.self)
            throw RuntimeError("\(status)", words.isEmpty ? "no output" : words)
        }
    }
}
