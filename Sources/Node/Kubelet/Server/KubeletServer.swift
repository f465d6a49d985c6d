// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import JSON
internal import KubeAPI
internal import Schema
internal import Synchronization
internal import Telemetry

/// What the kubelet answers on port 10250: pods, logs, ways into containers, figures. Everything asks
/// `KubeletAuthorization` first.
struct KubeletServer: HTTPHandler {
    let access: any ContainerAccess
    let authorization: KubeletAuthorization
    let metrics: MetricsRegistry
    /// The configuration in force, for `/configz`.
    let configuration: JSONObject
    /// Whether the sync loop is alive; what `/healthz` says.
    let isHealthy: @Sendable () -> Bool
    /// How long a connection that has changed its protocol may be silent; zero: for ever.
    var idleTimeout: Duration = .seconds(4 * 3600)

    func handle(_ request: HTTPRequest) async -> HTTPResponse {
        let route = KubeletRoute(request)
        if let refusal = await authorization.refusal(of: request, for: route) { return refusal }
        guard route.isServedMethod || route.segments.isEmpty else {
            return .text("405: Method Not Allowed\n", status: 405)
        }
        do throws(ContainerAccessError) {
            return try await answer(request, route.segments)
        } catch { return .text(error.message + "\n", status: error.status) }
    }

    private func answer(
        _ request: HTTPRequest, _ path: [String]
    ) async throws(ContainerAccessError) -> HTTPResponse {
        switch path.first {
        case "healthz":
            guard let answer = Self.health(path, isHealthy: isHealthy()) else { throw .notFound("404 page not found") }
            return answer
        case "pods", "runningpods": return .json(await podList())
        case "containerLogs": return try await logs(request, path)
        case "exec", "attach", "run": return IdleLimit.apply(idleTimeout, to: try await command(request, path))
        case "portForward": return IdleLimit.apply(idleTimeout, to: try portForward(request, path))
        case "stats" where path.count < 2 || path[1] == "summary": return .json(await access.statsSummary())
        case "metrics": return try await figures(path)
        case "configz":
            return .json(JSONValue.object(["kubeletconfig": .object(configuration)]).encoded())
        default: throw .notFound("404 page not found")
        }
    }

    /// The answer for `/healthz` and its single checks; nil when there is none of the name.
    static func health(_ path: [String], isHealthy: Bool) -> HTTPResponse? {
        guard path.first == "healthz", path.count == 1 || ["ping", "log", "syncloop"].contains(path[1]) else {
            return nil
        }
        if isHealthy || (path.count > 1 && path[1] != "syncloop") { return .text("ok") }
        return .text(
            "[+]ping ok\n[+]log ok\n[-]syncloop failed: reason withheld\nhealthz check failed\n", status: 500)
    }

    private func podList() async -> [UInt8] {
        let pods = await access.pods()
        let list: JSONValue = [
            "kind": "PodList", "apiVersion": "v1", "metadata": [:], "items": .array(pods.map { .object($0.json) }),
        ]
        return list.encoded()
    }

    /// Brings the figures that are states, not events, up to date.
    private func count(_ pods: [Pod]) {
        let running = metrics.gauge("kubelet_running_pods", help: "Number of pods that have a running container")
        let statuses = pods.map { $0.status.initContainerStatuses + $0.status.containerStatuses }
        running.set(Double(statuses.count { pod in pod.contains { $0.state?.running != nil } }))
        let containers = metrics.gauge(
            "kubelet_running_containers", help: "Number of containers, by their state", labels: ["container_state"])
        let all = statuses.flatMap { $0 }
        containers.set(Double(all.count { $0.state?.running != nil }), ["running"])
        containers.set(Double(all.count { $0.state?.terminated != nil }), ["exited"])
        containers.set(Double(all.count { $0.state?.waiting != nil }), ["created"])
        let blocking = metrics.gauge(
            "swiftlet_blocking_work",
            help: "Work that blocks a thread, by what it is done for: how much runs, waits, and may run at a time",
            labels: ["kind", "state"])
        for usage in Blocking.usage() {
            blocking.set(Double(usage.running), [usage.kind, "running"])
            blocking.set(Double(usage.waiting), [usage.kind, "waiting"])
            blocking.set(Double(usage.limit), [usage.kind, "limit"])
        }
    }

