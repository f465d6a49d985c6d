// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Linux

/// An address that the server may connect to on somebody's behalf. What it proxies to is named by objects which users,
/// nodes and controllers write, and the server stands where those do not: beside the loopback of its machine, and the
/// secrets that clouds give out on the link. There is no other way to an address than past this check, which sees what
/// is connected to: names are resolved before, once.
struct DialableAddress: Hashable, Sendable {
    let address: SocketAddress

    /// Whose address it is said to be.
    enum Purpose: Sendable, Equatable {
        /// A pod's. One that does not share the network of its node is never on the server's machine itself: its
        /// processes alone have its address.
        case pod(sharesHostNetwork: Bool)
        /// A node's, on a port of the caller's choice.
        case node
        /// A kubelet's, which has to prove that it is that. On a machine without any network, nodes are on its loopback.
        case kubelet(mayBeLoopback: Bool)
    }

    /// Whether an address that reaches so far may be connected to; `isOwn` says that it is one of this machine's.
    static func allows(_ reach: AddressReach?, isOwn: Bool, for purpose: Purpose) -> Bool {
        switch (reach, purpose) {
        case (.global, .pod(let sharesHostNetwork)): sharesHostNetwork || !isOwn
        case (.global, .node), (.global, .kubelet): true
        case (.loopback, .kubelet(let mayBeLoopback)): mayBeLoopback
        default: false
        }
    }

    /// `address`, unless it may not be connected to.
    init(_ address: SocketAddress, for purpose: Purpose) throws(APIError) {
        let plain = address.unmapped
        guard Self.allows(plain.reach, isOwn: Self.isOwn(plain), for: purpose) else {
            throw .badRequest("address not allowed")
        }
        self.address = plain
    }

    /// An address in text. A name is none: pods have addresses.
    init(literal: String, port: UInt16, for purpose: Purpose) throws(APIError) {
        guard let address = SocketAddress(host: literal, port: port) else {
            throw .badRequest("address not allowed")
        }
        try self.init(address, for: purpose)
    }

    /// The first address of a host. As upstream, none of them may be one that is not allowed.
    static func resolve(_ host: String, port: UInt16, for purpose: Purpose) async throws(APIError) -> DialableAddress {
        let found: [SocketAddress]
        do {
            // Whoever says where a node is may name what nobody resolves: that holds up this name alone.
            found = try await Resolver.$asker.withValue(host) { try await Resolver.resolve(host, port: port) }
        } catch { throw .badRequest("\(error)") }
        var allowed: [DialableAddress] = []
        for address in found { allowed.append(try DialableAddress(address, for: purpose)) }
        guard let first = allowed.first else { throw .badRequest("no addresses for hostname") }
        return first
    }

    /// Whether the kernel delivers to this machine: then it sends from the address it sends to. Connecting a datagram
    /// socket asks it that, and sends nothing.
    private static func isOwn(_ address: SocketAddress) -> Bool {
        guard case let probe = address.with(port: 9),
            let socket = try? Socket.connected(to: probe, kind: .datagram), let local = try? socket.localAddress()
        else { return false }  // No way there: connecting will say why.
        return local.unmapped.host == address.host
    }
}
