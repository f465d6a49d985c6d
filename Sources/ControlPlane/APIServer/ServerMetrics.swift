// SPDX-License-Identifier: Apache-2.0

internal import Telemetry

/// The server's metrics, under upstream's names where they exist.
struct ServerMetrics: Sendable {
    let registry: MetricsRegistry
    let requests: Counter
    let durations: Histogram
    let inFlight: Gauge
    let longRunning: Gauge
    let rejected: Counter
    let commits: Counter
    let changes: Counter

    init(_ registry: MetricsRegistry) {
        self.registry = registry
        requests = registry.counter(
            "apiserver_request_total", help: "Requests answered.",
            labels: ["verb", "group", "version", "resource", "subresource", "code"])
        durations = registry.histogram(
            "apiserver_request_duration_seconds", help: "How long requests took, without watches and streams.",
            labels: ["verb", "group", "resource"])
        inFlight = registry.gauge(
            "apiserver_current_inflight_requests", help: "Requests being served.", labels: ["request_kind"])
        longRunning = registry.gauge(
            "apiserver_longrunning_requests", help: "Watches and streams begun and not refused.",
            labels: ["verb", "resource"])
        rejected = registry.counter(
            "apiserver_rejected_requests_total", help: "Requests told to come back later.", labels: ["request_kind"])
        commits = registry.counter("swiftlet_store_commits_total", help: "Transactions of the store.")
        changes = registry.counter("swiftlet_store_changes_total", help: "Changes written by the store.")
    }
}
