// SPDX-License-Identifier: Apache-2.0

internal import Netlink

// KubeAPI has a kind of this name; here an address is always the number on the wire.
typealias IPAddress = Netlink.IPAddress
