// SPDX-License-Identifier: Apache-2.0

/// Things that wait in lines, one line after the other: who has many waiting keeps no other waiting. What has been taken
/// is out until it is given back.
struct Turns<Element> {
    fileprivate struct Line {
        var elements: [Element] = []
        var head = 0
        /// How many have been taken and not given back.
        var out = 0
        /// Whether it is in `order`.
        var isInOrder = false
    }

    /// How many of one line are out at a time. To be set before any is.
    var limit = Int.max
    private var lines: [String: Line] = [:]
    /// The lines from which something may be taken, in the order of their turns.
    private var order: [String] = []
    private var head = 0
    /// How many wait.
    private(set) var count = 0

    mutating func push(_ element: Element, _ line: String) {
        lines[line, default: Line()].elements.append(element)
        count += 1
        addToOrder(line)
    }

    /// The first of the line whose turn it is; nil when nothing may be taken.
    mutating func pop() -> (element: Element, line: String)? {
        guard head < order.count else { return nil }
        let name = order[head]
        head += 1
        // Amortised: the front is cut when it is as long as the rest.
        if head > 64, head * 2 > order.count {
            order.removeFirst(head)
            head = 0
        }
        guard let index = lines.index(forKey: name) else { preconditionFailure("a turn of a line that is not there") }
        lines.values[index].isInOrder = false
        let element = lines.values[index].take()
        count -= 1
        addToOrder(name)
        return (element, name)
    }

    /// Ends what was taken of a line.
    mutating func giveBack(_ line: String) {
        guard let index = lines.index(forKey: line) else { return }
        lines.values[index].out -= 1
        if lines.values[index].isEmpty, lines.values[index].out == 0 {
            lines.remove(at: index)
        } else {
            addToOrder(line)
        }
    }

    private mutating func addToOrder(_ name: String) {
        guard let index = lines.index(forKey: name), case let line = lines.values[index],
            !line.isInOrder, !line.isEmpty, line.out < limit
        else { return }
        lines.values[index].isInOrder = true
        order.append(name)
    }
}

extension Turns.Line {
    fileprivate var isEmpty: Bool { head == elements.count }

    fileprivate mutating func take() -> Element {
        let element = elements[head]
        head += 1
        out += 1
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
