// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import KubeAPI
import KubeClient
import Synchronization
import Telemetry
import Testing

@testable import Kubelet

@Suite struct `The kubelet's server` {
    /// An API server that knows the token `good`, and lets `user` read what is named.
    private final class Reviews: HTTPHandler {
        let allowed: Set<String>
        let asked = Mutex<[JSONObject]>([])

        init(_ allowed: Set<String>) { self.allowed = allowed }

        func handle(_ request: HTTPRequest) async -> HTTPResponse {
            guard let bytes = try? await request.body.collect(limit: 1 << 20),  // No review: the answer below says so.
                var object = try? JSONValue.parse(bytes).object
            else { return .text("not JSON", status: 400) }
            let received = object
            asked.withLock { $0.append(received) }
            let spec = object["spec"] ?? .null
            if request.path.hasSuffix("tokenreviews") {
                object["status"] =
                    spec["token"] == "good"
                    ? ["authenticated": true, "user": ["username": "user", "groups": ["g"]]] : ["authenticated": false]
            } else {
                let attributes = spec["resourceAttributes"] ?? .null
                let question =
                    "\(spec["user"]?.string ?? "") \(attributes["verb"]?.string ?? "") "
                    + "\(attributes["subresource"]?.string ?? "")"
                object["status"] = ["allowed": .bool(allowed.contains(question))]
            }
            return .json(JSONValue.object(object).encoded(), status: 201)
        }
    }

    private func status(
        _ target: String, allowed: Set<String> = [], token: String? = nil, method: String = "GET",
        _ change: (inout KubeletConfiguration) -> Void = { _ in }
    ) async -> Int? {
        var configuration = KubeletConfiguration()
        change(&configuration)
        let client = KubeClient(exchange: InProcessExchange(handler: Reviews(allowed), user: nil), userAgent: "test")
        let authorization = KubeletAuthorization(client: client, nodeName: "n", configuration: configuration)
        var request = HTTPRequest(method: method, target: target)
        if let token { request.headers["Authorization"] = "Bearer \(token)" }
        return await authorization.refusal(of: request, for: KubeletRoute(request))?.status
    }

    @Test func `lets in whom the API server vouches for`() async {
        #expect(await status("/pods", allowed: ["user get proxy"], token: "good") == nil)
        #expect(await status("/pods", allowed: ["user get pods"], token: "good") == nil)
        #expect(await status("/pods", allowed: ["user get log"], token: "good") == 403)
        #expect(await status("/exec/a/b/c", allowed: ["user create proxy"], token: "good", method: "POST") == nil)
        #expect(await status("/exec/a/b/c", allowed: ["user get proxy"], token: "good", method: "POST") == 403)
        #expect(await status("/pods", allowed: ["user get proxy"], token: "bad") == 401)
        #expect(await status("/pods", allowed: [" get proxy", "system:anonymous get proxy"]) == 401)
    }

    @Test func `is asked for each spelling of a name`() {
        func question(_ name: String, _ groups: [String] = []) -> KubeletAuthorization.Question {
            .init(user: RequestUser(name: name, groups: groups), verb: "get", subresource: "proxy")
        }
        // The Kelvin sign, an accent of its own.
        let names = ["K", "\u{212A}", "\u{e9}", "e\u{301}"]
        #expect(Set(names.map { question($0) }).count == 4)
        #expect(Set(names.map { question("a", [$0]) }).count == 4)
        #expect(question("a", ["b"]) == question("a", ["b"]) && question("a", ["b"]) != question("a", ["b", "c"]))
    }

    @Test func `knows anonymous users when it is told to`() async {
        let anonymous: (inout KubeletConfiguration) -> Void = { $0.anonymousAuthentication = true }
        #expect(await status("/metrics", anonymous) == 403)
        #expect(await status("/metrics", allowed: ["system:anonymous get metrics"], anonymous) == nil)
        // A token that does not count is not the same as none.
        #expect(await status("/metrics", allowed: ["system:anonymous get metrics"], token: "bad", anonymous) == 401)
    }

    @Test func `allows everything to those it knows when it is told to`() async {
        let always: (inout KubeletConfiguration) -> Void = { $0.authorizationMode = "AlwaysAllow" }
        #expect(await status("/exec/a/b/c", token: "good", always) == nil)
        #expect(await status("/exec/a/b/c", always) == 401)
        #expect(
            await status("/exec/a/b/c") {
                $0.authorizationMode = "AlwaysAllow"
                $0.anonymousAuthentication = true
            } == 401)
        #expect(
            await status("/healthz") {
                $0.authorizationMode = "AlwaysAllow"
                $0.anonymousAuthentication = true
            } == nil)
    }

    @Test func `asks for no review when tokens are not to be reviewed`() async {
        #expect(
            await status("/pods", allowed: ["user get proxy"], token: "good") { $0.webhookAuthentication = false }
                == 401)
    }
}

@Suite struct `The health of a kubelet` {
    /// A node without pods.
    private struct Empty: ContainerAccess {
        func pods() -> [Pod] { [] }
        func log(of container: ContainerTarget, previous: Bool) throws(ContainerAccessError) -> ContainerLog {
            throw .notFound("no pod")
        }
        func waitForEnd(of log: ContainerLog) {}
        func exec(_ request: ExecRequest) throws(ContainerAccessError) -> any ContainerSession {
            throw .notFound("no pod")
        }
        func attach(_ request: ExecRequest) throws(ContainerAccessError) -> any ContainerSession {
            throw .notFound("no pod")
        }
        func connect(namespace: String, pod: String, port: UInt16) throws(ContainerAccessError) -> any ByteStream {
            throw .notFound("no pod")
        }
        func statsSummary() -> [UInt8] { [] }
        func resourceMetrics() -> String { "" }
        func containerMetrics() -> String { "" }
    }

    private func get(_ target: String, healthy: Bool) async throws -> (Int, String) {
        var configuration = KubeletConfiguration()
        configuration.authorizationMode = "AlwaysAllow"
        configuration.anonymousAuthentication = true
        let server = KubeletServer(
            access: Empty(),
            authorization: KubeletAuthorization(client: nil, nodeName: "n", configuration: configuration),
            metrics: MetricsRegistry(), configuration: [:], isHealthy: { healthy })
        let response = await server.handle(HTTPRequest(target: target))
        return (response.status, String(decoding: try await response.body.collect(limit: 1000), as: UTF8.self))
    }

    @Test func `is that of its sync loop`() async throws {
        for path in ["/healthz", "/healthz/syncloop"] {
            #expect(try await get(path, healthy: true) == (200, "ok"))
            let (status, text) = try await get(path, healthy: false)
            #expect(status == 500)
            #expect(text.contains("[-]syncloop failed"))
        }
        #expect(try await get("/healthz/ping", healthy: false) == (200, "ok"))
        #expect(try await get("/healthz/other", healthy: true).0 == 404)
    }
}
