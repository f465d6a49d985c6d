// SPDX-License-Identifier: Apache-2.0

internal import Telemetry

/// The proxy's metrics, by upstream's names.
struct ProxyMetrics: Sendable {
    let syncDuration: Histogram
    let fullSyncDuration: Histogram
    let partialSyncDuration: Histogram
    let networkProgramming: Histogram
    let syncLatest: Gauge
    let syncQueued: Gauge
    let syncFailures: Counter
    let endpointChangesTotal: Counter
    let serviceChangesTotal: Counter
    let endpointChangesPending: Gauge
    let serviceChangesPending: Gauge
    let noLocalEndpoints: Gauge
    let healthz: Counter
    let livez: Counter
    let flowsDeleted: Counter
    let conntrackDuration: Histogram

    init(_ registry: MetricsRegistry) {
        let buckets = Histogram.exponentialBuckets(start: 0.001, factor: 2, count: 15)
        func histogram(_ name: String, _ help: String, _ labels: [String] = ["ip_family"]) -> Histogram {
            registry.histogram("kubeproxy_\(name)", help: help, labels: labels, buckets: buckets)
        }
        func gauge(_ name: String, _ help: String, _ labels: [String]) -> Gauge {
            registry.gauge("kubeproxy_\(name)", help: help, labels: labels)
        }
        func counter(_ name: String, _ help: String, _ labels: [String]) -> Counter {
            registry.counter("kubeproxy_\(name)", help: help, labels: labels)
        }
        syncDuration = histogram("sync_proxy_rules_duration_seconds", "Time one sync of the rules took")
        fullSyncDuration = histogram("sync_full_proxy_rules_duration_seconds", "Time one sync of all rules took")
        partialSyncDuration = histogram(
            "sync_partial_proxy_rules_duration_seconds", "Time one sync of changed rules took")
        networkProgramming = registry.histogram(
            "kubeproxy_network_programming_duration_seconds",
            help: "Time from the trigger of an endpoint change to its rules in the kernel", labels: ["ip_family"],
            buckets: [
                0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256,
            ])
        syncLatest = gauge(
            "sync_proxy_rules_last_timestamp_seconds", "When the rules were last synced", ["ip_family"])
        syncQueued = gauge(
            "sync_proxy_rules_last_queued_timestamp_seconds", "When a sync was last asked for", ["ip_family"])
        syncFailures = counter(
            "sync_proxy_rules_nftables_sync_failures_total", "Syncs of the rules that failed", ["ip_family"])
        endpointChangesTotal = counter(
            "sync_proxy_rules_endpoint_changes_total", "Changes of endpoints seen", ["ip_family"])
        serviceChangesTotal = counter(
            "sync_proxy_rules_service_changes_total", "Changes of Services seen", ["ip_family"])
        endpointChangesPending = gauge(
            "sync_proxy_rules_endpoint_changes_pending", "Changes of endpoints not yet in the kernel", ["ip_family"])
        serviceChangesPending = gauge(
            "sync_proxy_rules_service_changes_pending", "Changes of Services not yet in the kernel", ["ip_family"])
        noLocalEndpoints = gauge(
            "sync_proxy_rules_no_local_endpoints_total",
            "Services with a Local traffic policy and no endpoint on this node", ["ip_family", "traffic_policy"])
        healthz = counter("proxy_healthz_total", "Answers of /healthz by status code", ["code"])
        livez = counter("proxy_livez_total", "Answers of /livez by status code", ["code"])
        flowsDeleted = counter(
            "conntrack_reconciler_deleted_entries_total", "Flows forgotten because their endpoint is gone",
            ["ip_family"])
        conntrackDuration = histogram(
            "conntrack_reconciler_sync_duration_seconds", "Time the deletion of stale flows took")
    }
}
