// SPDX-License-Identifier: Apache-2.0

internal import Telemetry

/// What CoreDNS' dashboards read, under its names.
struct DNSMetrics: Sendable {
    let requests: Counter
    let responses: Counter
    let durations: Histogram
    let cacheHits: Counter
    let cacheMisses: Counter

    private static let server = "dns://:53"

    init(_ registry: MetricsRegistry) {
        requests = registry.counter(
            "coredns_dns_requests_total", help: "Counter of DNS requests made per zone, protocol and family.",
            labels: ["server", "zone", "proto", "family", "type"])
        responses = registry.counter(
            "coredns_dns_responses_total", help: "Counter of response status codes.",
            labels: ["server", "zone", "rcode"])
        durations = registry.histogram(
            "coredns_dns_request_duration_seconds", help: "Histogram of the time each request took.",
            labels: ["server", "zone"],
            buckets: Histogram.exponentialBuckets(start: 0.00025, factor: 2, count: 16))
        cacheHits = registry.counter("coredns_cache_hits_total", help: "The count of cache hits.")
        cacheMisses = registry.counter("coredns_cache_misses_total", help: "The count of cache misses.")
    }

    func record(_ query: DNSQuery, isStream: Bool, isIPv6: Bool) {
        requests.increment([Self.server, ".", isStream ? "tcp" : "udp", isIPv6 ? "2" : "1", query.question.type.label])
    }

    func record(_ code: UInt8, _ duration: Duration) {
        responses.increment([Self.server, ".", ResponseCode(rawValue: code)?.label ?? "\(code)"])
        durations.observe(duration, [Self.server, "."])
    }
}
