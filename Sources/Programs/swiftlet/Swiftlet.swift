// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import AsyncIO
internal import Glibc

/// `swiftlet <command>`: every component of a node and of the control plane, together or alone.
@main
struct Swiftlet {
    static func main() {
        // A peer that closes its end is an error of one write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        let arguments: ParsedArguments
        do throws(ArgumentsError) {
            let line = CommandLine.arguments
            ProcessSecrets.hideTokenArguments()
            arguments = try commandLine.parse(line)
        } catch { fail("\(error)", hint: error.hint, status: 2) }
        if arguments.wantsHelp || arguments.subcommand.isEmpty {
            print(arguments.help)
            return
        }
        guard let run = actions[arguments.subcommand] else {
            // A group such as `image` without the command that says what to do.
            print(arguments.help)
            exit(2)
        }
        do { try run(arguments) } catch let error as ArgumentsError {
            fail("\(error)", hint: error.hint, status: 2)
        } catch { fail("\(error)") }
    }

    /// Says why on one line and ends.
    static func fail(_ reason: String, hint: String = "", status: Int32 = 1) -> Never {
        standardError("swiftlet: \(reason)\n")
        if !hint.isEmpty { standardError("\(hint)\n") }
        exit(status)
    }

    private static let commandLine = Command(
        "swiftlet", summary: "Kubernetes on one machine or many",
        subcommands: [
            ServerCommand.command, AgentCommand.command, TokenCommand.command, APIServerCommand.command,
            SchedulerCommand.command, ControllersCommand.command, KubeletCommand.command, ProxyCommand.command,
            KubeconfigCommand.command, ImageCommand.command, CheckCommand.command, ResetCommand.command,
            VersionCommand.command,
        ])

    private static let actions: [String: @Sendable (ParsedArguments) throws -> Void] = [
        "image pull": ImageCommand.pull, "image import": ImageCommand.importArchive,
        "image export": ImageCommand.export, "image list": ImageCommand.list, "image remove": ImageCommand.remove,
        "image inspect": ImageCommand.inspect, "image tag": ImageCommand.tag, "image prune": ImageCommand.prune,
        "token create": TokenCommand.create, "token list": TokenCommand.list, "token delete": TokenCommand.delete,
        "server": ServerCommand.run, "agent": AgentCommand.run, "apiserver": APIServerCommand.run,
        "scheduler": SchedulerCommand.run, "controllers": ControllersCommand.run, "kubelet": KubeletCommand.run,
        "proxy": ProxyCommand.run, "kubeconfig": KubeconfigCommand.run, "check": CheckCommand.run,
        "reset": ResetCommand.run, "version": VersionCommand.run,
    ]
}

/// Writes to standard error; nobody is left to tell when that fails.
func standardError(_ text: String) {
    let bytes = Array(text.utf8)
    _ = write(2, bytes, bytes.count)
}

/// Runs `body` on the event loop and waits for its end.
func runOnLoop<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) throws -> Result {
    let done = DispatchGate<Result>()
    let loop = EventLoopGroup.shared.next()
    Task(executorPreference: loop) {
        do { done.finish(.success(try await body())) } catch { done.finish(.failure(error)) }
    }
    return try done.wait().get()
}
