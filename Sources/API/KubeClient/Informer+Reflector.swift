// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Telemetry

/// List and watch, and what to do when either fails.
extension Informer {
    /// Keeps the cache current until cancelled. Errors are logged and retried with back-off.
    public func run() async {
        var backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(30))
        var streaming = true
        var version: String?
        while !Task.isCancelled {
            do {
                if let from = version {
                    version = try await follow(from: from, backoff: &backoff)
                    continue
                }
                if streaming {
                    do {
                        version = try await streamList(backoff: &backoff)
                        continue
                    } catch let error as StatusError where Self.refusesStreaming(error) {
                        // Servers without WatchList refuse the parameter; the plain list works on all.
                        streaming = false
                    }
                }
                version = try await plainList()
                backoff.reset()
            } catch let error as StatusError where error.isExpired {
                version = nil
                guard await pause(&backoff) else { return }
            } catch {
                if Task.isCancelled { return }
                logger?.warning(
                    "informer: list and watch failed, retrying", ["resource": resource.plural, "error": "\(error)"])
                guard await pause(&backoff) else { return }
            }
        }
    }

    private static func refusesStreaming(_ error: StatusError) -> Bool {
        [400, 405, 406, 415, 422].contains(error.code)
    }

    /// A list in one answer; returns its version.
    private func plainList() async throws -> String {
        var options = ListOptions(labelSelector: labelSelector, fieldSelector: fieldSelector)
        options.limit = 500
        var items: [T] = []
        while true {
            let page = try await client.list(resource, namespace: namespace, options: options)
            items.append(contentsOf: page.items.map { transformed(T(json: $0)) })
            if page.continueToken.isEmpty {
                replace(with: items, version: page.resourceVersion)
                return page.resourceVersion
            }
            options.continueToken = page.continueToken
        }
    }

    /// A list streamed as a watch, then that watch to its end; returns the version to go on from.
    private func streamList(backoff: inout Backoff) async throws -> String {
        var options = watchOptions(from: "")
        options.sendInitialEvents = true
        options.resourceVersionMatch = "NotOlderThan"
        let stream = try await client.watch(resource, namespace: namespace, options: options)
        var initial: [ObjectKey: T] = [:]
        var version: String?
        for try await event in stream {
            guard let current = version else {
                switch event {
                case .added(let object), .modified(let object):
                    initial[object.objectKey] = transformed(T(json: object))
                case .deleted(let object): initial.removeValue(forKey: object.objectKey)
                case .bookmark(let reached, true):
                    replace(with: Array(initial.values), version: reached)
                    initial = [:]
                    version = reached
                    backoff.reset()
                case .bookmark: break
                }
                continue
            }
            version = apply(event, after: current)
        }
        guard let version else {
            throw StatusError(
                code: 500, reason: "InternalError",
                message: "watch \(resource.plural): the stream ended before its initial events were complete")
        }
        return version
    }

    /// A watch from a version to its end; returns the version to go on from. Failures other than 410 keep the version.
    private func follow(from start: String, backoff: inout Backoff) async throws -> String {
        var version = start
        let opened = ContinuousClock.now
        var received = false
        do {
            let stream = try await client.watch(resource, namespace: namespace, options: watchOptions(from: start))
            for try await event in stream {
                version = apply(event, after: version)
                received = true
            }
        } catch let error as StatusError where error.isExpired {
            throw error
        } catch {
            if Task.isCancelled { return version }
            logger?.debug("informer: watch failed, resuming", ["resource": resource.plural, "error": "\(error)"])
            guard await pause(&backoff) else { throw CancellationError() }
            return version
        }
        if received || opened.duration(to: .now) > .seconds(1) {
            backoff.reset()
        } else {
            // A server that closes watches at once must not be asked in a tight loop.
            guard await pause(&backoff) else { throw CancellationError() }
        }
        return version
    }

    private func watchOptions(from version: String) -> ListOptions {
        var options = ListOptions(labelSelector: labelSelector, fieldSelector: fieldSelector)
        if !version.isEmpty { options.resourceVersion = version }
        options.allowWatchBookmarks = true
        // Spread over five to ten minutes, so that watches opened together do not end together.
        options.timeoutSeconds = Int.random(in: 300..<600)
        return options
    }

    private func apply(_ event: WatchEvent<JSONObject>, after version: String) -> String {
        switch event {
        case .added(let object), .modified(let object):
            store(T(json: object))
            return object.objectResourceVersion
        case .deleted(let object):
            remove(T(json: object))
            return object.objectResourceVersion
        case .bookmark(let reached, _):
            note(version: reached)
            return reached.isEmpty ? version : reached
        }
    }

    /// False when the task was cancelled meanwhile.
    private func pause(_ backoff: inout Backoff) async -> Bool {
        do { try await Task.sleep(for: backoff.next()) } catch { return false }
        return true
    }
}
