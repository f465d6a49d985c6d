// SPDX-License-Identifier: Apache-2.0

internal import Text

/// Names that rights are given to are the same when their bytes are.
extension [String] {
    func containsExactly(_ text: String) -> Bool { contains { $0.isExactly(text) } }

    func isExactly(_ other: [String]) -> Bool {
        count == other.count && zip(self, other).allSatisfy { $0.isExactly($1) }
    }
}

/// A text that is the same as another when its bytes are.
private struct ExactKey: Hashable {
    let text: String
    static func == (one: Self, other: Self) -> Bool { one.text.isExactly(other.text) }
    func hash(into hasher: inout Hasher) { text.hashBytes(into: &hasher) }
}

/// Texts that are looked for among each other by their bytes, in the same time however many they are.
struct ExactTexts: Sendable {
    private let few: [String]
    private let many: Set<ExactKey>

    init(_ texts: [String]) {
        // Of a few, to compare each takes less than to hash one.
        let isFew = texts.count <= 8
        few = isFew ? texts : []
        many = isFew ? [] : Set(texts.map(ExactKey.init))
    }

    var isEmpty: Bool { few.isEmpty && many.isEmpty }

    func contains(_ text: String) -> Bool {
        if many.isEmpty { return few.containsExactly(text) }
        return many.contains(ExactKey(text: text))
    }
}

/// Values by texts that are the same when their bytes are.
struct ExactDictionary<Value: Sendable>: Sendable {
    private var values: [ExactKey: Value] = [:]

    subscript(text: String) -> Value? {
        get { values[ExactKey(text: text)] }
        set { values[ExactKey(text: text)] = newValue }
    }

    subscript(text: String, default value: @autoclosure () -> Value) -> Value {
        get { values[ExactKey(text: text), default: value()] }
        _modify { yield &values[ExactKey(text: text), default: value()] }
    }
}
