/* What test_languages.py asks of each client: read FILES, init URL SPEC, save URL SPEC FILE, draw SPECS. */
#define INITSERVE_IMPLEMENTATION
#include "initserve.h"

static char *contents(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (!file) exit(2);
  fseek(file, 0, SEEK_END);
  *length = (size_t)ftell(file);
  rewind(file);
  char *found = calloc(1, *length + 1);
  if (!found || fread(found, 1, *length, file) != *length) exit(2);
  fclose(file);
  return found;
}

static void show(const initserve_array *array) {
  size_t width = strcmp(array->dtype, "float64") ? 4 : 8;
  unsigned char *data = calloc(array->count + 1, width), digest[32];
  for (size_t i = 0; i < array->count; i++) {
    double value = initserve_value(array, i);
    float single = (float)value;
    memcpy(data + width * i, width == 8 ? (void *)&value : (void *)&single, width);
  }
  initserve_sha256(data, array->count * width, digest);
  printf("%s %s ", *array->key ? array->key : "-", array->dtype);
  for (int i = 0; i < array->axes; i++) printf(i ? "x%ld" : "%ld", array->size[i]);
  printf(array->axes ? " " : "scalar ");
  for (int i = 0; i < 32; i++) printf("%02x", digest[i]);
  printf("\n");
  free(data);
}

static void show_all(initserve_arrays *arrays) {
  for (int i = 0; i < arrays->count; i++) show(&arrays->array[i]);
  initserve_free(arrays);
}

static void draw(const char *path, char *error) {
  size_t length;
  char *lines = contents(path, &length);
  for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n")) {
    initserve_arrays arrays;
    if (initserve_draw(line, &arrays, error)) show_all(&arrays);
    else printf("undrawable: %s\n", error);
    printf("\n");
  }
  free(lines);
}

int main(int count, char **words) {
  static char error[INITSERVE_LONGEST_ERROR];
  initserve_arrays arrays = {0, NULL};
  size_t length;
  bool done = true;
  if (count < 3) return 2;
  if (!strcmp(words[1], "read")) {
    for (int i = 2; i < count && done; i++) {
      char *file = contents(words[i], &length);
      done = initserve_read(file, length, &arrays, error);
      free(file);
      show_all(&arrays);
    }
  } else if (!strcmp(words[1], "draw")) {
    draw(words[2], error);
  } else {
    char *spec = contents(words[3], &length);
    if (!strcmp(words[1], "init")) done = initserve_init(words[2], spec, &arrays, error);
    else done = initserve_save(words[2], spec, words[4], error);
    free(spec);
    show_all(&arrays);
  }
  if (!done) fprintf(stderr, "%s\n", error);
  return done ? 0 : 1;
}
