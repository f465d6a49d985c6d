// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

/// What a process was told in confidence. The kernel shows a process's arguments to every user of the machine, and its
/// environment to every process of its user, for as long as it runs.
enum ProcessSecrets {
    /// The value of an environment variable, which is gone from the process afterwards: from `/proc/self/environ` and from
    /// what children inherit. To be called while there is one thread.
    static func take(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        memset(value, 0x78, strlen(value))
        unsetenv(name)
        return text
    }

    /// Overwrites the secret halves of the bootstrap tokens among the arguments, as `/proc/self/cmdline` shows them. What
    /// reads the arguments must have read them before.
    static func hideTokenArguments() {
        // A process that cannot read its own /proc (none is mounted) shows nobody its arguments either.
        guard let stat = try? Files.readText("/proc/self/stat"), let end = stat.lastIndex(of: ")") else { return }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        // arg_start and arg_end, of proc_pid_stat(5), counted from the third field.
        guard fields.count > 46, let start = UInt(fields[45]), let end = UInt(fields[46]), start < end,
            let memory = UnsafeMutablePointer<UInt8>(bitPattern: start)
        else { return }
        hideTokens(in: UnsafeMutableBufferPointer(start: memory, count: Int(end - start)))
    }

    /// `abcdef.0123456789abcdef`, alone or behind `=`, becomes `abcdef.xxxxxxxxxxxxxxxx`.
    static func hideTokens(in arguments: UnsafeMutableBufferPointer<UInt8>) {
        for argument in arguments.split(separator: 0) {
            let value = argument.lastIndex(of: 0x3d).map { argument[($0 + 1)...] } ?? argument[...]
            guard JoinToken(String(decoding: value, as: UTF8.self)) != nil else { continue }
            for index in value.startIndex + 7..<value.endIndex { arguments[index] = 0x78 }
        }
    }
}
