// SPDX-License-Identifier: Apache-2.0

// The declarations of HTTP speak of ByteStream, SocketAddress and PeerCertificate on every page: who imports HTTP has
// them too.
@_exported public import AsyncIO
@_exported public import TLS
