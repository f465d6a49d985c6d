// SPDX-License-Identifier: Apache-2.0

import HTTP
import Testing

@testable import APIServer

@Suite struct `A request's path` {
    @Test(arguments: [
        ("/api/v1/namespaces/n/pods/p/proxy", ""), ("/api/v1/namespaces/n/pods/p/proxy/", "/"),
        ("/api/v1/namespaces/n/services/https:s:web/proxy/a%2Fb/c?d=e", "/a%2Fb/c"),
        ("/api/v1/namespaces/proxy-1/pods/proxy/proxy/x", "/x"),
        ("/api/v1/namespaces/proxy/services/s/proxy/proxy", "/proxy"),
        ("/api/v1/nodes/n/proxy/metrics/cadvisor", "/metrics/cadvisor"),
    ])
    func `ends in what the proxied server is asked for`(_ target: String, _ rest: String) {
        let info = RequestInfo(HTTPRequest(target: target))
        #expect(info.subresource == "proxy")
        #expect(info.proxyPath == rest)
    }
}
