// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Kubelet

@Suite struct `A request to the kubelet` {
    @Test(arguments: [
        ("GET", "/pods", "get", ["pods", "proxy"]), ("GET", "/pods/", "get", ["pods", "proxy"]),
        ("GET", "/runningpods/", "get", ["pods", "proxy"]), ("GET", "/healthz", "get", ["healthz", "proxy"]),
        ("GET", "/healthz/syncloop", "get", ["healthz", "proxy"]), ("GET", "/configz", "get", ["configz", "proxy"]),
        ("GET", "/metrics", "get", ["metrics"]), ("GET", "/metrics/cadvisor", "get", ["metrics"]),
        ("HEAD", "/metrics", "get", ["metrics"]), ("GET", "/stats/summary", "get", ["stats"]),
        ("GET", "/logs/syslog", "get", ["log"]), ("POST", "/checkpoint/a/b/c", "create", ["checkpoint"]),
        ("GET", "/statusz", "get", ["statusz"]), ("GET", "/flagz", "get", ["configz"]),
        ("GET", "/containerLogs/a/b/c", "get", ["proxy"]), ("GET", "/spec/", "get", ["proxy"]),
        ("GET", "/debug/pprof/profile", "get", ["proxy"]), ("GET", "/", "get", ["proxy"]),
        ("DELETE", "/pods", "delete", ["pods", "proxy"]), ("PUT", "/pods", "update", ["pods", "proxy"]),
        ("PATCH", "/pods", "patch", ["pods", "proxy"]), ("OPTIONS", "/pods", "", ["pods", "proxy"]),
        // By a WebSocket a GET runs commands: it takes what running commands takes.
        ("POST", "/exec/a/b/c", "create", ["proxy"]), ("GET", "/exec/a/b/c", "create", ["proxy"]),
        ("GET", "/attach/a/b/c", "create", ["proxy"]), ("GET", "/run/a/b/c", "create", ["proxy"]),
        ("GET", "/portForward/a/b", "create", ["proxy"]),
        // The same, written otherwise.
        ("GET", "//exec/a/b/c", "create", ["proxy"]), ("GET", "/%65xec/a/b/c", "create", ["proxy"]),
        ("GET", "/%6detrics", "get", ["metrics"]), ("GET", "//metrics", "get", ["metrics"]),
    ])
    func `takes the right to what it does`(_ method: String, _ path: String, _ verb: String, _ resources: [String]) {
        let route = KubeletRoute(method: method, rawPath: path)
        #expect(route.verb == verb)
        #expect(route.subresources == resources)
    }

    @Test(arguments: [
        "/metrics/../exec/a/b/c", "/metrics/%2e%2e/exec/a/b/c", "/healthz/./x", "/metrics%2fcadvisor", "/stats/%00",
        "/healthz%2f..%2fpods", "/metrics\\..\\pods", "/pods/%5c",
    ])
    func `by a path that can be read in two ways is for nothing`(_ path: String) {
        let route = KubeletRoute(method: "GET", rawPath: path)
        #expect(route.segments.isEmpty && !route.isHealth)
        #expect(route.subresources == ["proxy"])
    }

    @Test func `is served by the methods that fit`() {
        for (method, path) in [
            ("GET", "/exec/a/b/c"), ("POST", "/portForward/a/b"), ("HEAD", "/metrics"), ("GET", "/pods"),
        ] {
            #expect(KubeletRoute(method: method, rawPath: path).isServedMethod, "\(method) \(path)")
        }
        for (method, path) in [
            ("HEAD", "/exec/a/b/c"), ("PUT", "/exec/a/b/c"), ("POST", "/pods"), ("TRACE", "/metrics"),
        ] {
            #expect(!KubeletRoute(method: method, rawPath: path).isServedMethod, "\(method) \(path)")
        }
    }
}
