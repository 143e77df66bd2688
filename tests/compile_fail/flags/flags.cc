// Compiled like any user's source; run.py compiles every case with this file's command.
#include "skald/version.h"

int CompileFailFlags() {
  return 0;
}
