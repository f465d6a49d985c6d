// SPDX-License-Identifier: Apache-2.0

/// What `#require` is for copyable values: the value, or a failed test.
func owned<Value: ~Copyable>(_ value: consuming Value?) throws -> Value {
    guard let value else { throw Missing() }
    return value
}

/// A value that should have been there was not.
struct Missing: Error {}
