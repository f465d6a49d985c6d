// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

/// Starts children the shim reaps itself, by waiting for any child: it is the reaper of everything below it.
enum Spawn {
    /// Starts `executable` with `descriptors[i]` as its descriptor i. Returns its pid. With `program`, an open file, that
    /// is what runs, and `executable` is only its name; with `hasEnvironment` false it gets none.
    static func start(
        executable: String, program: Int32 = -1, arguments: [String], descriptors: [Int32], flags: UInt64 = 0,
        hasEnvironment: Bool = true
    ) throws(Errno) -> Int32 {
        let nothing: [UnsafeMutablePointer<CChar>?] = [nil]
        var strings: [UnsafeMutablePointer<CChar>?] = ([executable] + arguments).map { strdup($0) }
        strings.append(nil)
        defer { for string in strings { free(string) } }
        let targets = descriptors.indices.map { Int32($0) }
        var scratch = descriptors
        var pidfd: Int32 = -1
        var step: Int32 = 0
        let pid = try kernelCall("start \(executable)") {
            descriptors.withUnsafeBufferPointer { sources in
                targets.withUnsafeBufferPointer { targets in
                    scratch.withUnsafeMutableBufferPointer { scratch in
                        nothing.withUnsafeBufferPointer { nothing in
                            strings.withUnsafeBufferPointer { strings in
                                var options = clinux_spawn()
                                options.executable = UnsafePointer(strings[0])
                                options.executable_fd = program
                                options.arguments = strings.baseAddress
                                options.environment =
                                    hasEnvironment ? UnsafePointer(clinux_environment()) : nothing.baseAddress
                                options.sources = sources.baseAddress
                                options.targets = targets.baseAddress
                                options.scratch = scratch.baseAddress
                                options.descriptor_count = descriptors.count
                                options.cgroup = -1
                                options.process_group = -1
                                options.controlling_terminal = -1
                                options.clone_flags = flags
                                let result = clinux_spawn(&options)
                                pidfd = options.pidfd
                                step = options.failed_step
                                return result
                            }
                        }
                    }
                }
            }
        }
        _ = step
        // A child of ours cannot be taken for another before we have waited for it: the number is enough.
        if pidfd >= 0 { Glibc.close(pidfd) }
        return pid
    }
}
