// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@testable import Images

@Suite struct ImageReferenceTests {
    static let hex = String(repeating: "ab", count: 32)

    @Test(arguments: [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("swiftlet/hello:1", "docker.io/swiftlet/hello:1"),
        ("localhost/a", "localhost/a:latest"),
        ("localhost:5000/a/b:x", "localhost:5000/a/b:x"),
        ("registry.k8s.io/pause:3.10.2", "registry.k8s.io/pause:3.10.2"),
        ("index.docker.io/busybox", "docker.io/library/busybox:latest"),
        ("[::1]:5000/a:b", "[::1]:5000/a:b"),
        ("nginx@sha256:\(hex)", "docker.io/library/nginx@sha256:\(hex)"),
        ("nginx:1@sha256:\(hex)", "docker.io/library/nginx:1@sha256:\(hex)"),
        ("a.b/c__d/e-_f", ""), ("UPPER/case", "UPPER/case:latest"), ("", ""), ("a:", ""), ("a@sha256:12", ""),
        ("a/../b", ""),
        ("-a/b", ""), ("a//b", ""), (":x", ""),
    ])
    func `names become whole or are refused`(name: String, whole: String) {
        let result = (try? ImageReference(name)).map { "\($0)" } ?? ""
        #expect(result == whole)
    }

    @Test func `a digest is checked before it may name a file`() {
        #expect(ImageDigest("sha256:\(Self.hex)") != nil)
        #expect(ImageDigest("sha256:\(Self.hex.uppercased())") == nil)
        #expect(ImageDigest("sha256:../../\(Self.hex.dropFirst(6))") == nil)
        #expect(ImageDigest("md5:\(Self.hex)") == nil)
    }

    @Test(
        arguments: [
            ("a/b", "a/b"), ("./a/./b/", "a/b"), ("/a", "a"), ("a/../b", "b"), (".", "."), ("..", nil),
            ("a/../../b", nil),
        ] as [(String, String?)])
    func `paths of entries are cleaned and kept inside`(path: String, cleaned: String?) {
        #expect(LayerPath(path.utf8).map { "\($0)" } == cleaned)
    }

    @Test func `whiteouts are told from files`() {
        #expect(Whiteout(Array(".wh.gone".utf8)) == .file(Array("gone".utf8)))
        #expect(Whiteout(Array(".wh..wh..opq".utf8)) == .opaqueDirectory)
        #expect(Whiteout(Array(".wh..wh.aufs".utf8)) == .ignored)
        #expect(Whiteout(Array("where".utf8)) == nil)
    }

    @Test(arguments: [
        (
            #"Bearer realm="https://a/token",service="r",scope="repository:x:pull,push""#,
            AuthChallenge.bearer(realm: "https://a/token", service: "r", scope: "repository:x:pull,push")
        ),
        (#"Basic realm="x""#, .basic),
        (#"bearer realm=https://a/t"#, .bearer(realm: "https://a/t", service: nil, scope: nil)),
    ])
    func `challenges are read`(header: String, challenge: AuthChallenge) {
        #expect(AuthChallenge(["WWW-Authenticate": header]) == challenge)
    }

    @Test func `a keyring finds the closest entry`() throws {
        var ring = RegistryKeyring()
        let auth =
            #"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"},"r.io/team":{"username":"t","password":"q"},"#
            + #""r.io":{"username":"all","password":"q"},"*.example.com":{"auth":"dTpw"}}}"#
        try ring.add(dockerConfig: Array(auth.utf8), source: "test")
        #expect(ring.credentials(for: try ImageReference("r.io/team/x")).map(\.username) == ["t", "all"])
        #expect(ring.credentials(for: try ImageReference("r.io/teams/x")).map(\.username) == ["all"])
        #expect(ring.credentials(for: try ImageReference("nginx")).map(\.password) == ["p"])
        #expect(ring.credentials(for: try ImageReference("a.example.com/x")).count == 1)
        #expect(!"\(ring.credentials(for: try ImageReference("r.io/team/x")))".contains("q\""))
    }
}
