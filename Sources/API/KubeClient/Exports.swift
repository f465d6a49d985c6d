// SPDX-License-Identifier: Apache-2.0

// ResourceID, which every call takes, lives there.
@_exported public import Schema
