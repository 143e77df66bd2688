// The file system below the databases, with two differences.
//
// A large file is given back to the disk piece by piece, on a thread that is there for it. ext4
// frees a file's blocks and pages in one go, and a sync of another file waits for that: removing an
// old write-ahead log of 100 MB held up commits by 20 to 30 ms, every second or two.
//
// A workaround: a write-ahead log that cannot be created is handed to RocksDB all the same, and
// fails at the first write to it. RocksDB 7.8.3 loses count of its references when the log of a
// full buffer's successor cannot be made, and closing then aborts where it is built with assertions
// (as Debian's is). The write that would use the log fails as it should.
#pragma once

#include <memory>
#include <string>

#include "files.h"

namespace skald::inline v1::rocks {

FileSystemPtr MakePatientFileSystem(FileSystemPtr fs);

}  // namespace skald::inline v1::rocks
