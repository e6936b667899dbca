/* A hook of Forkcast in a shared library of your own: it sees what is asked of a model, the features of it and what the
 * model answers, and may count, flag or reject. C99; nothing else is needed to build one:
 *
 *     cc -O2 -shared -fPIC -I FOLDER_OF_THIS_FILE -o libmine.so mine.c
 *
 * The server calls forkcast_hook_entry() once in each worker, behind the fork, and what it returns from then on: one call
 * at a time, on one thread. A call holds up the worker's other requests, so it may not wait for anything. A call that
 * crashes takes the worker along, which is replaced; after the third time the hook is left out.
 *
 * This file is the contract, FORKCAST_HOOK_ABI its number. Within one number, structures only grow at their end, and their
 * `size` says how much of them there is. */
#ifndef FORKCAST_HOOK_H
#define FORKCAST_HOOK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FORKCAST_HOOK_ABI 1u

/* Bytes of UTF-8, without a NUL behind them. */
typedef struct forkcast_text {
  const char *data;
  size_t size;
} forkcast_text;

enum {
  FORKCAST_NUMBER = 1, /* also of integers, rounded beyond 2^53, and of booleans: 0 or 1 */
  FORKCAST_TEXT = 2,
  FORKCAST_TIME = 3 /* seconds since 1970-01-01T00:00:00Z, in `numbers` */
};

typedef struct forkcast_column {
  forkcast_text name;
  uint32_t type;
  const double *numbers;      /* by line; NaN where a value is missing; null of a text */
  const forkcast_text *texts; /* by line; empty where a value is missing; null of what is no text */
  const uint8_t *missing;     /* by line; 1 where there is no value */
} forkcast_column;

typedef struct forkcast_table {
  size_t line_count;
  const size_t *row_numbers; /* by line: its row's place in the request; a row of a forecast has a line a step */
  size_t column_count;
  const forkcast_column *columns;
} forkcast_table;

/* Everything ends with the call. Tables that are not there yet have no lines. */
typedef struct forkcast_invocation {
  uint32_t size;
  int32_t status; /* of the answer, HTTP; 0 before it is made */
  double seconds; /* from the request's first byte to its answer; 0 before that */
  forkcast_text request_id;
  forkcast_text deployment;
  forkcast_text route;
  forkcast_text pipeline;
  forkcast_text model_version;
  forkcast_table fields;   /* of the request, those that the pipeline declares */
  forkcast_table features; /* from on_features on */
  forkcast_table outputs;  /* from on_outputs on */
} forkcast_invocation;

/* What a hook may ask of the server; `self` goes along as it is. Texts end with NUL, and are copied. */
typedef struct forkcast_host {
  uint32_t size;
  void *self;
  /* A member of the hook's "settings": a text, or a number, true or false as JSON has them; null: there is none. Lives as
   * long as the hook. */
  const char *(*setting)(void *self, const char *name);
  /* A counter of that name; at most 64 of them. Their values are in the log. */
  void (*count)(void *self, const char *counter, uint64_t by);
  /* The answer says of this row, and in its head, that it is so: a short name. Not within on_answer. */
  void (*flag)(void *self, size_t row, const char *flag);
  /* The row is not answered, or of several none unless the caller asked for partial answers: 422. Not within on_answer. */
  void (*reject_row)(void *self, size_t row, const char *field, const char *message);
  /* The whole request is refused: 422. */
  void (*reject)(void *self, const char *field, const char *message);
  /* A line of the server's log; at most one in 10 s. */
  void (*log)(void *self, const char *message);
} forkcast_host;

/* What a library is. Calls return 0, or another number when they failed: that is counted, and what the call had said is
 * forgotten; three times in a row, and the hook is off. Any but create may be null. */
typedef struct forkcast_hook {
  uint32_t abi;  /* FORKCAST_HOOK_ABI */
  uint32_t size; /* sizeof(forkcast_hook) */
  /* Returns the hook's state, which goes along with all other calls; null, and a text in `error`, where the settings are not
   * as they should be. `host` lives as long as the hook. */
  void *(*create)(const forkcast_host *host, char *error, size_t error_size);
  void (*destroy)(void *state);
  int (*on_rows)(void *state, const forkcast_invocation *invocation);
  int (*on_features)(void *state, const forkcast_invocation *invocation);
  int (*on_outputs)(void *state, const forkcast_invocation *invocation);
  int (*on_answer)(void *state, const forkcast_invocation *invocation);
  /* About twice a second; `now` in seconds of a clock that never goes back. */
  int (*on_tick)(void *state, double now);
} forkcast_hook;

/* The one symbol that a library has to export. What it returns lives as long as the library. */
const forkcast_hook *forkcast_hook_entry(void);

#ifdef __cplusplus
}
#endif

#endif
