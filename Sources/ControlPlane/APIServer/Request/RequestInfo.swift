// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import KubeAPI

/// What a request's path, method and query ask for. One place in memory, however many stages look at it.
final class RequestInfo: Sendable {
    /// False for /healthz, /version, discovery and the like.
    let isResource: Bool
    /// `get list watch create update patch delete deletecollection`, empty for other methods; for paths that are no
    /// resource the method in lower case.
    let verb: String
    let path: String
    let group, version, namespace, resource, name, subresource: String
    /// Whether the path goes on after what it names, or has an empty part: nothing is served there.
    let isBeyond: Bool
    /// The segments after `proxy`, still percent-encoded.
    let proxyPath: String
    /// The one object a list or watch is narrowed to by `fieldSelector=metadata.name=…`. Rights are checked for it as
    /// for a named request, which is how kubelets watch single objects.
    let selectedName: String
    /// What a list, watch or deletecollection chooses by.
    let selection: ListSelection
    /// Why the query cannot be read: the answer to a list by whoever may list at all.
    let selectionError: APIError?
    /// Whether the verb came as the first part of the path: `/api/v1/watch/…`. Rights are not narrowed by selectors then,
    /// as upstream has it.
    let isPrefixed: Bool

    init(method: String, path: RequestPath, query: RequestQuery) {
        let found = RequestReading(method: method, path: path, query: query)
        isResource = found.isResource
        verb = found.verb
        self.path = path.text
        (group, version, namespace) = (found.group, found.version, found.namespace)
        (resource, name, subresource) = (found.resource, found.name, found.subresource)
        isBeyond = found.isBeyond
        proxyPath = found.proxyPath
        selectedName = found.selectedName
        selection = found.selection
        selectionError = found.selectionError
        isPrefixed = found.isPrefixed
    }

    /// Watches, logs and streams last as long as the client wants: no limit on their number or time.
    var isLongRunning: Bool {
        verb == "watch"
            || !subresource.isEmpty && ["proxy", "log", "exec", "attach", "portforward"].contains(subresource)
    }
}

/// Takes a path, a method and a query apart, step by step.
private struct RequestReading {
    var isResource = false
    var verb: String
    var group = ""
    var version = ""
    var namespace = ""
    var resource = ""
    var name = ""
    var subresource = ""
    var isBeyond = false
    var proxyPath = ""
    var selectedName = ""
    var selection = ListSelection.everything
    var selectionError: APIError?
    var isPrefixed = false

    init(method: String, path: RequestPath, query: RequestQuery) {
        verb = method.lowercasedASCII()
        var parts = path.segments[...]
        guard parts.count >= 3 else { return }
        switch parts.removeFirst() {
        case "api": break
        case "apis":
            guard parts.count >= 3 else { return }
            group = parts.removeFirst()
            isBeyond = group.isEmpty
        default: return
        }
        version = parts.removeFirst()
        isBeyond = isBeyond || version.isEmpty
        isResource = true
        if ["watch", "proxy"].contains(parts.first) {
            guard parts.count > 1 else {
                isBeyond = true
                verb = parts[parts.startIndex]
                return
            }
            verb = parts.removeFirst()
            isPrefixed = true
        } else {
            verb = RequestVerb.of(method)
        }
        isBeyond = isBeyond || parts.contains("")
        takeResource(&parts)
        if subresource == "proxy" {
            // What follows is for the proxied server to understand.
            let known = path.segments.count - parts.count + 3
            isBeyond = path.segments.prefix(known).contains("")
            proxyPath = path.rawTail(after: known)
        } else if parts.count > 3 {
            isBeyond = true
        }
        takeCollection(query)
    }

    private mutating func takeResource(_ parts: inout ArraySlice<String>) {
        if parts.first == "namespaces", parts.count > 1 {
            namespace = parts[parts.startIndex + 1]
            let isOwn = parts.count > 2 && ["status", "finalize"].contains(parts[parts.startIndex + 2])
            if parts.count > 2, !isOwn {
                parts.removeFirst(2)
                // A namespace is in no namespace: rights in the first would be used on the second.
                if group.isEmpty, parts.first == "namespaces" { isBeyond = true }
            }
        }
        resource = parts.first ?? ""
        if parts.count > 1 { name = parts[parts.startIndex + 1] }
        if parts.count > 2, verb != "proxy" { subresource = parts[parts.startIndex + 2] }
    }

    /// The verbs for a collection, and what of it is meant.
    private mutating func takeCollection(_ query: RequestQuery) {
        if name.isEmpty, verb == "delete" { verb = "deletecollection" }
        let isRead = name.isEmpty && verb == "get"
        if isRead { verb = query.flag("watch") == true ? "watch" : "list" }
        guard ["list", "watch", "deletecollection"].contains(verb), !query.isEmpty else { return }
        do throws(APIError) {
            selection = try ListSelection(query)
            // A name counts only where the whole query can be read.
            for parameter in ["limit", "timeoutSeconds"] { _ = try query.number(parameter) }
            if isRead, let only = selection.fields.exactValue(of: "metadata.name"), RequestPath.isSegmentName(only) {
                selectedName = only
            }
        } catch {
            selectionError = error
        }
    }
}
