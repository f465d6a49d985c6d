// SPDX-License-Identifier: Apache-2.0

internal import TLS

/// Both the API's values and the tokens' encodings come with one; this module means the tokens'.
typealias Base64 = TLS.Base64
