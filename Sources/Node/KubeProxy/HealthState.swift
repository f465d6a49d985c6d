// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import KubeClient
internal import Synchronization

/// Whether the proxy keeps up: what /healthz and /livez answer.
final class HealthState: Sendable {
    private struct State {
        /// When the oldest change not yet in the kernel came; nil when all are.
        var pendingSince: ContinuousClock.Instant?
        var lastUpdated = Timestamp.now
        var hasSynced = false
        var nodeEligible = true
    }

    private let state = Mutex(State())
    /// Changes that wait longer make the proxy unhealthy.
    private let patience: Duration

    init(patience: Duration) { self.patience = patience }

    func queued() {
        state.withLock { if $0.pendingSince == nil { $0.pendingSince = .now } }
    }

    func synced() {
        state.withLock { state in
            state.pendingSince = nil
            state.lastUpdated = .now
            state.hasSynced = true
        }
    }

    /// False while the node is being deleted or is about to be taken out of balancers.
    var nodeEligible: Bool {
        get { state.withLock { $0.nodeEligible } }
        set { state.withLock { $0.nodeEligible = newValue } }
    }

    var isHealthy: Bool {
        state.withLock { state in
            guard state.hasSynced else { return false }
            guard let since = state.pendingSince else { return true }
            return ContinuousClock.now - since < patience
        }
    }

    /// The answer of /healthz (also wrong when the node is going) and /livez.
    func answer(includingNode: Bool) -> HTTPResponse {
        let (updated, eligible) = state.withLock { ($0.lastUpdated, $0.nodeEligible) }
        let healthy = isHealthy && (!includingNode || eligible)
        let now = Timestamp.now
        // While healthy the last update is now: nothing waits.
        var body: [(String, JSONValue)] = [
            ("lastUpdated", .string((healthy ? now : updated).description)), ("currentTime", .string(now.description)),
        ]
        if includingNode { body.append(("nodeEligible", .bool(eligible))) }
        var response = HTTPResponse.json(JSONValue.object(JSONObject(body)).encoded(), status: healthy ? 200 : 503)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
    }
}

/// One health check port of a Service under policy Local: balancers ask it which nodes to use.
struct ServiceHealth: Sendable, Hashable {
    var service: ServiceKey
    var localEndpoints: Int

    func answer(proxyHealthy: Bool) -> HTTPResponse {
        let body = JSONValue.object(
            JSONObject([
                (
                    "service",
                    .object(
                        JSONObject([
                            ("namespace", .string(service.namespace)), ("name", .string(service.name)),
                        ]))
                ), ("localEndpoints", .integer(Int64(localEndpoints))), ("serviceProxyHealthy", .bool(proxyHealthy)),
            ]))
        var response = HTTPResponse.json(
            body.encoded(), status: localEndpoints > 0 && proxyHealthy ? 200 : 503)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Load-Balancing-Endpoint-Weight"] = String(localEndpoints)
        return response
    }
}
