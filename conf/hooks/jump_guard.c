/* Flags outputs that are far from a feature, such as a forecast that is more than three times last week's value:
 *
 *     cc -O2 -shared -fPIC -I src/serving/hooks -o libjump_guard.so conf/hooks/jump_guard.c
 *
 *     {"type": "library", "path": "libjump_guard.so",
 *      "settings": {"output": "value", "feature": "sales_lag_1", "times": 3}}
 *
 * With "reject": true the rows are refused instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forkcast_hook.h"

typedef struct guard {
  const forkcast_host *host;
  const char *output;
  const char *feature;
  double times;
  int rejects;
} guard;

static void *create(const forkcast_host *host, char *error, size_t error_size) {
  const char *times = host->setting(host->self, "times");
  const char *reject = host->setting(host->self, "reject");
  guard *g = calloc(1, sizeof *g);
  if (g == NULL) return NULL;
  g->host = host;
  g->output = host->setting(host->self, "output");
  g->feature = host->setting(host->self, "feature");
  g->times = times != NULL ? strtod(times, NULL) : 0;
  g->rejects = reject != NULL && strcmp(reject, "true") == 0;
  if (g->output == NULL || g->feature == NULL || !(g->times > 1)) {
    snprintf(error, error_size, "expected output, feature and times, a number above 1");
    free(g);
    return NULL;
  }
  return g;
}

static void destroy(void *state) { free(state); }

static const forkcast_column *find(const forkcast_table *table, const char *name) {
  size_t i;
  for (i = 0; i < table->column_count; ++i) {
    const forkcast_text found = table->columns[i].name;
    if (found.size == strlen(name) && memcmp(found.data, name, found.size) == 0) return &table->columns[i];
  }
  return NULL;
}

static int on_outputs(void *state, const forkcast_invocation *invocation) {
  const guard *g = state;
  const forkcast_column *output = find(&invocation->outputs, g->output);
  const forkcast_column *feature = find(&invocation->features, g->feature);
  size_t line;
  if (output == NULL || output->numbers == NULL) return 1; /* not what this hook is made for: it will be off soon */
  if (feature == NULL || feature->numbers == NULL) return 2;
  for (line = 0; line < invocation->outputs.line_count; ++line) {
    const double is = output->numbers[line];
    const double was = feature->numbers[line];
    const size_t row = invocation->outputs.row_numbers[line];
    char message[120];
    if (output->missing[line] || feature->missing[line] || !(was > 0) || is <= was * g->times) continue;
    g->host->count(g->host->self, "jumps", 1);
    if (!g->rejects) {
      g->host->flag(g->host->self, row, "jump");
      continue;
    }
    snprintf(message, sizeof message, "got %g, more than %g times the %g before", is, g->times, was);
    g->host->reject_row(g->host->self, row, g->output, message);
  }
  return 0;
}

const forkcast_hook *forkcast_hook_entry(void) {
  static const forkcast_hook hook = {.abi = FORKCAST_HOOK_ABI,
                                     .size = sizeof hook,
                                     .create = create,
                                     .destroy = destroy,
                                     .on_outputs = on_outputs};
  return &hook;
}
