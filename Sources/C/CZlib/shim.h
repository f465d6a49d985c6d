// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

/// deflateInit(3) and inflateInit(3) are macros, which Swift does not see.
static inline int czlib_deflate_init(z_stream *stream, int level) { return deflateInit(stream, level); }
static inline int czlib_inflate_init(z_stream *stream) { return inflateInit(stream); }
