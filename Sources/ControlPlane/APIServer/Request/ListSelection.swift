// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI

/// Which objects of a collection a request is about: its selectors, parsed once. Authorizers decide by the same values
/// that choose the objects.
struct ListSelection: Sendable, Hashable {
    var labels = LabelSelector.everything
    var fields = FieldSelector.everything

    static let everything = ListSelection()

    init() {}

    init(_ query: RequestQuery) throws(APIError) {
        if let text = query["labelSelector"], !text.isEmpty {
            do throws(LabelSelectorError) { labels = try LabelSelector(parsing: text) } catch {
                throw .badRequest("unable to parse requirement: \(error)")
            }
        }
        if let text = query["fieldSelector"], !text.isEmpty {
            do throws(FieldSelectorError) { fields = try FieldSelector(parsing: text) } catch {
                throw .badRequest("\(error)")
            }
        }
    }
}
