// What most users include: definitions, the coordinator, a thread pool, and the store in memory.
// For sagas that survive a crash add <skald/rocksdb/rocksdb_store.h>.
#pragma once

#include "skald/async/manual_executor.h"
#include "skald/async/task.h"
#include "skald/async/thread_pool.h"
#include "skald/base/codec.h"
#include "skald/coordinator/coordinator.h"
#include "skald/saga/define.h"
#include "skald/store/memory_store.h"
#include "skald/version.h"