    private func figures(_ path: [String]) async throws(ContainerAccessError) -> HTTPResponse {
        let text: String
        switch path.count > 1 ? path[1] : "" {
        case "":
            count(await access.pods())
            text = metrics.render()
        case "resource": text = await access.resourceMetrics()
        case "cadvisor": text = await access.containerMetrics()
        default: throw .notFound("404 page not found")
        }
        var response = HTTPResponse.text(text)
        response.headers["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
        return response
    }

    // MARK: - Logs

    private func logs(_ request: HTTPRequest, _ path: [String]) async throws(ContainerAccessError) -> HTTPResponse {
        guard path.count == 4 else { throw .badRequest("the path is /containerLogs/<namespace>/<pod>/<container>") }
        let options = try LogOptions(request)
        let target = ContainerTarget(namespace: path[1], pod: path[2], uid: nil, container: path[3])
        let log = try await access.log(of: target, previous: Self.isTrue(request.query("previous")))
        var response = HTTPResponse(status: 200)
        response.headers["Content-Type"] = "text/plain"
        response.body = LogStream(
            log: log, options: options, access: access, executor: access.executor(for: target.namespace)
        ).body()
        return response
    }

    // MARK: - Exec and attach

    private func command(_ request: HTTPRequest, _ path: [String]) async throws(ContainerAccessError) -> HTTPResponse {
        guard path.count == 4 || path.count == 5 else {
            throw .badRequest("the path is /\(path[0])/<namespace>/<pod>[/<uid>]/<container>")
        }
        try Self.requireNoBody(request)
        let isAttach = path[0] == "attach"
        let wanted = ExecRequest(
            target: ContainerTarget(
                namespace: path[1], pod: path[2], uid: path.count == 5 ? path[3] : nil, container: path[path.count - 1]),
            command: request.queryItems.filter { $0.name == "command" }.map(\.value),
            stdin: Self.isTrue(request.query("input") ?? request.query("stdin")),
            stdout: Self.isTrue(request.query("output") ?? request.query("stdout")),
            stderr: Self.isTrue(request.query("error") ?? request.query("stderr")),
            tty: Self.isTrue(request.query("tty")))
        guard isAttach || !wanted.command.isEmpty else { throw .badRequest("you must specify at least 1 command") }
        guard wanted.stdin || wanted.stdout || wanted.stderr else {
            throw .badRequest("you must specify at least 1 of stdin, stdout, stderr")
        }
        let access = access
        let start: @Sendable () async throws(ContainerAccessError) -> any ContainerSession = {
            () async throws(ContainerAccessError) -> any ContainerSession in
            isAttach ? try await access.attach(wanted) : try await access.exec(wanted)
        }
        if WebSocketHandshake.isRequested(by: request) {
            let started = StartedSession()
            let accepted = WebSocketHandshake.accept(request, supported: WebSocketCommand.protocols) { socket in
                guard let session = started.take() else { return await socket.abort() }
                await WebSocketCommand(socket: socket, session: session, request: wanted).run()
            }
            // Nothing is begun for a client that cannot be spoken with.
            guard let accepted else {
                throw .badRequest(
                    "no subprotocol of the client is one of \(WebSocketCommand.protocols.joined(separator: ", "))")
            }
            started.set(try await start())
            return accepted
        }
        return try SPDYUpgrade.accept(request, supported: SPDYCommand.protocols) { connection, version in
            await SPDYCommand(connection: connection, version: version, request: wanted, start: start).run()
        }
    }

    // MARK: - Port-forward

    private func portForward(_ request: HTTPRequest, _ path: [String]) throws(ContainerAccessError) -> HTTPResponse {
        guard path.count == 3 || path.count == 4 else {
            throw .badRequest("the path is /portForward/<namespace>/<pod>")
        }
        try Self.requireNoBody(request)
        let access = access
        let serve: @Sendable (SPDYConnection) async -> Void = { connection in
            await PortForward(connection: connection, access: access, namespace: path[1], pod: path[2]).run()
        }
        if WebSocketHandshake.isRequested(by: request) {
            let accepted = WebSocketHandshake.accept(request, supported: PortForward.tunnelProtocols) { socket in
                await serve(SPDYConnection(stream: WebSocketByteStream(socket), role: .server))
            }
            if let accepted { return accepted }
            throw .badRequest("port-forward over WebSocket wants \(PortForward.tunnelProtocols[0])")
        }
        return try SPDYUpgrade.accept(request, supported: PortForward.spdyProtocols) { connection, _ in
            await serve(connection)
        }
    }

    /// What follows a request that changes the protocol is the other protocol's: nothing is begun for one with a body.
    private static func requireNoBody(_ request: HTTPRequest) throws(ContainerAccessError) {
        if request.hasBody { throw .badRequest("a request that changes the protocol has no body") }
    }

    static func isTrue(_ value: String?) -> Bool { value == "1" || value == "true" || value == "True" }
}

/// The session of a command, on its way from the request to the connection.
private final class StartedSession: Sendable {
    private let session = Mutex<(any ContainerSession)?>(nil)

