// SPDX-License-Identifier: Apache-2.0

internal import Schema

/// The complaints about one object, as many as somebody reads: a body of three megabytes could earn a million, each with the
/// list that it is about.
struct Complaints {
    static let maximumCount = 1000
    /// Of all messages together, in bytes.
    static let maximumText = 256 * 1024

    private var kept: [FieldError] = []
    private var text = 0
    /// All there were, those left out among them.
    private(set) var count = 0

    mutating func append(_ error: FieldError) {
        count += 1
        guard kept.count < Self.maximumCount, text < Self.maximumText else { return }
        text += error.path.utf8.count + (error.value?.utf8.count ?? 0) + error.detail.utf8.count
        kept.append(error)
    }

    static func += (complaints: inout Complaints, errors: some Sequence<FieldError>) {
        for error in errors { complaints.append(error) }
    }

    /// Forgets those after the first `count`.
    mutating func forget(after count: Int) {
        self.count = min(self.count, count)
        kept = Array(kept.prefix(count))
    }

    /// What is said of the object.
    var all: [FieldError] {
        guard count > kept.count else { return kept }
        return kept + [.forbidden(.root, "\(count - kept.count) more errors are left out")]
    }
}
