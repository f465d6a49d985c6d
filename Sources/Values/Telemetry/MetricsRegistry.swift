// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The metrics of one process, rendered as Prometheus' text format 0.0.4.
///
/// A family is named once; asking again for the same name and type gives the same family. It has at most so many series
/// as the registry was told: what comes with other labels than those is summed up in one more.
public final class MetricsRegistry: Sendable {
    private let families = Mutex<[String: any MetricFamily]>([:])
    private let seriesLimit: Int

    /// What is shown of updates that found no series of their own; upstream's name for the same.
    static let overflowName = "cardinality_enforcement_unexpected_categorizations_total"

    public init(seriesLimit: Int = 4096) { self.seriesLimit = seriesLimit }

    public func counter(_ name: String, help: String, labels: [String] = []) -> Counter {
        family(name) { Counter(name: name, help: help, labels: labels, limit: seriesLimit) }
    }

    public func gauge(_ name: String, help: String, labels: [String] = []) -> Gauge {
        family(name) { Gauge(name: name, help: help, labels: labels, limit: seriesLimit) }
    }

    public func histogram(
        _ name: String, help: String, labels: [String] = [], buckets: [Double] = Histogram.defaultBuckets
    ) -> Histogram {
        family(name) {
            Histogram(name: name, help: help, labels: labels, buckets: buckets, limit: seriesLimit)
        }
    }

    /// Samples computed when somebody asks, for what is counted elsewhere (the kernel, a cache).
    public func collected(
        _ name: String, type: MetricType = .gauge, help: String, labels: [String] = [],
        _ collect: @escaping @Sendable () -> [MetricSample]
    ) {
        families.withLock {
            $0[name] = CollectedFamily(name: name, help: help, labels: labels, type: type, collect: collect)
        }
    }

    private func family<Family: MetricFamily>(_ name: String, _ make: () -> Family) -> Family {
        families.withLock { families in
            if let known = families[name] {
                guard let family = known as? Family else {
                    preconditionFailure("metric \(name) is registered with two types")
                }
                return family
            }
            let family = make()
            families[name] = family
            return family
        }
    }

    /// All families in the order of their names.
    public func render() -> String {
        let all = families.withLock { $0.values.sorted { $0.name < $1.name } }
        var text = ""
        for family in all {
            var body = ""
            family.render(into: &body)
            // A family without samples is left out, as upstream does.
            if body.isEmpty { continue }
            text += "# HELP \(family.name) \(MetricText.help(family.help))\n"
            text += "# TYPE \(family.name) \(family.type.rawValue)\n"
            text += body
        }
        let overflowed = all.reduce(0) { $0 + $1.overflowed }
        if overflowed > 0 {
            text += "# HELP \(Self.overflowName) Updates of metrics that had too many series for one of their own.\n"
            text += "# TYPE \(Self.overflowName) counter\n\(Self.overflowName) \(overflowed)\n"
        }
        return text
    }
}

public enum MetricType: String, Sendable {
    case counter, gauge, histogram
}

/// One value of a collected family, with the values of its labels in the family's order.
public struct MetricSample: Sendable {
    public var labels: [String]
    public var value: Double

    public init(_ labels: [String] = [], _ value: Double) {
        self.labels = labels
        self.value = value
    }
}

protocol MetricFamily: Sendable {
    var name: String { get }
    var help: String { get }
    var type: MetricType { get }
    /// Updates that found no series of their own.
    var overflowed: Int { get }
    func render(into text: inout String)
}

struct CollectedFamily: MetricFamily {
    let name: String
    let help: String
    let labels: [String]
    let type: MetricType
    let collect: @Sendable () -> [MetricSample]
    var overflowed: Int { 0 }

    func render(into text: inout String) {
        for sample in collect() {
            text += "\(name)\(MetricText.labels(labels, sample.labels)) \(MetricText.number(sample.value))\n"
        }
    }
}

/// How names, labels and numbers look in the text format.
enum MetricText {
    static func help(_ text: String) -> String { escape(text, quotes: false) }

    /// `{a="x",b="y"}` with the labels sorted by name; empty without labels.
    static func labels(_ names: [String], _ values: [String], adding extra: (String, String)? = nil) -> String {
        precondition(names.count == values.count, "as many label values as names")
        var pairs = zip(names, values).sorted { $0.0 < $1.0 }.map { "\($0)=\"\(escape($1, quotes: true))\"" }
        if let extra { pairs.append("\(extra.0)=\"\(extra.1)\"") }
        return pairs.isEmpty ? "" : "{" + pairs.joined(separator: ",") + "}"
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        guard text.utf8.contains(where: { $0 == 0x5C || $0 == 0x0A || $0 == 0x22 }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// As Go's `%g` with the shortest digits: exponents from 1e+06 and below 1e-04.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == 0 { return "0" }
        if abs(value) < 1e6, let whole = Int64(exactly: value) { return String(whole) }
        // Swift's own text has the same shortest digits.
        let text = "\(abs(value))"
        let parts = text.split(separator: "e")
        var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let fraction = mantissa.count > 1 && mantissa[1] != "0" ? mantissa[1] : ""
        var digits = Array((mantissa[0] + fraction).utf8)
        exponent += mantissa[0].utf8.count - 1
        while digits.count > 1, digits[0] == 0x30 {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.count > 1, digits.last == 0x30 { digits.removeLast() }
        let sign = value < 0 ? "-" : ""
        let shown = String(decoding: digits, as: UTF8.self)
        if exponent < -4 || exponent >= 6 {
            let tail = shown.dropFirst()
            let power = abs(exponent)
            return sign + shown.prefix(1) + (tail.isEmpty ? "" : "." + tail) + (exponent < 0 ? "e-" : "e+")
                + (power < 10 ? "0" : "") + String(power)
        }
        if exponent < 0 { return sign + "0." + String(repeating: "0", count: -exponent - 1) + shown }
        if digits.count <= exponent + 1 {
            return sign + shown + String(repeating: "0", count: exponent + 1 - digits.count)
        }
        return sign + shown.prefix(exponent + 1) + "." + shown.dropFirst(exponent + 1)
    }
}