    func set(_ started: any ContainerSession) { session.withLock { $0 = started } }
    func take() -> (any ContainerSession)? { session.withLock { $0.take() } }
}

/// The upgrade to SPDY/3.1 and the choice of the protocol inside it.
enum SPDYUpgrade {
    static func accept(
        _ request: HTTPRequest, supported: [String],
        serve: @escaping @Sendable (SPDYConnection, String) async -> Void
    ) throws(ContainerAccessError) -> HTTPResponse {
        guard request.headers.contains("Connection", token: "upgrade"),
            request.headers.contains("Upgrade", token: "SPDY/3.1")
        else { throw .badRequest("Upgrade request required") }
        let offered = request.headers.list("X-Stream-Protocol-Version")
        // A client that names none speaks the first version there was.
        guard let chosen = offered.isEmpty ? supported.last : offered.first(where: { supported.contains($0) }) else {
            throw ContainerAccessError(
                status: 403,
                message: "unable to negotiate protocol: the client offers \(offered.joined(separator: ", "))")
        }
        var response = HTTPResponse(status: 101)
        response.headers["Connection"] = "Upgrade"
        response.headers["Upgrade"] = "SPDY/3.1"
        response.headers["X-Stream-Protocol-Version"] = chosen
        response.upgrade = { stream in await serve(SPDYConnection(stream: stream, role: .server), chosen) }
        return response
    }
}

extension LogOptions {
    /// Reads PodLogOptions from a query.
    init(_ request: HTTPRequest) throws(ContainerAccessError) {
        self.init()
        follow = KubeletServer.isTrue(request.query("follow"))
        timestamps = KubeletServer.isTrue(request.query("timestamps"))
        tailLines = try Self.number("tailLines", request)
        limitBytes = try Self.number("limitBytes", request)
        if limitBytes == 0 { throw .badRequest("limitBytes must be greater than 0") }
        stream = request.query("stream") ?? "All"
        guard ["All", "Stdout", "Stderr"].contains(stream) else {
            throw .badRequest("stream must be All, Stdout or Stderr")
        }
        if let seconds = try Self.number("sinceSeconds", request) {
            since = KubeTime.now - .seconds(seconds)
        } else if let text = request.query("sinceTime") {
            guard let time = KubeTime(text) else { throw .badRequest("sinceTime \"\(text)\" is not an RFC 3339 time") }
            since = time
        }
    }

    private static func number(_ name: String, _ request: HTTPRequest) throws(ContainerAccessError) -> Int? {
        guard let text = request.query(name) else { return nil }
        guard let value = Int(text), value >= 0 else {
            throw .badRequest("\(name) \"\(text)\" is not a number of 0 or more")
        }
        return value
    }
}
