// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The cells of a family, one for each combination of label values: at most `limit` of them.
///
/// Whoever chooses a label's value (a client, a name, a peer) must not be able to make the process grow. Label values
/// longer than `valueLimit` bytes are cut; what would be a combination too many is counted in `overflow`, and kept in one
/// cell whose values are all `overflow` where a sum of many still means something.
final class LabelledCells<Value: Sendable>: Sendable {
    /// One combination of label values and what is kept under it. It stays in use for as long as somebody has it, so that
    /// whoever counts the same thing often looks for its cell once.
    final class Cell: Sendable {
        private let value: Mutex<Value>

        init(_ value: sending Value) { self.value = Mutex(value) }

        func update(_ change: (inout Value) -> Void) { value.withLock { change(&$0) } }
        var current: Value { value.withLock { $0 } }
    }

    private let cells = Mutex<[[String]: Cell]>([:])
    private let labelCount: Int
    private let limit: Int
    private let keepsRest: Bool
    private let overflow: Atomic<Int>

    /// The value of every label of the cell for the rest.
    static var rest: String { "overflow" }
    static var valueLimit: Int { 256 }

    init(labelCount: Int, limit: Int, keepsRest: Bool) {
        self.labelCount = labelCount
        self.limit = limit
        self.keepsRest = keepsRest
        overflow = Atomic(0)
    }

    /// How many updates found no room for a cell of their own.
    var overflowed: Int { overflow.load(ordering: .relaxed) }

    func update(_ labels: [String], initial: @autoclosure () -> Value, _ change: (inout Value) -> Void) {
        cell(labels, initial: initial())?.update(change)
    }

    /// The cell of `labels`; that of the rest where there is no room for one of its own, or none where that means nothing.
    func cell(_ labels: [String], initial: @autoclosure () -> Value) -> Cell? {
        precondition(labels.count == labelCount, "as many label values as names")
        return cells.withLock { cells in
            if let cell = cells[labels] { return cell }
            var labels = Self.bounded(labels)
            if cells[labels] == nil, cells.count >= limit {
                overflow.add(1, ordering: .relaxed)
                guard keepsRest else { return nil }
                labels = [String](repeating: Self.rest, count: labelCount)
            }
            if let cell = cells[labels] { return cell }
            let cell = Cell(initial())
            cells[labels] = cell
            return cell
        }
    }

    private static func bounded(_ labels: [String]) -> [String] {
        guard labels.contains(where: { $0.utf8.count > valueLimit }) else { return labels }
        return labels.map {
            $0.utf8.count > valueLimit ? String(decoding: $0.utf8.prefix(valueLimit), as: UTF8.self) : $0
        }
    }

    func remove(_ labels: [String]) { cells.withLock { _ = $0.removeValue(forKey: Self.bounded(labels)) } }

    func value(_ labels: [String]) -> Value? { cells.withLock { $0[Self.bounded(labels)] }?.current }

    var sorted: [(labels: [String], value: Value)] {
        cells.withLock { $0.map { ($0.key, $0.value.current) } }.sorted { $0.0.lexicographicallyPrecedes($1.0) }
    }
}

/// A number that only grows.
public final class Counter: MetricFamily {
    let name: String
    let help: String
    let labels: [String]
    let type = MetricType.counter
    private let cells: LabelledCells<Double>
    var overflowed: Int { cells.overflowed }

    init(name: String, help: String, labels: [String], limit: Int) {
        self.name = name
        self.help = help
        self.labels = labels
        cells = LabelledCells(labelCount: labels.count, limit: limit, keepsRest: true)
        if labels.isEmpty { increment(by: 0) }
    }

    public func increment(_ labels: [String] = [], by amount: Double = 1) {
        precondition(amount >= 0, "a counter never falls")
        cells.update(labels, initial: 0) { $0 += amount }
    }

    /// One combination of label values, for whoever counts under it often.
    public struct Cell: Sendable {
        fileprivate let cell: LabelledCells<Double>.Cell?

        public func increment(by amount: Double = 1) {
            precondition(amount >= 0, "a counter never falls")
            cell?.update { $0 += amount }
        }
    }

    public func cell(_ labels: [String]) -> Cell { Cell(cell: cells.cell(labels, initial: 0)) }

    public func value(_ labels: [String] = []) -> Double { cells.value(labels) ?? 0 }

    func render(into text: inout String) {
        for cell in cells.sorted {
            text += "\(name)\(MetricText.labels(labels, cell.labels)) \(MetricText.number(cell.value))\n"
        }
    }
}

