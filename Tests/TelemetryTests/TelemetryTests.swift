// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Telemetry
import Testing

@Suite struct `Logs and metrics` {
    final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    @Test func `an event is one line with its keys in order`() {
        let lines = Lines()
        let sink = LogSink { _, line in lines.all.withLock { $0.append(line) } }
        let logger = Logger(label: "kubelet", metadata: ["node": "a"], sink: sink)
        logger.debug("not written")
        logger.info("pod started", ["pod": "ns/p", "error": "two words", "a": "x=\"y\"\n"])
        logger.with(["node": "b"], label: "proxy").warning("w")
        #expect(
            lines.all.withLock { $0 } == [
                #"level=info component=kubelet msg="pod started" a="x=\"y\"\n" error="two words" node=a pod=ns/p"#,
                "level=warning component=proxy msg=w node=b",
            ])
    }

    @Test func `what others wrote neither moves the cursor nor fills the log`() {
        let lines = Lines()
        let logger = Logger(label: "x", sink: LogSink { _, line in lines.all.withLock { $0.append(line) } })
        logger.info(
            "m", ["name": "a\u{1b}[2J\u{9b}2J\u{7f}\r\nlevel=error", "long": String(repeating: "é", count: 100_000)])
        let line = lines.all.withLock { $0[0] }
        #expect(!line.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) })
        #expect(line.utf8.count < 20_000)
    }

    @Test func `a metric has no more series than its registry allows`() {
        let registry = MetricsRegistry(seriesLimit: 10)
        let counter = registry.counter("c_total", help: "C.", labels: ["a", "b"])
        let gauge = registry.gauge("g", help: "G.", labels: ["a"])
        let histogram = registry.histogram("h_seconds", help: "H.", labels: ["a"], buckets: [1])
        for number in 0..<1000 {
            counter.increment(["name\(number)", "x"])
            gauge.set(1, ["name\(number)"])
            histogram.observe(0.5, ["name\(number)"])
        }
        #expect(counter.value(["name9", "x"]) == 1 && counter.value(["name10", "x"]) == 0)
        #expect(counter.value(["overflow", "overflow"]) == 990 && histogram.count(["overflow"]) == 990)
        let lines = registry.render().split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("c_total{") } == 11)
        #expect(lines.count { $0.hasPrefix("g{") } == 10)
        #expect(lines.count { $0.hasPrefix("h_seconds_count{") } == 11)
        #expect(lines.contains("cardinality_enforcement_unexpected_categorizations_total 2970"))
        // One that went makes room.
        gauge.remove(["name3"])
        gauge.set(7, ["new"])
        #expect(gauge.value(["new"]) == 7)
    }

    @Test func `a label's value is cut before it is kept`() {
        let registry = MetricsRegistry()
        let counter = registry.counter("c_total", help: "C.", labels: ["a"])
        let long = String(repeating: "z", count: 100_000)
        counter.increment([long])
        counter.increment([long])
        #expect(counter.value([long]) == 2)
        #expect(registry.render().utf8.count < 1000)
    }

    @Test func `metrics render as Prometheus reads them`() {
        let registry = MetricsRegistry()
        let requests = registry.counter("requests_total", help: "Requests.", labels: ["verb", "code"])
        requests.increment(["GET", "200"])
        requests.increment(["GET", "200"], by: 2)
        requests.increment(["PO\"ST", "201"])
        registry.gauge("pods", help: "Running\npods.").set(2.5)
        let seconds = registry.histogram("d_seconds", help: "Time.", labels: ["op"], buckets: [0.1, 1])
        seconds.observe(0.05, ["a"])
        seconds.observe(0.5, ["a"])
        seconds.observe(.seconds(7), ["a"])
        registry.collected("kernel_value", help: "Read now.") { [MetricSample([], 1_234_567)] }
        _ = registry.counter("unused_total", help: "None.", labels: ["x"])
        #expect(registry.counter("requests_total", help: "", labels: ["verb", "code"]) === requests)
        #expect(
            registry.render() == #"""
                # HELP d_seconds Time.
                # TYPE d_seconds histogram
                d_seconds_bucket{op="a",le="0.1"} 1
                d_seconds_bucket{op="a",le="1"} 2
                d_seconds_bucket{op="a",le="+Inf"} 3
                d_seconds_sum{op="a"} 7.55
                d_seconds_count{op="a"} 3
                # HELP kernel_value Read now.
                # TYPE kernel_value gauge
                kernel_value 1.234567e+06
                # HELP pods Running\npods.
                # TYPE pods gauge
                pods 2.5
                # HELP requests_total Requests.
                # TYPE requests_total counter
                requests_total{code="200",verb="GET"} 3
                requests_total{code="201",verb="PO\"ST"} 1

                """#)
    }

    static let numbers: [(Double, String)] = [
        (0, "0"), (1, "1"), (0.005, "0.005"), (1e6, "1e+06"), (123456, "123456"), (1e-5, "1e-05"), (0.0001, "0.0001"),
        (1.5e9, "1.5e+09"), (-2.25, "-2.25"), (.infinity, "+Inf"), (.nan, "NaN"), (1234567.5, "1.2345675e+06"),
    ]

    @Test(arguments: numbers)
    func `numbers look as Go prints them`(_ value: Double, _ text: String) {
        let registry = MetricsRegistry()
        registry.gauge("g", help: "h").set(value)
        #expect(registry.render().hasSuffix("g \(text)\n"))
    }
}
