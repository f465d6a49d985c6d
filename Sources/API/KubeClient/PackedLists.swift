// SPDX-License-Identifier: Apache-2.0

internal import JSON
public import KubeAPI

/// Long lists of cached objects, kept as text: read, one of 20,000 ports takes some ten times the memory of its text, and
/// several components keep it.
extension KubeView {
    /// Lists that are not longer stay as they are: they cost little, and no time to unpack.
    private static var packingLimit: Int { 128 }

    /// The object with a long list at `path` as its JSON text, for a cache: see `unpacked`.
    public func packed(_ path: String...) -> Self {
        guard let list = json.value(at: path)?.array, list.count > Self.packingLimit else { return self }
        var copy = self
        let text = String(decoding: JSONValue.array(list).encoded(), as: UTF8.self)
        copy.json.set(path[...], .string(text))
        return copy
    }

    /// The object with the list at `path` as it was before `packed`.
    public func unpacked(_ path: String...) -> Self {
        // No list is a string; what `packed` has written is JSON.
        guard let text = json.value(at: path)?.string, let list = try? JSONValue.parse(text) else { return self }
        var copy = self
        copy.json.set(path[...], list)
        return copy
    }
}
