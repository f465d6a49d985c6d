// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Shim

/// `swiftlet-shim <flags>` makes a pod's namespaces, goes into the background and returns when it listens on its socket.
@main
struct Main {
    static func main() {
        if CommandLine.arguments == ["pause"] { PauseProcess.run() }
        let arguments = Array(CommandLine.arguments.dropFirst())
        do {
            let options = try ShimOptions(arguments: arguments)
            try ShimDaemon.start(options)
        } catch {
            let text = "swiftlet-shim: \(error)\n"
            // Nobody is left to tell of a failure to tell.
            _ = text.withCString { write(2, $0, text.utf8.count) }
            exit(1)
        }
    }
}
