// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI
internal import Schema
internal import Store
internal import Telemetry

/// Which revisions are how old, told from a few of them: what was written up to a revision is at least as old as that.
struct RevisionAges: Sendable {
    /// In the order of both.
    private var marks: [(revision: Int64, seconds: Int64)] = []

    /// Notes that nothing up to `revision` was written after `seconds`. In the order of revisions; a time before that
    /// of an earlier revision was told by a clock that was wrong then.
    mutating func note(_ revision: Int64, at seconds: Int64) {
        while let last = marks.last, last.seconds > seconds { marks.removeLast() }
        if let last = marks.last, last.revision >= revision || last.seconds == seconds {
            if last.revision < revision { marks[marks.count - 1].revision = revision }
            return
        }
        marks.append((revision, seconds))
    }

    /// The newest revision that was written at `seconds` or before, as far as is known. Later calls ask for later ones.
    mutating func newest(at seconds: Int64) -> Int64? {
        guard let index = marks.lastIndex(where: { $0.seconds <= seconds }) else { return nil }
        marks.removeFirst(index)
        return marks[0].revision
    }

    var count: Int { marks.count }
}

/// Deletes Events some time after they were last written, as the leases of etcd do it upstream. Nothing is kept for
/// each: their revisions say how old they are, and after a restart the times at which others were made.
struct EventExpiry: Sendable {
    let storage: ObjectStorage
    let events: ResourceKind
    let logger: Logger

    /// How often it looks, in seconds.
    private static let interval: Int64 = 10
    /// Deletions at the same time: as many as one transaction of the store takes well.
    private static let width = 64

    /// Works until cancelled.
    func run(lifetime: Int64) async {
        var ages = known(now: WallClock.seconds())
        while !Task.isCancelled {
            let revision = storage.store.currentRevision
            let now = WallClock.seconds()
            ages.note(revision, at: now)
            if let revision = ages.newest(at: now - lifetime) { await expire(through: revision) }
            let pause = min(Self.interval, max(1, lifetime / 2))
            do { try await AsyncIO.sleep(for: .seconds(pause)) } catch { return }
        }
    }

    /// What the Events there are say of the age of revisions: the server itself wrote when each was made.
    func known(now: Int64) -> RevisionAges {
        var ages = RevisionAges()
        for stored in storage.all(events).sorted(by: { $0.created < $1.created }) {
            // One that cannot be read says nothing; `all` has left it out.
            guard let object = try? APIObject(stored), let made = WallClock.parse(object.creationTimestamp) else {
                continue
            }
            ages.note(stored.created, at: min(made, now))
        }
        return ages
    }

    /// Deletes the Events that were not written since `revision`.
    func expire(through revision: Int64) async {
        let all = storage.store.current(prefix: ObjectStorage.prefix(events))
        let old = all.filter { $0.revision <= revision }
        for start in stride(from: 0, to: old.count, by: Self.width) {
            if Task.isCancelled { return }
            await withTaskGroup(of: Void.self) { group in
                for stored in old[start..<min(start + Self.width, old.count)] {
                    group.addTask { await remove(stored) }
                }
            }
        }
    }

    private func remove(_ stored: StoredObject) async {
        do throws(APIError) {
            // As it is, whatever finalizers say: so does the end of a lease. One written again meanwhile stays.
            _ = try await storage.remove(unreadable: stored, events, by: .server)
        } catch  where error.code == 404 {
            // Somebody else deleted it.
        } catch {
            logger.warning("delete an Event that is over", ["key": stored.key, "error": error.message])
        }
    }
}
