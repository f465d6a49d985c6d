// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

/// deflateInit(3) and inflateInit(3) are macros, which Swift does not see.
static inline int czlib_deflate_init(z_stream *stream, int level) { return deflateInit(stream, level); }
/// A stream in the form of gzip(1) (RFC 1952).
static inline int czlib_gzip_init(z_stream *stream, int level) {
    return deflateInit2(stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
}
static inline int czlib_inflate_init(z_stream *stream) { return inflateInit(stream); }
