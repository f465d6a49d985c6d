// SPDX-License-Identifier: Apache-2.0

/// How many levels of objects and lists there may be in one value. Values are parsed, compared, encoded and released by
/// recursion: depth is stack. Each bound leaves room for what the next one wraps around.
public enum JSONDepth {
    /// An object that is stored. Lists, watch events and tables put it up to five levels deeper; the history of a workload
    /// holds a part of it.
    public static let stored = 480
    /// What a reader takes that is told nothing else: request bodies, and objects that earlier versions stored.
    public static let read = 512
    /// An answer of an API server, which holds such an object.
    public static let answer = 544
}

extension JSONValue {
    /// How many levels of objects and lists there are: 0 for a string, 1 for `{}`. `visit` is called for every value and
    /// may stop the count by throwing.
    public func depth<Failure: Error>(visit: () throws(Failure) -> Void) throws(Failure) -> Int {
        try visit()
        var deepest = 0
        switch self {
        case .array(let items):
            for item in items { deepest = max(deepest, try item.depth(visit: visit)) }
            return deepest + 1
        case .object(let object):
            for entry in object.entries where entry.live {
                deepest = max(deepest, try entry.value.depth(visit: visit))
            }
            return deepest + 1
        default: return 0
        }
    }

    /// The same, however long it takes.
    public var depth: Int { depth { () throws(Never) in } }
}
