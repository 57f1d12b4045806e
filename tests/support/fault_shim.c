/* Makes one call of the system fail, for files under one directory.
 * FAULT is call:number:errno, with ":sticky" behind it to go on failing, or
 * short:number for a write that takes half of what it is given. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_int seen;

static int is_ours(int fd) {
  const char *directory = getenv("FAULT_PATH");
  char link[64], path[4096];
  if (!directory) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return !strncmp(path, directory, strlen(directory)) && !strstr(path, ".lock");
}

static int fails(const char *call, int fd, int *code) {
  const char *fault = getenv("FAULT");
  size_t length = strlen(call);
  if (!fault || strncmp(fault, call, length) || fault[length] != ':') return 0;
  if (!is_ours(fd)) return 0;
  int at = 1;
  *code = 0;
  sscanf(fault + length, ":%d:%d", &at, code);
  int now = atomic_fetch_add(&seen, 1) + 1;
  if (now != at && !(now > at && strstr(fault, "sticky"))) return 0;
  dprintf(2, "fault\n");
  return 1;
}

int fsync(int fd) {
  static int (*real)(int);
  int code;
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  if (fails("fsync", fd, &code)) return errno = code, -1;
  return real(fd);
}

int ftruncate64(int fd, off64_t size) {
  static int (*real)(int, off64_t);
  int code;
  if (!real) real = (int (*)(int, off64_t))dlsym(RTLD_NEXT, "ftruncate64");
  if (fails("ftruncate", fd, &code)) return errno = code, -1;
  return real(fd, size);
}

ssize_t write(int fd, const void *bytes, size_t size) {
  static ssize_t (*real)(int, const void *, size_t);
  int code;
  if (!real) real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  if (fails("write", fd, &code)) return errno = code, -1;
  if (size > 1 && fails("short", fd, &code)) return real(fd, bytes, size / 2);
  return real(fd, bytes, size);
}
