// SPDX-License-Identifier: Apache-2.0

/// What waits, by whose it is, in an order by which every client has the same share of the time: next is what waits
/// longest of the client that has had least. A value; what something took is told afterwards.
///
/// Who has not been there for a while begins where the others are, and has saved nothing up.
struct ClientTurns<Item: Sendable>: Sendable {
    typealias Client = [UInt8]

    private struct Queue {
        var items: [Item] = []
        var first = 0
        /// The time the client has had, as the others count it.
        var used: Int64
        var isListed = false

        var count: Int { items.count - first }
    }

    private let limit: Int
    private var clients: [Client: Queue] = [:]
    /// A heap of the clients that have something waiting, by what they had when they came in.
    private var heap: [(used: Int64, client: Client)] = []
    private(set) var count = 0
    /// Where the client is that was served last.
    private var now: Int64 = 0

    /// - Parameter limit: How many wait at most; no client has more of these places than are free besides.
    init(limit: Int) { self.limit = limit }

    /// False, and the item is not taken, when the client has its part waiting already.
    mutating func add(_ item: Item, of client: Client) -> Bool {
        var queue = clients[client] ?? Queue(used: now)
        guard queue.count < limit - count else { return false }
        clients[client] = nil
        queue.items.append(item)
        count += 1
        queue.used = max(queue.used, now)
        if !queue.isListed {
            queue.isListed = true
            push((queue.used, client))
        }
        clients[client] = queue
        return true
    }

    /// The next item; its client waits until it is told what it took.
    mutating func next() -> (item: Item, client: Client)? {
        guard let (used, client) = pop(), var queue = clients.removeValue(forKey: client) else { return nil }
        now = max(now, used)
        let item = queue.items[queue.first]
        queue.first += 1
        count -= 1
        if queue.first == queue.items.count {
            queue.items = []
            queue.first = 0
        } else if queue.first > 32, queue.first * 2 > queue.items.count {
            queue.items.removeFirst(queue.first)
            queue.first = 0
        }
        queue.isListed = false
        clients[client] = queue
        return (item, client)
    }

    /// Notes what the last item of `client` took, in nanoseconds.
    mutating func charge(_ client: Client, _ nanoseconds: Int64) {
        guard var queue = clients.removeValue(forKey: client) else { return }
        queue.used += max(nanoseconds, 1)
        if queue.count > 0, !queue.isListed {
            queue.isListed = true
            push((queue.used, client))
        }
        clients[client] = queue
        if clients.count > limit { forget() }
    }

    /// Whoever is not ahead of the others begins as if never seen, and need not be remembered. Those that are ahead are
    /// few, since what they had they took from the same time.
    private mutating func forget() {
        let now = now
        clients = clients.filter { $0.value.count > 0 || $0.value.used > now }
        guard clients.count > limit else { return }
        clients = clients.filter { $0.value.count > 0 }
    }

    // MARK: The heap

    private mutating func push(_ entry: (used: Int64, client: Client)) {
        heap.append(entry)
        var index = heap.count - 1
        while index > 0, heap[(index - 1) / 2].used > heap[index].used {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private mutating func pop() -> (used: Int64, client: Client)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && heap[child].used < heap[least].used
            {
                least = child
            }
            guard least != index else { return first }
            heap.swapAt(index, least)
            index = least
        }
    }
}
