// SPDX-License-Identifier: Apache-2.0

import Testing
import Text

@Suite struct `Text by its bytes` {
    /// The second is another spelling of the first to Unicode, and so to Swift's `==`.
    private static let spellings = [("K", "\u{212A}"), (";", "\u{37E}"), ("\u{E5}", "\u{212B}".lowercased())]

    @Test func `is the same only when each byte is`() {
        #expect("system:masters".isExactly("system:masters"))
        #expect("".isExactly(""))
        #expect(!"system:masters".isExactly("system:master"))
        #expect(!"system:masters".isExactly("system:mastert"))
        for (one, other) in Self.spellings where Array(one.utf8) != Array(other.utf8) {
            #expect(one == other)
            #expect(!one.isExactly(other), "\(one)")
        }
    }

    @Test func `begins with what its first bytes are`() {
        #expect("system:node:a".hasExactPrefix("system:node:"))
        #expect("system:node:".hasExactPrefix("system:node:"))
        #expect("a".hasExactPrefix(""))
        #expect(!"system:node".hasExactPrefix("system:node:"))
        #expect(!"system:nodes:".hasExactPrefix("system:node:"))
        #expect(!"\u{212A}ey".hasExactPrefix("K"))
        // A first byte alone is a prefix of bytes, and none of text: a combining mark changes the letter before it.
        #expect("e\u{301}".hasExactPrefix("e"))
    }
}
