// SPDX-License-Identifier: Apache-2.0

internal import Schema
internal import Synchronization
internal import Telemetry

/// Counts requests under their labels. Each kind of request looks for its cells once.
final class RequestMeter: Sendable {
    private struct Key: Hashable {
        let verb: String
        let resource: ObjectIdentifier?
        let subresource: String
        let status: Int
        let isLongRunning: Bool
    }

    private struct Cells: Sendable {
        /// Kept, so that no other comes to be where it is.
        let resource: ResourceKind?
        let count: Counter.Cell
        /// nil for what lasts as long as its client likes.
        let duration: Histogram.Cell?
    }

    private let metrics: ServerMetrics
    private let known = Mutex<[Key: Cells]>([:])
    private static let limit = 4_096

    init(_ metrics: ServerMetrics) { self.metrics = metrics }

    func record(_ request: ParsedRequest, _ status: Int, _ duration: Duration) {
        let labels = RequestLabels(request)
        let key = Key(
            verb: labels.verb, resource: labels.kind.map(ObjectIdentifier.init), subresource: labels.subresource,
            status: status, isLongRunning: request.info.isLongRunning)
        let cells = known.withLock { known in
            if let cells = known[key] { return cells }
            // What definitions brought may be gone.
            if known.count >= Self.limit { known = [:] }
            let cells = lookUp(labels, key)
            known[key] = cells
            return cells
        }
        cells.count.increment()
        cells.duration?.observe(duration)
    }

    private func lookUp(_ labels: RequestLabels, _ key: Key) -> Cells {
        let (group, version) = (labels.kind?.group ?? "", labels.kind?.version ?? "")
        let resource = labels.kind?.plural ?? ""
        let duration = key.isLongRunning ? nil : metrics.durations.cell([labels.verb, group, resource])
        return Cells(
            resource: labels.kind,
            count: metrics.requests.cell([
                labels.verb, group, version, resource, labels.subresource, String(key.status),
            ]), duration: duration)
    }
}