/// A number that rises and falls.
public final class Gauge: MetricFamily {
    let name: String
    let help: String
    let labels: [String]
    let type = MetricType.gauge
    private let cells: LabelledCells<Double>
    var overflowed: Int { cells.overflowed }

    init(name: String, help: String, labels: [String], limit: Int) {
        self.name = name
        self.help = help
        self.labels = labels
        // A gauge of many things at once would be the last one's.
        cells = LabelledCells(labelCount: labels.count, limit: limit, keepsRest: false)
        if labels.isEmpty { set(0) }
    }

    public func set(_ value: Double, _ labels: [String] = []) { cells.update(labels, initial: 0) { $0 = value } }
    public func add(_ amount: Double, _ labels: [String] = []) { cells.update(labels, initial: 0) { $0 += amount } }
    public func remove(_ labels: [String]) { cells.remove(labels) }
    public func value(_ labels: [String] = []) -> Double { cells.value(labels) ?? 0 }

    func render(into text: inout String) {
        for cell in cells.sorted {
            text += "\(name)\(MetricText.labels(labels, cell.labels)) \(MetricText.number(cell.value))\n"
        }
    }
}

/// How often values fell below each of a few bounds.
public final class Histogram: MetricFamily {
    /// Prometheus' own, in seconds.
    public static let defaultBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    /// `count` bounds from `start`, each `factor` times the one before.
    public static func exponentialBuckets(start: Double, factor: Double, count: Int) -> [Double] {
        var bound = start
        return (0..<count).map { _ in
            defer { bound *= factor }
            return bound
        }
    }

    public static func linearBuckets(start: Double, width: Double, count: Int) -> [Double] {
        (0..<count).map { start + Double($0) * width }
    }

    struct Counts: Sendable {
        var counts: [UInt64]
        var sum = 0.0
        var count: UInt64 = 0

        init(_ buckets: [Double]) { counts = [UInt64](repeating: 0, count: buckets.count) }

        mutating func observe(_ value: Double, _ buckets: [Double]) {
            if let bucket = buckets.firstIndex(where: { value <= $0 }) { counts[bucket] += 1 }
            sum += value
            count += 1
        }
    }

    /// One combination of label values, for whoever observes under it often.
    public struct Cell: Sendable {
        fileprivate let cell: LabelledCells<Counts>.Cell?
        fileprivate let buckets: [Double]

        /// Observes a duration in seconds.
        public func observe(_ duration: Duration) {
            cell?.update { $0.observe(duration / .seconds(1), buckets) }
        }
    }

    let name: String
    let help: String
    let labels: [String]
    let buckets: [Double]
    let type = MetricType.histogram
    private let cells: LabelledCells<Counts>
    var overflowed: Int { cells.overflowed }

    init(name: String, help: String, labels: [String], buckets: [Double], limit: Int) {
        self.name = name
        self.help = help
        self.labels = labels
        self.buckets = buckets.sorted()
        cells = LabelledCells(labelCount: labels.count, limit: limit, keepsRest: true)
        if labels.isEmpty {
            cells.update([], initial: Counts(buckets)) { _ in }
        }
    }

    public func observe(_ value: Double, _ labels: [String] = []) {
        cells.update(labels, initial: Counts(buckets)) { $0.observe(value, buckets) }
    }

    public func cell(_ labels: [String]) -> Cell {
        Cell(cell: cells.cell(labels, initial: Counts(buckets)), buckets: buckets)
    }

    /// Observes a duration in seconds.
    public func observe(_ duration: Duration, _ labels: [String] = []) {
        observe(duration / .seconds(1), labels)
    }

    public func count(_ labels: [String] = []) -> UInt64 { cells.value(labels)?.count ?? 0 }

    func render(into text: inout String) {
        for cell in cells.sorted {
            var running: UInt64 = 0
            for (bound, count) in zip(buckets, cell.value.counts) {
                running += count
                let shown = MetricText.labels(labels, cell.labels, adding: ("le", MetricText.number(bound)))
                text += "\(name)_bucket\(shown) \(running)\n"
            }
            let plain = MetricText.labels(labels, cell.labels)
            text +=
                "\(name)_bucket\(MetricText.labels(labels, cell.labels, adding: ("le", "+Inf"))) \(cell.value.count)\n"
            text += "\(name)_sum\(plain) \(MetricText.number(cell.value.sum))\n"
            text += "\(name)_count\(plain) \(cell.value.count)\n"
        }
    }
}
