// The only version number of skald.
//
// Everything public lives in `skald::v1`, an inline namespace: two incompatible major versions can
// be linked into one process without their symbols meeting.
#pragma once

#define SKALD_VERSION_MAJOR 0
#define SKALD_VERSION_MINOR 1
#define SKALD_VERSION_PATCH 0
#define SKALD_VERSION_STRING "0.1.0"
