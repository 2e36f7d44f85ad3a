// SPDX-License-Identifier: BSL-1.0
/// @file
/// Every public header. Convenient for a first look; a program that compiles often includes what it
/// uses.
#ifndef QUOIN_QUOIN_HPP
#define QUOIN_QUOIN_HPP

#include <quoin/filter/blocked_bloom_filter.hpp>
#include <quoin/filter/bloom_filter.hpp>
#include <quoin/filter/concurrent_blocked_bloom_filter.hpp>
#include <quoin/hash/crc32.hpp>
#include <quoin/hash/crc32c.hpp>
#include <quoin/hash/hash.hpp>
#include <quoin/hash/md5.hpp>
#include <quoin/hash/murmur2.hpp>
#include <quoin/hash/murmur3.hpp>
#include <quoin/hash/siphash.hpp>
#include <quoin/hash/xxh3.hpp>
#include <quoin/hash/xxh64.hpp>
#include <quoin/interop/datasketches_count_min.hpp>
#include <quoin/interop/datasketches_hash.hpp>
#include <quoin/interop/datasketches_hll.hpp>
#include <quoin/interop/envoy_ring.hpp>
#include <quoin/interop/nginx_ring.hpp>
#include <quoin/interop/parquet_bloom.hpp>
#include <quoin/interop/postgresql_hyperloglog.hpp>
#include <quoin/interop/redis_hyperloglog.hpp>
#include <quoin/interop/redis_limiter.hpp>
#include <quoin/limit/fixed_window.hpp>
#include <quoin/limit/http_headers.hpp>
#include <quoin/limit/lease.hpp>
#include <quoin/limit/sliding_window.hpp>
#include <quoin/limit/multi_limiter.hpp>
#include <quoin/limit/token_bucket.hpp>
#include <quoin/placement/balancer.hpp>
#include <quoin/placement/bounded_load.hpp>
#include <quoin/placement/concurrent_ring.hpp>
#include <quoin/placement/hash_ring.hpp>
#include <quoin/placement/hash_slots.hpp>
#include <quoin/placement/jump_back_hash.hpp>
#include <quoin/placement/jump_hash.hpp>
#include <quoin/placement/ketama_ring.hpp>
#include <quoin/placement/maglev_table.hpp>
#include <quoin/placement/rendezvous.hpp>
#include <quoin/placement/ring_changes.hpp>
#include <quoin/sketch/concurrent_count_min_sketch.hpp>
#include <quoin/sketch/concurrent_hyperloglog.hpp>
#include <quoin/sketch/count_min_sketch.hpp>
#include <quoin/sketch/heavy_hitters.hpp>
#include <quoin/sketch/hyperloglog.hpp>
#include <quoin/sketch/hyperloglog_set_operations.hpp>
#include <quoin/sketch/quantiles.hpp>
#include <quoin/sketch/sliding_count_min_sketch.hpp>
#include <quoin/sketch/sliding_heavy_hitters.hpp>
#include <quoin/sketch/ultraloglog.hpp>
#include <quoin/version.hpp>

#endif
