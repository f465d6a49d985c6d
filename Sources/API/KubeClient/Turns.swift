// SPDX-License-Identifier: Apache-2.0

/// Things that wait in lines, one line after the other: who has many waiting keeps no other waiting.
struct Turns<Element> {
    fileprivate struct Line {
        var elements: [Element] = []
        var head = 0
    }

    private var lines: [String: Line] = [:]
    /// The lines that are not empty, in the order of their turns.
    private var order: [String] = []
    private var head = 0
    private(set) var count = 0

    mutating func push(_ element: Element, _ line: String) {
        if lines[line] == nil { order.append(line) }
        lines[line, default: Line()].elements.append(element)
        count += 1
    }

    /// The first of the line whose turn it is.
    mutating func pop() -> Element? {
        guard head < order.count else { return nil }
        let name = order[head]
        head += 1
        // Amortised: the front is cut when it is as long as the rest.
        if head > 64, head * 2 > order.count {
            order.removeFirst(head)
            head = 0
        }
        guard let index = lines.index(forKey: name) else { return nil }
        let element = lines.values[index].take()
        if lines.values[index].isEmpty { lines.remove(at: index) } else { order.append(name) }
        count -= 1
        return element
    }
}

extension Turns.Line {
    fileprivate var isEmpty: Bool { head == elements.count }

    fileprivate mutating func take() -> Element {
        let element = elements[head]
        head += 1
        if head > 64, head * 2 > elements.count {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }
}

extension WorkQueue where Key == ObjectKey {
    /// A queue of objects in which namespaces take turns.
    public convenience init(baseDelay: Duration = .milliseconds(5), maximumDelay: Duration = .seconds(1000)) {
        self.init(baseDelay: baseDelay, maximumDelay: maximumDelay, turn: \.namespace)
    }
}
