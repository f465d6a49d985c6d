// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI

/// Amounts of resources as whole numbers; text that is no quantity is nil.
enum Quantities {
    static func value(_ text: String?) -> Int64? { text.flatMap { Quantity($0)?.value } }
    static func milli(_ text: String?) -> Int64? { text.flatMap { Quantity($0)?.milliValue } }
}
