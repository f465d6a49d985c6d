// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Store
internal import Telemetry

/// The server's metrics, under upstream's names where they exist.
struct ServerMetrics: Sendable {
    let registry: MetricsRegistry
    let requests: Counter
    let durations: Histogram
    let rejected: Counter
    let commits: Counter
    let changes: Counter
    let storeRefusals: Counter

    init(_ registry: MetricsRegistry) {
        self.registry = registry
        requests = registry.counter(
            "apiserver_request_total", help: "Requests answered.",
            labels: ["verb", "group", "version", "resource", "subresource", "code"])
        durations = registry.histogram(
            "apiserver_request_duration_seconds", help: "How long requests took, without watches and streams.",
            labels: ["verb", "group", "resource"])
        rejected = registry.counter(
            "apiserver_flowcontrol_rejected_requests_total", help: "Requests told to come back later.",
            labels: ["priority_level", "reason"])
        commits = registry.counter("swiftlet_store_commits_total", help: "Transactions of the store.")
        changes = registry.counter("swiftlet_store_changes_total", help: "Changes written by the store.")
        storeRefusals = registry.counter(
            "swiftlet_store_quota_refusals_total", help: "Writes that found no room in the store's quota.")
    }

    /// Shows how full the store is.
    func show(_ store: SQLiteStore, quota: Int) {
        registry.collected(
            "apiserver_storage_size_bytes", help: "Bytes of objects, as the store's quota counts them.",
            labels: ["storage_cluster_id"]
        ) { [store] in [MetricSample(["swiftlet"], Double(store.spaceInUse ?? 0))] }
        registry.collected(
            "swiftlet_store_quota_bytes", help: "How many bytes of objects are kept at most.", labels: []
        ) {
            [MetricSample([], Double(quota))]
        }
    }

    /// Shows how many requests are served and wait.
    func show(_ flows: FlowControl) {
        registry.collected(
            "apiserver_flowcontrol_current_executing_requests", help: "Requests being served.",
            labels: ["priority_level"]
        ) { [flows] in flows.load.map { MetricSample([$0.level.name], Double($0.seats)) } }
        registry.collected(
            "apiserver_flowcontrol_current_inqueue_requests", help: "Requests that wait to be served.",
            labels: ["priority_level"]
        ) { [flows] in flows.load.map { MetricSample([$0.level.name], Double($0.waiting)) } }
    }

    /// Shows how much is done apart from the loop.
    func show(_ bench: Workbench) {
        registry.collected(
            "swiftlet_workbench_waiting_pieces", help: "Pieces of long computations that wait for their turn.",
            labels: []
        ) { [bench] in [MetricSample([], Double(bench.waiting))] }
        registry.collected(
            "swiftlet_workbench_begun_pieces", help: "Pieces of long computations that have been begun.", labels: []
        ) { [bench] in [MetricSample([], Double(bench.begun))] }
    }
}
