/* A client of initserve in one file: asks a server for the initial weights of neural networks, reads what it answers,
 * and draws the stream initserve/1 itself where no server is wanted (docs/stream.md).
 *
 * One file of a program has these two lines, any other the second alone:
 *
 *     #define INITSERVE_IMPLEMENTATION
 *     #include "initserve.h"
 *
 *     cc -std=c99 -O2 -ffp-contract=off program.c -lm
 *
 * Never -ffast-math: the bytes would be others. It needs POSIX sockets, and speaks HTTP without TLS. No two threads may
 * call it at once. Every function that can fail returns false then, and writes why into `error`, which has room for
 * INITSERVE_LONGEST_ERROR characters: where a server refused, with what would work instead. A server that wants an API
 * key gets that of the environment's INITSERVE_KEY.
 */
#ifndef INITSERVE_H
#define INITSERVE_H

#if defined INITSERVE_IMPLEMENTATION && !defined _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* sockets, where -std=c99 hides them; this file is then the first that is included */
#endif
#include <stdbool.h>
#include <stddef.h>

enum { INITSERVE_MOST_AXES = 32, INITSERVE_LONGEST_ERROR = 2048 };

typedef struct {
  char *key;         /* layer/array, in PyTorch's layout layer.array; of a .npy file "" */
  const char *dtype; /* float64, float32, float16 or bfloat16 */
  int axes;
  long size[INITSERVE_MOST_AXES];
  size_t count, length; /* of elements, of bytes */
  unsigned char *bytes; /* little-endian, in C order */
} initserve_array;

typedef struct {
  int count;
  initserve_array *array;
} initserve_arrays;

/* Post a spec, JSON, to /init of a server at a URL such as http://127.0.0.1:8000; compare every array with its digest. */
bool initserve_init(const char *url, const char *spec, initserve_arrays *found, char *error);

/* Write the safetensors file of a spec; where the download breaks off, it goes on. It has its name only when it is whole. */
bool initserve_save(const char *url, const char *spec, const char *path, char *error);

/* Read a .npy or a .safetensors file that is in memory. */
bool initserve_read(const void *file, size_t length, initserve_arrays *found, char *error);

/* Draw a spec here: layers dense, conv1d to conv3d, embedding, tensor and the normalisations, schemes in which no
 * element needs another, layouts keras and pytorch, every dtype. What else it asks for is left to a server. */
bool initserve_draw(const char *spec, initserve_arrays *found, char *error);

/* The value of an element, whatever the dtype. */
double initserve_value(const initserve_array *array, size_t index);

/* Let go of what one of the functions above found. */
void initserve_free(initserve_arrays *found);

void initserve_sha256(const void *bytes, size_t length, unsigned char digest[32]);

#endif

#ifdef INITSERVE_IMPLEMENTATION

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- What fails goes back to where the call began ---- */

static jmp_buf *beginning;
static char *reason;

static void fail(const char *why, const char *what) {
  if (!beginning) {
    fprintf(stderr, "%s: %s\n", why, what);
    exit(1);
  }
  snprintf(reason, INITSERVE_LONGEST_ERROR, *what ? "%s: %s" : "%s%s", why, what);
  longjmp(*beginning, 1);
}

/* ---- Memory that is let go of all at once ---- */

typedef union Taken {
  union Taken *before;
  double aligned[2];
} Taken;
static Taken *taken;

static void *take(size_t bytes) { /* all 0 */
  Taken *found = calloc(1, sizeof *found + bytes);
  if (!found) fail("no memory", "");
  found->before = taken;
  taken = found;
  return found + 1;
}

static void let_go(void) {
  while (taken) {
    Taken *before = taken->before;
    free(taken);
    taken = before;
  }
}

static char *text(const char *format, ...) {
  va_list values, again;
  va_start(values, format);
  va_copy(again, values);
  size_t length = (size_t)vsnprintf(NULL, 0, format, values) + 1;
  char *found = take(length);
  vsnprintf(found, length, format, again);
  va_end(again);
  va_end(values);
  return found;
}

static bool same(const char *a, const char *b) { return strcmp(a, b) == 0; }

/* ---- JSON ---- */

enum { DEEPEST = 200 };
typedef enum { NOTHING, NO, YES, NUMBER, TEXT, LIST, OBJECT } Kind;
typedef struct Json {
  Kind kind;
  double number;
  char *text, *key;
  struct Json *child, *next;
  const char *from, *to; /* as it was written */
} Json;

typedef struct {
  const char *at, *end;
  int depth;
} Reader;

static char peek(Reader *reader) { /* the next character that is no space; 0 at the end */
  while (reader->at < reader->end && strchr(" \t\n\r", *reader->at) && *reader->at) reader->at++;
  return reader->at < reader->end ? *reader->at : 0;
}

static void expect(Reader *reader, char wanted) {
  if (peek(reader) != wanted) fail("this is not JSON", "");
  reader->at++;
}

static unsigned four_digits(Reader *reader) {
  char digits[5] = {0}, *end;
  if (reader->end - reader->at < 4) fail("this is not JSON", "");
  memcpy(digits, reader->at, 4);
  reader->at += 4;
  unsigned found = (unsigned)strtoul(digits, &end, 16);
  if (end != digits + 4) fail("this is not JSON", digits);
  return found;
}

static char *put_character(char *to, unsigned long point) { /* in UTF-8 */
  int more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  static const unsigned char first[4] = {0, 0xC0, 0xE0, 0xF0};
  *to++ = (char)(first[more] | point >> 6 * more);
  while (more-- > 0) *to++ = (char)(0x80 | (point >> 6 * more & 0x3F));
  return to;
}

static char *read_escape(Reader *reader, char *to) {
  static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
  char letter = *reader->at++;
  const char *place = strchr(from, letter);
  if (letter && place) return put_character(to, (unsigned char)into[place - from]);
  if (letter != 'u') fail("this is not JSON", "an escape");
  unsigned long point = four_digits(reader);
  if (point >> 10 == 0x36 && reader->end - reader->at > 6 && reader->at[0] == '\\' && reader->at[1] == 'u') {
    reader->at += 2;
    point = 0x10000 + ((point & 0x3FF) << 10 | (four_digits(reader) & 0x3FF));
  }
  return put_character(to, point);
}

static char *read_text(Reader *reader) {
  expect(reader, '"');
  const char *close = reader->at;
  while (close < reader->end && *close != '"') close += *close == '\\' ? 2 : 1;
  if (close >= reader->end) fail("this is not JSON", "a text does not end");
  char *found = take((size_t)(close - reader->at) + 1), *to = found;
  while (reader->at < close) {
    if (*reader->at == '\\') {
      reader->at++;
      to = read_escape(reader, to);
    } else {
      *to++ = *reader->at++;
    }
  }
  reader->at = close + 1;
  return found;
}

static Json *read_value(Reader *reader);

static void read_members(Reader *reader, Json *value, char close) {
  Json **last = &value->child;
  reader->at++;
  if (++reader->depth > DEEPEST) fail("this JSON is too deep", "");
  while (peek(reader) != close) {
    if (last != &value->child) expect(reader, ',');
    char *key = NULL;
    if (value->kind == OBJECT) {
      peek(reader);
      key = read_text(reader);
      expect(reader, ':');
    }
    *last = read_value(reader);
    (*last)->key = key;
    last = &(*last)->next;
  }
  reader->at++;
  reader->depth--;
}

static void read_number(Reader *reader, Json *value) {
  char digits[64] = {0}, *end;
  size_t length = 0;
  while (reader->at + length < reader->end && length < sizeof digits - 1 && reader->at[length] && strchr("+-.0123456789eE", reader->at[length]))
    length++;
  memcpy(digits, reader->at, length);
  value->kind = NUMBER;
  value->number = strtod(digits, &end);
  if (length == 0 || *end) fail("this is not JSON", digits);
  reader->at += length;
}

static Json *read_value(Reader *reader) {
  static const char *const words[] = {"null", "false", "true"};
  Json *value = take(sizeof *value);
  char first = peek(reader);
  value->from = reader->at;
  if (first == '"') {
    value->kind = TEXT;
    value->text = read_text(reader);
  } else if (first == '{' || first == '[') {
    value->kind = first == '{' ? OBJECT : LIST;
    read_members(reader, value, first == '{' ? '}' : ']');
  } else if (first == 'n' || first == 'f' || first == 't') {
    value->kind = first == 'n' ? NOTHING : first == 'f' ? NO : YES;
    size_t length = strlen(words[value->kind]);
    if ((size_t)(reader->end - reader->at) < length || strncmp(reader->at, words[value->kind], length)) fail("this is not JSON", "");
    reader->at += length;
  } else {
    read_number(reader, value);
  }
  value->to = reader->at;
  return value;
}

static Json *parse_part(const char *document, size_t length) {
  Reader reader = {document, document + length, 0};
  Json *value = read_value(&reader);
  if (peek(&reader)) fail("this is not JSON", "something follows it");
  return value;
}

static Json *parse(const char *document) { return parse_part(document, strlen(document)); }

static Json *member(const Json *object, const char *key) { /* NULL where it is missing */
  for (Json *each = object->kind == OBJECT ? object->child : NULL; each; each = each->next)
    if (same(each->key, key)) return each;
  return NULL;
}

static bool given(const Json *object, const char *key) { return member(object, key) && member(object, key)->kind != NOTHING; }
static const char *text_of(const Json *object, const char *key, const char *otherwise) {
  return given(object, key) && member(object, key)->kind == TEXT ? member(object, key)->text : otherwise;
}

/* ---- Section 1: "exactly". Numbers with 768 bits behind the point, 128 before it ---- */

enum { BEHIND = 24, LIMBS = 28 };
typedef struct {
  bool negative;
  uint32_t limb[LIMBS]; /* the lowest first */
} Exact;

static int compare_sizes(const Exact *a, const Exact *b) {
  for (int i = LIMBS - 1; i >= 0; i--)
    if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
  return 0;
}

static bool is_zero(Exact a) {
  Exact zero = {0};
  return compare_sizes(&a, &zero) == 0;
}

static Exact negated(Exact a) {
  a.negative = !a.negative && !is_zero(a);
  return a;
}

static Exact plus(Exact a, Exact b) {
  if (a.negative != b.negative && compare_sizes(&a, &b) < 0) {
    Exact larger = b;
    b = a;
    a = larger;
  }
  int64_t carry = 0, way = a.negative == b.negative ? 1 : -1;
  for (int i = 0; i < LIMBS; i++) {
    int64_t sum = (int64_t)a.limb[i] + way * (int64_t)b.limb[i] + carry;
    a.limb[i] = (uint32_t)sum;
    carry = sum >> 32;
  }
  if (is_zero(a)) a.negative = false;
  return a;
}

static Exact minus(Exact a, Exact b) { return plus(a, negated(b)); }

static Exact times(Exact a, Exact b) {
  uint32_t product[2 * LIMBS] = {0};
  for (int i = 0; i < LIMBS; i++) {
    uint64_t carry = 0;
    for (int j = 0; j < LIMBS; j++) {
      uint64_t sum = (uint64_t)a.limb[i] * b.limb[j] + product[i + j] + carry;
      product[i + j] = (uint32_t)sum;
      carry = sum >> 32;
    }
    product[i + LIMBS] = (uint32_t)carry;
  }
  Exact found = {a.negative != b.negative, {0}};
  memcpy(found.limb, product + BEHIND, sizeof found.limb);
  return found;
}

static Exact over_small(Exact a, uint32_t divisor) {
  uint64_t rest = 0;
  for (int i = LIMBS - 1; i >= 0; i--) {
    uint64_t part = rest << 32 | a.limb[i];
    a.limb[i] = (uint32_t)(part / divisor);
    rest = part % divisor;
  }
  return a;
}

static Exact shifted(Exact a, int bits) { /* a x 2^bits */
  Exact found = {a.negative, {0}};
  int limbs = (bits >= 0 ? bits : bits - 31) / 32, rest = bits - 32 * limbs;
  for (int i = 0; i < LIMBS; i++) {
    int from = i - limbs;
    uint64_t high = from >= 0 && from < LIMBS ? a.limb[from] : 0;
    uint64_t low = from >= 1 && from <= LIMBS ? a.limb[from - 1] : 0;
    found.limb[i] = (uint32_t)((high << 32 | low) >> (32 - rest));
  }
  return found;
}

static Exact of_whole(uint32_t number) {
  Exact found = {0};
  found.limb[BEHIND] = number;
  return found;
}

static Exact of_double(double x) {
  int exponent;
  double mantissa = frexp(fabs(x), &exponent);
  uint64_t bits = (uint64_t)ldexp(mantissa, 53);
  Exact found = {0};
  found.limb[BEHIND] = (uint32_t)bits;
  found.limb[BEHIND + 1] = (uint32_t)(bits >> 32);
  found = shifted(found, exponent - 53);
  found.negative = x < 0 && !is_zero(found);
  return found;
}

static int top_bit(Exact a) { /* the place of the highest bit that is set, -1 for 0 */
  for (int i = 32 * LIMBS - 1; i >= 0; i--)
    if (a.limb[i / 32] >> i % 32 & 1) return i;
  return -1;
}

static double rounded(Exact a) { /* to float64: to nearest, ties to even */
  int top = top_bit(a), low = top - 52;
  if (top < 0) return 0.0;
  uint64_t bits = 0;
  bool rest = false;
  for (int i = top; i >= 0; i--) {
    uint64_t bit = a.limb[i / 32] >> i % 32 & 1;
    if (i >= low - 1) bits = bits << 1 | bit;
    else rest = rest || bit;
  }
  if (low < 1) return ldexp((double)bits, -32 * BEHIND) * (a.negative ? -1 : 1);
  bool half = bits & 1, odd = bits >> 1 & 1;
  bits = (bits >> 1) + (half && (rest || odd));
  double size = ldexp((double)bits, low - 32 * BEHIND);
  return a.negative ? -size : size;
}

static Exact over(Exact a, Exact b) {
  Exact rest = {0}, quotient = {a.negative != b.negative, {0}};
  for (int i = 32 * (LIMBS + BEHIND) - 1; i >= 0; i--) {
    int place = i - 32 * BEHIND; /* in a, which is taken as a x 2^(bits behind the point) */
    rest = shifted(rest, 1);
    if (place >= 0) rest.limb[0] |= a.limb[place / 32] >> place % 32 & 1;
    Exact size = b;
    size.negative = false;
    if (compare_sizes(&rest, &size) >= 0) {
      rest = minus(rest, size);
      if (i < 32 * LIMBS) quotient.limb[i / 32] |= (uint32_t)1 << i % 32;
    }
  }
  return quotient;
}

static Exact root(Exact a) {
  Exact found = {0};
  for (int i = (top_bit(a) + 32 * BEHIND) / 2 + 1; i >= 0; i--) {
    Exact more = found;
    more.limb[i / 32] |= (uint32_t)1 << i % 32;
    Exact square = times(more, more);
    if (compare_sizes(&square, &a) <= 0) found = more;
  }
  return found;
}

static Exact exp_of_minus(Exact y) { /* e to the -y, y >= 0: a series in y / 65536, then 16 squares */
  Exact x = shifted(y, -16), term = of_whole(1), sum = term;
  for (uint32_t n = 1; !is_zero(term); n++) {
    term = negated(over_small(times(term, x), n));
    sum = plus(sum, term);
  }
  for (int i = 0; i < 16; i++) sum = times(sum, sum);
  return sum;
}

static Exact arctangent_of_one_over(uint32_t n) {
  Exact power = over_small(of_whole(1), n), sum = power;
  for (uint32_t k = 3; !is_zero(power); k += 2) {
    power = negated(over_small(over_small(power, n), n));
    sum = plus(sum, over_small(power, k));
  }
  return sum;
}

static Exact pi(void) { /* Machin 1706 */
  Exact fifth = arctangent_of_one_over(5), other = arctangent_of_one_over(239);
  return minus(shifted(fifth, 4), shifted(other, 2));
}

/* ---- Section 2: words ---- */

typedef struct {
  uint32_t key[2], counter[2];
} Stream;

static uint32_t turned(uint32_t x, int bits) { return x >> bits | x << (32 - bits); }

static void first_bits_of_prime_roots(uint32_t start[8], uint32_t rounds[64]) { /* SHA-256's constants (FIPS 180-4) */
  uint32_t found = 0;
  for (uint32_t n = 2; found < 64; n++) {
    bool prime = true;
    for (uint32_t d = 2; d * d <= n; d++) prime = prime && n % d;
    if (!prime) continue;
    uint64_t low = 0, high = (uint64_t)8 << 32; /* the cube root x 2^32, by halving */
    while (high - low > 1) {
      uint64_t middle = (low + high) / 2;
      Exact x = {0};
      x.limb[BEHIND - 1] = (uint32_t)middle;
      x.limb[BEHIND] = (uint32_t)(middle >> 32);
      Exact cube = times(times(x, x), x), wanted = of_whole(n);
      if (compare_sizes(&cube, &wanted) <= 0) low = middle;
      else high = middle;
    }
    rounds[found] = (uint32_t)low;
    if (found < 8) start[found] = root(of_whole(n)).limb[BEHIND - 1];
    found++;
  }
}

typedef struct {
  uint32_t state[8];
  uint8_t block[64];
  uint64_t length;
} Sha256;

static uint32_t sha256_start[8], sha256_constant[64];

static Sha256 sha256_begun(void) {
  if (!sha256_start[0]) first_bits_of_prime_roots(sha256_start, sha256_constant);
  Sha256 sha = {{0}, {0}, 0};
  memcpy(sha.state, sha256_start, sizeof sha.state);
  return sha;
}

static void sha256_compress(Sha256 *sha) {
  uint32_t w[64], v[8];
  for (int i = 0; i < 16; i++) {
    const uint8_t *four = sha->block + 4 * i;
    w[i] = (uint32_t)four[0] << 24 | (uint32_t)four[1] << 16 | (uint32_t)four[2] << 8 | four[3];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t s0 = turned(w[i - 15], 7) ^ turned(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t s1 = turned(w[i - 2], 17) ^ turned(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  memcpy(v, sha->state, sizeof v);
  for (int i = 0; i < 64; i++) {
    uint32_t s1 = turned(v[4], 6) ^ turned(v[4], 11) ^ turned(v[4], 25), choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
    uint32_t s0 = turned(v[0], 2) ^ turned(v[0], 13) ^ turned(v[0], 22);
    uint32_t most = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]), one = v[7] + s1 + choice + sha256_constant[i] + w[i];
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += one;
    v[0] = one + s0 + most;
  }
  for (int i = 0; i < 8; i++) sha->state[i] += v[i];
}

static void sha256_add(Sha256 *sha, const void *data, size_t length) {
  const uint8_t *bytes = data;
  while (length) {
    size_t filled = sha->length % 64, part = 64 - filled < length ? 64 - filled : length;
    memcpy(sha->block + filled, bytes, part);
    sha->length += part;
    bytes += part;
    length -= part;
    if (filled + part == 64) sha256_compress(sha);
  }
}

static void sha256_end(Sha256 *sha, uint8_t digest[32]) {
  static const uint8_t padding[64] = {0x80};
  uint64_t bits = sha->length * 8;
  uint8_t end[8];
  for (int i = 0; i < 8; i++) end[7 - i] = (uint8_t)(bits >> 8 * i);
  sha256_add(sha, padding, 1 + (119 - sha->length % 64) % 64);
  sha256_add(sha, end, 8);
  for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(sha->state[i / 4] >> (24 - 8 * (i % 4)));
}

static Stream stream_of(uint64_t seed, const char *path) {
  uint8_t head[20] = "initserve/1", digest[32]; /* and the zero byte that ends it */
  uint32_t d[4];
  for (int i = 0; i < 8; i++) head[12 + i] = (uint8_t)(seed >> 8 * i);
  Sha256 sha = sha256_begun();
  sha256_add(&sha, head, sizeof head);
  sha256_add(&sha, path, strlen(path));
  sha256_end(&sha, digest);
  for (int i = 0; i < 4; i++)
    d[i] = (uint32_t)digest[4 * i] | (uint32_t)digest[4 * i + 1] << 8 | (uint32_t)digest[4 * i + 2] << 16 |
           (uint32_t)digest[4 * i + 3] << 24;
  Stream stream = {{d[0], d[1]}, {d[2], d[3]}};
  return stream;
}

static void block_of(const Stream *stream, uint64_t block, uint32_t c[4]) {
  uint32_t k0 = stream->key[0], k1 = stream->key[1];
  c[0] = (uint32_t)block;
  c[1] = (uint32_t)(block >> 32);
  c[2] = stream->counter[0];
  c[3] = stream->counter[1];
  for (int i = 0; i < 10; i++) {
    uint64_t p = (uint64_t)0xD2511F53 * c[0], r = (uint64_t)0xCD9E8D57 * c[2];
    uint32_t next[4] = {(uint32_t)(r >> 32) ^ c[1] ^ k0, (uint32_t)r, (uint32_t)(p >> 32) ^ c[3] ^ k1, (uint32_t)p};
    memcpy(c, next, sizeof next);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
}

/* ---- Sections 3 to 5 and 7: uniform and normal values ---- */

typedef struct {
  int64_t whole;
  float fraction, step, anchor;
  double exact_step, exact_anchor;
} Line;

static Line line_between(double start, double end, double width) {
  double zero = start >= 0 ? 0.0 : end <= 0 ? 4294967296.0 : -start / width * 4294967296.0;
  double anchor = start >= 0 ? start : end <= 0 ? end : 0.0, step = width / 4294967296.0;
  Line line = {(int64_t)floor(zero), (float)(0.5 - (zero - floor(zero))), (float)step, (float)anchor, step, anchor};
  return line;
}

static float offset_of(const Line *line, uint32_t word) {
  int64_t high = (int64_t)(word >> 16) - (line->whole >> 16), low = (int64_t)(word & 0xFFFF) - (line->whole & 0xFFFF);
  float lower = (float)low + line->fraction, upper = (float)high * 65536.0f;
  return upper + lower;
}

static float least_not_below(double bound) {
  float found = (float)bound;
  return (double)found < bound ? nextafterf(found, INFINITY) : found;
}
static float greatest_not_above(double bound) {
  float found = (float)bound;
  return (double)found > bound ? nextafterf(found, -INFINITY) : found;
}
static float within(float value, float least, float greatest) {
  float raised = value > least ? value : least;
  return raised < greatest ? raised : greatest;
}
static double within64(double value, double least, double greatest) {
  double raised = value > least ? value : least;
  return raised < greatest ? raised : greatest;
}

static void draw_uniform(const Stream *stream, long count, double a, double b, bool in64, double *out) {
  Line line = line_between(a, b, b - a);
  float least = least_not_below(a), greatest = greatest_not_above(b);
  uint32_t words[4];
  for (long i = 0; i < count; i++) {
    if (i % 4 == 0) block_of(stream, (uint64_t)i / 4, words);
    float offset = offset_of(&line, words[i % 4]), point = offset * line.step;
    double point64 = (double)offset * line.exact_step;
    out[i] = in64 ? within64(point64 + line.exact_anchor, a, b) : (double)within(line.anchor + point, least, greatest);
  }
}

typedef struct {
  double below, above, start, end, mass, deviation;
} Cut;

static Exact density(double x) {
  if (isinf(x)) return of_whole(0);
  Exact square = times(of_double(x), of_double(x));
  return over(exp_of_minus(shifted(square, -1)), root(shifted(pi(), 1)));
}

static Exact central(double x) { /* Phi(x) - 1/2 */
  Exact found = shifted(of_whole(1), -1);
  if (fabs(x) <= 12.0) {
    Exact size = of_double(fabs(x)), square = times(size, size), term = times(size, density(x));
    found = term;
    for (uint32_t odd = 3; !is_zero(term); odd += 2) {
      term = over_small(times(term, square), odd);
      found = plus(found, term);
    }
  }
  return x < 0 ? negated(found) : found;
}

static Cut cut_between(double lower, double upper) {
  static double last_lower, last_upper;
  static Cut cut;
  if (lower == last_lower && upper == last_upper) return cut;
  Exact half = shifted(of_whole(1), -1), start = central(lower), end = central(upper), mass = minus(end, start);
  Exact at_lower = density(lower), at_upper = density(upper), mean = over(minus(at_lower, at_upper), mass);
  Exact edges = minus(isinf(lower) ? of_whole(0) : times(of_double(lower), at_lower),
                      isinf(upper) ? of_whole(0) : times(of_double(upper), at_upper));
  Exact variance = minus(plus(of_whole(1), over(edges, mass)), times(mean, mean));
  Cut found = {rounded(plus(half, start)), rounded(minus(half, end)), rounded(start), rounded(end), rounded(mass),
               rounded(root(variance))};
  last_lower = lower;
  last_upper = upper;
  return cut = found;
}

static float horner(float x, const float c[4]) {
  float found = c[3];
  for (int i = 2; i >= 0; i--) {
    float product = x * found;
    found = c[i] + product;
  }
  return found;
}

static float log2_of(float p) {
  static const float l[7] = {0x1.7154c4p+0f,  -0x1.71582ep-1f, 0x1.ebff06p-2f, -0x1.6f93b0p-2f,
                             0x1.3065acp-2f, -0x1.173e2cp-2f, 0x1.5d7544p-3f};
  uint32_t bits;
  memcpy(&bits, &p, 4);
  bits -= 0x3F3504F3u;
  int32_t exponent = (int32_t)(bits >> 23) - (bits >> 31 ? 512 : 0);
  uint32_t mantissa = (bits & 0x007FFFFFu) + 0x3F3504F3u;
  float m;
  memcpy(&m, &mantissa, 4);
  float t = m - 1.0f, found = l[6];
  for (int i = 5; i >= 0; i--) {
    float product = t * found;
    found = l[i] + product;
  }
  float product = t * found;
  return (float)exponent + product;
}

static float quantile(float q, float p) {
  static const float a[4] = {0x1.b18d92p+1f, -0x1.9379b6p+5f, 0x1.3e95acp+7f, -0x1.d8e192p+5f};
  static const float b[4] = {1.0f, -0x1.1e52cep+4f, 0x1.3b0872p+6f, -0x1.0cc0d0p+6f};
  static const float c[4] = {0x1.88bc1ep+0f, 0x1.2df542p+1f, 0x1.db3834p-1f, 0x1.a58c56p-4f};
  static const float d[4] = {1.0f, 0x1.3d1080p-1f, 0x1.65299ep-4f, 0x1.5eac72p-18f};
  if ((q < 0 ? -q : q) <= 0.425f) {
    float square = q * q, x = square - 0.180625f;
    return q * (horner(x, a) / horner(x, b));
  }
  float y = sqrtf(-log2_of(p)) - 2.0f, z = horner(y, c) / horner(y, d);
  return q < 0 ? -z : z;
}

static void draw_normal(const Stream *stream, long count, double mean, double deviation, double lower, double upper,
                        double low, double high, bool in64, double *out) {
  Cut cut = cut_between(lower, upper);
  Line line = line_between(cut.start, cut.end, cut.mass);
  float least = least_not_below(low), greatest = greatest_not_above(high);
  uint32_t words[4];
  for (long i = 0; i < count; i++) {
    if (i % 4 == 0) block_of(stream, (uint64_t)i / 4, words);
    uint32_t word = words[i % 4];
    float product = offset_of(&line, word) * line.step, q = line.anchor + product;
    float distance = (float)(q < 0 ? word : ~word) + 0.5f, scaled = distance * line.step;
    float z = quantile(q, scaled + (float)(q < 0 ? cut.below : cut.above)), spread = z * (float)deviation;
    double spread64 = (double)z * deviation;
    out[i] = in64 ? within64(spread64 + mean, low, high) : (double)within((float)mean + spread, least, greatest);
  }
}
/* ---- Section 7: halves ---- */

static uint16_t bfloat16_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static uint16_t float16_of(float value) {
  uint16_t sign = signbit(value) ? 0x8000 : 0;
  double size = fabs((double)value);
  if (size >= 65520.0) return sign | 0x7C00;
  int exponent;
  frexp(size, &exponent); /* 2^(exponent - 1) <= size */
  if (exponent < -13 || size == 0.0) exponent = -13;
  double units = ldexp(size, 11 - exponent), whole = floor(units), rest = units - whole; /* of the last bit */
  if (rest > 0.5 || (rest == 0.5 && fmod(whole, 2.0) == 1.0)) whole += 1.0;
  return (uint16_t)(sign | (uint16_t)((exponent + 13) * 1024 + (long)whole));
}

/* ---- Sections 8 and 9: schemes in which no element needs another ---- */

static long elements_of(int axes, const long *size) {
  long found = 1;
  for (int i = 0; i < axes; i++) found *= size[i];
  return found;
}

static const char *by_activation(const char *activation) {
  static const char *const he[] = {"relu", "relu6", "leaky_relu", "prelu",      "squared_relu", "elu",
                                   "celu", "gelu",  "quick_gelu", "silu", "mish",         "hard_swish"};
  for (size_t i = 0; i < sizeof he / sizeof *he; i++)
    if (same(activation, he[i])) return "he_normal";
  return same(activation, "selu") ? "lecun_normal" : "glorot_uniform";
}

typedef struct {
  const char *name, *family, *arguments;
} Preset;

#define SCALED(name, scale, mode, distribution) \
  {name, "variance_scaling", "{\"scale\":" scale ",\"mode\":\"" mode "\",\"distribution\":\"" distribution "\"}"}

static const Preset PRESETS[] = {
    {"zeros", "constant", "{\"value\":0}"},
    {"ones", "constant", "{\"value\":1}"},
    {"constant", "constant", "{\"value\":0}"},
    {"random_normal", "random_normal", "{\"mean\":0,\"stddev\":0.05}"},
    {"small_normal", "random_normal", "{\"mean\":0,\"stddev\":0.001}"},
    {"random_uniform", "random_uniform", "{\"minval\":-0.05,\"maxval\":0.05}"},
    {"small_uniform", "random_uniform", "{\"minval\":-0.001,\"maxval\":0.001}"},
    {"truncated_normal", "truncated_normal", "{\"mean\":0,\"stddev\":0.05,\"lower\":-2,\"upper\":2,\"preserve_std\":false}"},
    {"bounded_normal", "bounded_normal", "{\"mean\":0,\"stddev\":1,\"minval\":-2,\"maxval\":2}"},
    SCALED("variance_scaling", "1", "fan_in", "truncated_normal"),
    SCALED("glorot_normal", "1", "fan_avg", "truncated_normal"),
    SCALED("glorot_uniform", "1", "fan_avg", "uniform"),
    SCALED("he_normal", "2", "fan_in", "truncated_normal"),
    SCALED("he_uniform", "2", "fan_in", "uniform"),
    SCALED("lecun_normal", "1", "fan_in", "truncated_normal"),
    SCALED("lecun_uniform", "1", "fan_in", "uniform"),
};

typedef struct {
  const char *name, *family;
  const Json *own, *preset;
} Scheme;

static const Json *argument(const Scheme *scheme, const char *name) {
  const Json *own = member(scheme->own, name);
  return own ? own : member(scheme->preset, name);
}
static double number_of(const Scheme *scheme, const char *name) {
  const Json *found = argument(scheme, name);
  if (!found || found->kind != NUMBER) fail("this argument of a scheme is no number", name);
  return found->number;
}
static bool says(const Scheme *scheme, const char *name, const char *value) {
  const Json *found = argument(scheme, name);
  return found && found->kind == TEXT && same(found->text, value);
}
static bool holds(const Scheme *scheme, const char *name) {
  const Json *found = argument(scheme, name);
  return found && found->kind == YES;
}

static const Preset *preset_among(const char *name, const Preset *presets, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (same(name, presets[i].name)) return &presets[i];
  return NULL;
}

/* A name, or an object with a name and arguments; of the presets above or of more. */
static Scheme scheme_among(const Json *written, const Preset *more, size_t count) {
  const char *name = written->kind == TEXT ? written->text : text_of(written, "name", "");
  const Preset *found = preset_among(name, PRESETS, sizeof PRESETS / sizeof *PRESETS);
  if (!found) found = preset_among(name, more, count);
  if (!found) fail("this scheme is left to a server", name);
  Scheme scheme = {name, found->family, written->kind == TEXT ? parse("{}") : written, parse(found->arguments)};
  return scheme;
}

static const double CUT_DEVIATION = 0.87962566103423978;

typedef struct {
  const Stream *stream;
  long count;
  bool in64;
  double *out;
  const struct Origin *origins; /* for a program in which elements have other places; else NULL */
} Draw;

static bool constant(const Draw *draw, double value) { /* whether it is the constant 0 */
  for (long i = 0; i < draw->count; i++) draw->out[i] = value;
  return value == 0.0;
}

static bool normal(const Draw *draw, double mean, double deviation, double lower, double upper) {
  if (deviation == 0.0) return constant(draw, mean);
  draw_normal(draw->stream, draw->count, mean, deviation, lower, upper, isinf(lower) ? lower : mean + lower * deviation,
              isinf(upper) ? upper : mean + upper * deviation, draw->in64, draw->out);
  return false;
}

static bool uniform(const Draw *draw, double low, double high) {
  draw_uniform(draw->stream, draw->count, low, high, draw->in64, draw->out);
  return false;
}

static bool bounded_normal(const Draw *draw, double mean, double deviation, double low, double high) {
  double lower = (low - mean) / deviation, upper = (high - mean) / deviation;
  if (deviation == 0.0) return constant(draw, mean);
  if (-lower > 1e300 || upper > 1e300 || !isfinite(lower + upper))
    return normal(draw, mean, deviation, -INFINITY, INFINITY);
  draw_normal(draw->stream, draw->count, mean, deviation, lower, upper, low, high, draw->in64, draw->out);
  return false;
}

static bool scaled(const Draw *draw, const Scheme *scheme, double fan_in, double fan_out) {
  double fan = says(scheme, "mode", "fan_in")    ? fan_in
               : says(scheme, "mode", "fan_out") ? fan_out
               : says(scheme, "mode", "fan_avg") ? (fan_in + fan_out) / 2.0
                                                 : sqrt(fan_in * fan_out);
  double variance = number_of(scheme, "scale") / (fan > 1.0 ? fan : 1.0);
  if (says(scheme, "distribution", "uniform")) {
    double limit = sqrt(3.0 * variance);
    return uniform(draw, -limit, limit);
  }
  if (says(scheme, "distribution", "untruncated_normal")) return normal(draw, 0.0, sqrt(variance), -INFINITY, INFINITY);
  bool widened = !says(scheme, "distribution", "uncorrected_normal");
  return normal(draw, 0.0, widened ? sqrt(variance) / CUT_DEVIATION : sqrt(variance), -2.0, 2.0);
}

/* Whether the values of a family follow from its arguments, without a shape. */
static bool stated(const char *family) {
  static const char *const found[] = {"constant", "random_uniform", "random_normal", "truncated_normal", "bounded_normal"};
  for (size_t i = 0; i < sizeof found / sizeof *found; i++)
    if (same(family, found[i])) return true;
  return false;
}

/* Make an array of such a family; whether it is the constant 0. */
static bool as_stated(const Draw *draw, const Scheme *scheme) {
  const char *family = scheme->family;
  if (same(family, "constant")) return constant(draw, number_of(scheme, "value"));
  if (same(family, "random_uniform")) return uniform(draw, number_of(scheme, "minval"), number_of(scheme, "maxval"));
  if (same(family, "random_normal"))
    return normal(draw, number_of(scheme, "mean"), number_of(scheme, "stddev"), -INFINITY, INFINITY);
  if (same(family, "truncated_normal")) {
    double lower = number_of(scheme, "lower"), upper = number_of(scheme, "upper"), deviation = number_of(scheme, "stddev");
    double left = holds(scheme, "preserve_std") ? cut_between(lower, upper).deviation : 1.0;
    return normal(draw, number_of(scheme, "mean"), deviation / left, lower, upper);
  }
  return bounded_normal(draw, number_of(scheme, "mean"), number_of(scheme, "stddev"), number_of(scheme, "minval"),
                        number_of(scheme, "maxval"));
}

#ifndef INITSERVE_STREAM_ONLY

#include <netdb.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* ---- Calls: what they hold is let go of, however they end ---- */

static int connection = -1;
static FILE *saving;

static void hang_up(void) {
  if (connection >= 0) close(connection);
  connection = -1;
}

static void end_call(void) {
  hang_up();
  if (saving) fclose(saving);
  saving = NULL;
  let_go();
  beginning = NULL;
}

/* Run a statement, with `found` free of what it held before; give up at what fails. */
#define CALL(found, error, statement) \
  do {                                \
    jmp_buf here;                     \
    beginning = &here;                \
    reason = (error);                 \
    bool done = !setjmp(here);        \
    if (done) {                       \
      statement;                      \
    }                                 \
    end_call();                       \
    if (!done) initserve_free(found); \
    return done;                      \
  } while (0)

void initserve_free(initserve_arrays *found) {
  for (int i = 0; found && i < found->count; i++) {
    free(found->array[i].key);
    free(found->array[i].bytes);
  }
  if (!found) return;
  free(found->array);
  found->array = NULL;
  found->count = 0;
}

void initserve_sha256(const void *bytes, size_t length, unsigned char digest[32]) {
  Sha256 sha = sha256_begun();
  sha256_add(&sha, bytes, length);
  sha256_end(&sha, digest);
}

/* ---- Arrays ---- */

static size_t width_of(const char *dtype) { return same(dtype, "float64") ? 8 : same(dtype, "float32") ? 4 : 2; }

static initserve_array *add_array(initserve_arrays *found, const char *key, const char *dtype, int axes, const long *size) {
  initserve_array *more = realloc(found->array, sizeof *more * (size_t)(found->count + 1));
  if (!more) fail("no memory", "");
  found->array = more;
  initserve_array *array = &more[found->count];
  memset(array, 0, sizeof *array);
  found->count++;
  array->dtype = dtype;
  array->axes = axes;
  array->count = 1;
  for (int i = 0; i < axes; i++) {
    array->size[i] = size[i];
    if (size[i] < 0 || (size[i] > 0 && array->count > SIZE_MAX / 8 / (size_t)size[i])) fail("no array has such a shape", key);
    array->count *= (size_t)size[i];
  }
  array->length = array->count * width_of(dtype);
  array->key = malloc(strlen(key) + 1);
  array->bytes = malloc(array->length + 1);
  if (!array->key || !array->bytes) fail("no memory", "");
  strcpy(array->key, key);
  return array;
}

static void fill_array(initserve_array *array, const void *bytes, size_t length) {
  if (length != array->length) fail("an array has not as many bytes as its shape says", array->key);
  memcpy(array->bytes, bytes, length);
}

static double half_value(uint64_t bits) {
  int exponent = (int)(bits >> 10 & 31);
  double fraction = (double)(bits & 0x3FF), size = exponent ? ldexp(1024.0 + fraction, exponent - 25) : ldexp(fraction, -24);
  if (exponent == 31) size = fraction ? (double)NAN : (double)INFINITY;
  return bits >> 15 ? -size : size;
}

double initserve_value(const initserve_array *array, size_t index) {
  size_t width = width_of(array->dtype);
  uint64_t bits = 0;
  for (size_t i = 0; i < width; i++) bits |= (uint64_t)array->bytes[index * width + i] << 8 * i;
  if (same(array->dtype, "float16")) return half_value(bits);
  if (width == 8) {
    double value;
    memcpy(&value, &bits, 8);
    return value;
  }
  uint32_t pattern = (uint32_t)(width == 2 ? bits << 16 : bits);
  float value;
  memcpy(&value, &pattern, 4);
  return value;
}

/* ---- Files ---- */

static const char *const FILE_DTYPES[][3] = {
    {"float64", "<f8", "F64"}, {"float32", "<f4", "F32"}, {"float16", "<f2", "F16"}, {"bfloat16", "", "BF16"}};

static const char *dtype_named(const char *name, int format) {
  for (int i = 0; i < 4; i++)
    if (*name && same(name, FILE_DTYPES[i][format])) return FILE_DTYPES[i][0];
  return NULL;
}

/* The text that follows `before` in a header of .npy, up to a character; NULL where there is none. */
static char *text_behind(const char *header, const char *before, char until) {
  const char *start = strstr(header, before), *end = start ? strchr(start + strlen(before), until) : NULL;
  return end ? text("%.*s", (int)(end - start - (long)strlen(before)), start + strlen(before)) : NULL;
}

static void read_npy(const uint8_t *file, size_t length, const char *key, initserve_arrays *found) {
  if (length < 12 || memcmp(file, "\x93NUMPY", 6)) fail("this is not a .npy file", key);
  size_t start = file[6] == 1 ? 10 : 12, size = (size_t)file[8] | (size_t)file[9] << 8;
  if (start == 12) size |= (size_t)file[10] << 16 | (size_t)file[11] << 24;
  if (size > length - start) fail("the .npy file is cut off", key);
  char *header = text("%.*s", (int)size, (const char *)file + start);
  char *descr = text_behind(header, "'descr': '", '\''), *shape = text_behind(header, "'shape': (", ')');
  const char *dtype = descr ? dtype_named(descr, 1) : NULL;
  if (!dtype || !shape || !strstr(header, "'fortran_order': False")) fail("arrays like this are not read here", header);
  long sizes[INITSERVE_MOST_AXES];
  int axes = 0;
  for (char *at = shape, *end; *at && axes < INITSERVE_MOST_AXES; at = end + strspn(end, ", ")) {
    sizes[axes++] = strtol(at, &end, 10);
    if (end == at) fail("this is not a shape", shape);
  }
  fill_array(add_array(found, key, dtype, axes, sizes), file + start + size, length - start - size);
}

static void read_entry(const Json *entry, const uint8_t *data, size_t length, initserve_arrays *found) {
  const char *dtype = dtype_named(text_of(entry, "dtype", ""), 2);
  const Json *offsets = member(entry, "data_offsets"), *shape = member(entry, "shape");
  if (!dtype) fail("arrays of this dtype are not read here", text_of(entry, "dtype", entry->key));
  if (!offsets || !shape || !offsets->child || !offsets->child->next) fail("this entry is not whole", entry->key);
  double first = offsets->child->number, last = offsets->child->next->number;
  if (!(first >= 0 && last >= first && last <= (double)length)) fail("this array is not in the file", entry->key);
  long sizes[INITSERVE_MOST_AXES];
  int axes = 0;
  for (const Json *size = shape->child; size; size = size->next) {
    if (axes == INITSERVE_MOST_AXES || size->kind != NUMBER) fail("this is not a shape", entry->key);
    sizes[axes++] = (long)size->number;
  }
  fill_array(add_array(found, entry->key, dtype, axes, sizes), data + (size_t)first, (size_t)(last - first));
}

static void read_safetensors(const uint8_t *file, size_t length, initserve_arrays *found) {
  uint64_t size = 0;
  for (int i = 0; i < 8 && length >= 8; i++) size |= (uint64_t)file[i] << 8 * i;
  if (length < 8 || size > length - 8) fail("this is not a whole .safetensors file", "");
  const Json *header = parse_part((const char *)file + 8, (size_t)size);
  for (const Json *entry = header->child; entry; entry = entry->next)
    if (entry->kind == OBJECT && !same(entry->key, "__metadata__"))
      read_entry(entry, file + 8 + size, length - 8 - (size_t)size, found);
}

bool initserve_read(const void *file, size_t length, initserve_arrays *found, char *error) {
  found->count = 0;
  found->array = NULL;
  bool npy = length > 0 && *(const uint8_t *)file == 0x93;
  CALL(found, error, npy ? read_npy(file, length, "", found) : read_safetensors(file, length, found));
}

/* ---- HTTP/1.0, in which an answer is all that comes until the connection ends ---- */

enum { LONGEST_HEAD = 65536, ATTEMPTS = 5 };

typedef struct {
  int status;
  long length, first, retry_after; /* -1 where it is not said */
  char etag[256], digest[64];
  uint8_t *rest; /* what came with the head */
  size_t held;
} Reply;

static void wait_a_while(int attempt, long seconds) {
  long milliseconds = seconds >= 0 ? 1000 * seconds : 200L << (attempt - 1);
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static bool dial(const char *url) {
  char host[256] = {0}, port[16] = "80";
  if (strncmp(url, "http://", 7)) fail("this client speaks http:// alone", url);
  if (sscanf(url + 7, "%255[^:/]:%15[0-9]", host, port) < 1) fail("this is not an address", url);
  struct addrinfo hints = {0}, *addresses = NULL;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host, port, &hints, &addresses)) return false;
  hang_up();
  for (struct addrinfo *each = addresses; each && connection < 0; each = each->ai_next) {
    connection = socket(each->ai_family, each->ai_socktype, each->ai_protocol);
    if (connection >= 0 && connect(connection, each->ai_addr, each->ai_addrlen)) hang_up();
  }
  freeaddrinfo(addresses);
  return connection >= 0;
}

static bool send_all(const char *bytes, size_t length) {
  while (length) {
    ssize_t sent = send(connection, bytes, length, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes += sent;
    length -= (size_t)sent;
  }
  return true;
}

/* The value of a header; NULL where it is missing. `name` is in small letters, with its colon. */
static const char *header_of(char *head, const char *name) {
  for (char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
    line += 2;
    size_t i = 0;
    while (name[i] && (line[i] | (line[i] >= 'A' && line[i] <= 'Z' ? 32 : 0)) == name[i]) i++;
    if (!name[i]) return line + i + strspn(line + i, " ");
  }
  return NULL;
}

static long number_in(const char *value, const char *before) {
  return value && !strncmp(value, before, strlen(before)) ? strtol(value + strlen(before), NULL, 10) : -1;
}

static bool receive_head(Reply *reply) {
  char *head = take(LONGEST_HEAD + 1), *end = NULL;
  size_t held = 0;
  while (!end && held < LONGEST_HEAD) {
    ssize_t came = recv(connection, head + held, LONGEST_HEAD - held, 0);
    if (came <= 0) return false;
    held += (size_t)came;
    end = strstr(head, "\r\n\r\n");
  }
  if (!end || sscanf(head, "HTTP/%*s %d", &reply->status) != 1) return false;
  end[2] = 0;
  reply->rest = (uint8_t *)end + 4;
  reply->held = held - (size_t)(end + 4 - head);
  reply->length = number_in(header_of(head, "content-length:"), "");
  reply->first = number_in(header_of(head, "content-range:"), "bytes ");
  reply->retry_after = number_in(header_of(head, "retry-after:"), "");
  const char *etag = header_of(head, "etag:"), *digest = header_of(head, "repr-digest:");
  if (etag) sscanf(etag, "%255[^\r]", reply->etag);
  if (digest && (digest = strstr(digest, "sha-256=:"))) sscanf(digest + 9, "%63[^:]", reply->digest);
  return true;
}

/* The next bytes of an answer; 0 at its end, or where the connection broke. */
static size_t receive(Reply *reply, uint8_t *bytes, size_t room) {
  if (reply->held) {
    size_t part = reply->held < room ? reply->held : room;
    memcpy(bytes, reply->rest, part);
    reply->rest += part;
    reply->held -= part;
    return part;
  }
  ssize_t came = recv(connection, bytes, room, 0);
  return came > 0 ? (size_t)came : 0;
}

static char *receive_all(Reply *reply, size_t *length) {
  size_t room = reply->length >= 0 ? (size_t)reply->length : 1 << 20, part;
  char *body = take(room + 1);
  *length = 0;
  while (*length < room && (part = receive(reply, (uint8_t *)body + *length, room - *length))) *length += part;
  if (reply->length >= 0 && *length < room) fail("the answer broke off", "");
  return body;
}

static void refuse(Reply *reply) {
  size_t length;
  char *body = receive_all(reply, &length);
  if (body[0] != '{') fail("the server refused", text("%d %.200s", reply->status, body));
  const Json *problem = parse_part(body, length), *errors = member(problem, "errors"), *change = member(problem, "try");
  char *said = text("%s", text_of(problem, "detail", text_of(problem, "title", "")));
  for (const Json *each = errors ? errors->child : NULL; each; each = each->next)
    said = text("%s%s%s: %s%s", said, each == errors->child ? " (" : "; ", text_of(each, "pointer", ""),
                text_of(each, "detail", ""), each->next ? "" : ")");
  if (change) said = text("%s; try %.*s", said, (int)(change->to - change->from), change->from);
  fail(said, "");
}

static bool passing(int status) { return status == 429 || (status >= 502 && status <= 504); }

/* An answer that is no refusal; asked for again, after a while, where the server is busy or not there. */
static Reply ask(const char *url, const char *path, const char *headers, const char *body) {
  const char *host = strstr(url, "://") ? strstr(url, "://") + 3 : url;
  const char *key = getenv("INITSERVE_KEY");
  if (key) headers = text("Authorization: Bearer %s\r\n%s", key, headers);
  char *request = text("%s %s HTTP/1.0\r\nHost: %.*s\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s", body ? "POST" : "GET",
                       path, (int)strcspn(host, "/"), host, headers, body ? strlen(body) : 0, body ? body : "");
  for (int attempt = 1;; attempt++) {
    Reply reply = {0, -1, -1, -1, "", "", NULL, 0};
    bool came = dial(url) && send_all(request, strlen(request)) && receive_head(&reply);
    if (came && reply.status < 300) return reply;
    if (came && (!passing(reply.status) || attempt == ATTEMPTS)) refuse(&reply);
    if (attempt == ATTEMPTS) fail("no answer from", url);
    wait_a_while(attempt, reply.retry_after);
  }
}

static Json *ask_for_json(const char *url, const char *path, const char *spec) {
  size_t length;
  Reply reply = ask(url, path, "Content-Type: application/json\r\n", spec);
  char *body = receive_all(&reply, &length);
  return parse_part(body, length);
}

/* ---- /init ---- */

static uint8_t *decoded(const char *base64, size_t *length) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint8_t *found = take(strlen(base64) / 4 * 3 + 3), value[256];
  memset(value, 0xFF, sizeof value);
  for (int i = 0; i < 64; i++) value[(uint8_t)alphabet[i]] = (uint8_t)i;
  uint32_t bits = 0, count = 0;
  *length = 0;
  for (const char *at = base64; *at && *at != '='; at++) {
    if (value[(uint8_t)*at] == 0xFF) fail("this is not base64", "");
    bits = bits << 6 | value[(uint8_t)*at];
    if (count % 4) found[(*length)++] = (uint8_t)(bits >> (6 - 2 * (count % 4)));
    count++;
  }
  return found;
}

static char *hexadecimal(const uint8_t *bytes) {
  char *found = take(65);
  for (int i = 0; i < 32; i++) sprintf(found + 2 * i, "%02x", bytes[i]);
  return found;
}

static void init(const char *url, const char *spec, initserve_arrays *found) {
  const Json *answer = ask_for_json(url, "/init", spec), *layers = member(answer, "layers");
  const char *separator = same(text_of(answer, "layout", ""), "pytorch") ? "." : "/";
  for (const Json *layer = layers ? layers->child : NULL; layer; layer = layer->next) {
    const Json *parameters = member(layer, "parameters");
    for (const Json *each = parameters ? parameters->child : NULL; each; each = each->next) {
      const char *name = text_of(each, "name", "");
      char *key = text("%s%s%s", text_of(layer, "name", ""), *name ? separator : "", name);
      size_t length;
      uint8_t *file = decoded(text_of(each, "npy", ""), &length), digest[32];
      read_npy(file, length, key, found);
      initserve_sha256(found->array[found->count - 1].bytes, found->array[found->count - 1].length, digest);
      if (!same(hexadecimal(digest), text_of(each, "sha256", ""))) fail("it has not the bytes of its digest", key);
    }
  }
}

bool initserve_init(const char *url, const char *spec, initserve_arrays *found, char *error) {
  found->count = 0;
  found->array = NULL;
  CALL(found, error, init(url, spec, found));
}

/* ---- Downloads ---- */

static void download(const char *url, const char *address) {
  Sha256 sha = sha256_begun();
  char etag[256] = "", wanted[64] = "";
  uint8_t *bytes = take(65536), digest[32];
  long length = -1, kept = 0;
  for (int failures = 0; length < 0 || kept < length;) {
    const char *range = kept ? text("Range: bytes=%ld-\r\nIf-Range: %s\r\n", kept, etag) : "";
    Reply reply = ask(url, address, text("Want-Repr-Digest: sha-256=1\r\n%s", range), NULL);
    if (kept == 0) {
      length = reply.length;
      memcpy(etag, reply.etag, sizeof etag);
      if (length < 0) fail("the server does not say how long this is", address);
    } else if (reply.status != 206 || reply.first != kept) {
      fail("it changed while it was being fetched", address);
    }
    if (*reply.digest) memcpy(wanted, reply.digest, sizeof wanted);
    failures++;
    for (size_t part; kept < length && (part = receive(&reply, bytes, 65536));) {
      if (fwrite(bytes, 1, part, saving) != part) fail("this cannot be written", strerror(errno));
      sha256_add(&sha, bytes, part);
      kept += (long)part;
      failures = 1;
    }
    if (kept < length && failures >= ATTEMPTS) fail("the download broke off", address);
    if (kept < length) wait_a_while(failures, -1);
  }
  size_t decoded_length;
  sha256_end(&sha, digest);
  if (*wanted && (memcmp(decoded(wanted, &decoded_length), digest, 32) || decoded_length != 32))
    fail("it has not the bytes of its digest", address);
}

static void save(const char *url, const char *spec, const char *path) {
  const Json *plan = ask_for_json(url, "/plan", spec), *links = member(plan, "links");
  const char *address = links ? text_of(links, "safetensors", "") : "";
  if (!*address) fail("the server has no address for this spec", "see its warnings");
  saving = fopen(path, "wb");
  if (!saving) fail("this cannot be written", path);
  download(url, address);
  FILE *file = saving;
  saving = NULL;
  if (fclose(file)) fail("this cannot be written", path);
}

bool initserve_save(const char *url, const char *spec, const char *path, char *error) {
  char *part = malloc(strlen(path) + 6);
  if (!part) return false;
  sprintf(part, "%s.part", path);
  jmp_buf here;
  beginning = &here;
  reason = error;
  bool done = !setjmp(here);
  if (done) {
    save(url, spec, part);
    if (rename(part, path)) fail("this cannot be written", path);
  }
  end_call();
  if (!done) remove(part);
  free(part);
  return done;
}

/* ---- Drawing: layers and layouts (sections 10 and 11) ---- */

typedef struct {
  const char *name, *torch, *member, *otherwise; /* the scheme of its role; NULL: by activation */
  int axes, order[INITSERVE_MOST_AXES];          /* of PyTorch's axes; all 0 where they are the same */
  long size[INITSERVE_MOST_AXES];
  double fan_in, fan_out;
} Weight;

static bool among(const char *list, const char *name) { /* of names, each between two spaces */
  return strstr(list, text(" %s ", name)) != NULL;
}

static void only_known(const Json *object, const char *list, const char *what) {
  if (object->kind != OBJECT) fail("this is no object", what);
  for (const Json *each = object->child; each; each = each->next)
    if (!among(list, each->key)) fail(text("this member of a %s is left to a server", what), each->key);
}

static double stated_number(const Json *layer, const char *key, double otherwise) {
  if (!given(layer, key)) return otherwise;
  if (member(layer, key)->kind != NUMBER) fail("this is no number", key);
  return member(layer, key)->number;
}

static Weight weight(const char *name, const char *torch, const char *member, const char *otherwise, int axes, const long *size,
                     double fan_in, double fan_out) {
  Weight found = {name, torch, member, otherwise, axes, {0}, {0}, fan_in, fan_out};
  memcpy(found.size, size, sizeof *size * (size_t)axes);
  return found;
}

static int biased(Weight *found, long width) {
  found[1] = weight("bias", "bias", "bias", "\"zeros\"", 1, &width, found->fan_in, found->fan_out);
  return 2;
}

static int convolution(const Json *layer, int axes, const long *size, Weight *found) {
  long groups = (long)stated_number(layer, "groups", 1), shape[INITSERVE_MOST_AXES];
  memcpy(shape, size, sizeof *size * (size_t)axes);
  if (groups < 1 || size[axes - 2] % groups || size[axes - 1] % groups) fail("groups do not divide the channels", "");
  shape[axes - 2] = size[axes - 2] / groups;
  double window = (double)elements_of(axes - 2, size);
  double fan_out = window * (double)size[axes - 1] / (double)groups;
  found[0] = weight("kernel", "weight", "scheme", NULL, axes, shape, window * (double)shape[axes - 2], fan_out);
  for (int i = 0; i < axes; i++) found[0].order[i] = i < 2 ? axes - 1 - i : i - 2;
  return biased(found, size[axes - 1]);
}

static int normalisation(const char *type, int axes, const long *size, Weight *found) {
  double all = (double)elements_of(axes, size);
  bool alone = same(type, "rms_norm");
  found[0] = weight(alone ? "scale" : "gamma", "weight", "scheme", "\"ones\"", axes, size, all, all);
  found[1] = weight("beta", "bias", "bias", "\"zeros\"", axes, size, all, all);
  found[2] = weight("moving_mean", "running_mean", NULL, "\"zeros\"", axes, size, all, all);
  found[3] = weight("moving_variance", "running_var", NULL, "\"ones\"", axes, size, all, all);
  return alone ? 1 : same(type, "batch_norm") ? 4 : 2;
}

static int bare_tensor(const Json *layer, int axes, const long *size, Weight *found) {
  double all = (double)elements_of(axes, size), window = axes < 2 ? 1.0 : (double)elements_of(axes - 2, size);
  double fan_in = axes < 2 ? all : window * (double)size[axes - 2], fan_out = axes < 2 ? all : window * (double)size[axes - 1];
  fan_in = stated_number(layer, "fan_in", fan_in);
  fan_out = stated_number(layer, "fan_out", fan_out);
  found[0] = weight("value", "value", "scheme", NULL, axes, size, fan_in, fan_out);
  return 1;
}

static const char *const LAYER_TYPES[][3] = {
    /* the type, how many sizes it has (* any, + one or more), and members besides the common ones */
    {"dense", "2", " bias "},         {"conv1d", "3", " bias groups strides padding dilation "},
    {"conv2d", "4", " bias groups strides padding dilation "}, {"conv3d", "5", " bias groups strides padding dilation "},
    {"embedding", "2", " "},          {"batch_norm", "+", " bias epsilon "},
    {"layer_norm", "+", " bias epsilon "},    {"group_norm", "+", " bias epsilon num_groups "},
    {"instance_norm", "+", " bias epsilon "}, {"rms_norm", "+", " epsilon "},
    {"tensor", "*", " fan_in fan_out "},
};

/* What stands between layers with weights has none, and changes none. */
static bool weightless(const Json *layer) {
  return among(
      " add multiply concatenate activation flatten reshape transpose max_pool average_pool global_average_pool"
      " upsample pad split scale tied dot_product_attention relative_positions rotary ",
      text_of(layer, "type", "dense"));
}

static int weights_of(const Json *layer, Weight found[4]) {
  static const char common[] = " name type shape activation scheme seed gain inputs";
  const char *type = text_of(layer, "type", ""), *const *row = NULL;
  for (size_t i = 0; i < sizeof LAYER_TYPES / sizeof *LAYER_TYPES; i++)
    if (same(type, LAYER_TYPES[i][0])) row = LAYER_TYPES[i];
  if (!row) fail("this layer type is left to a server", type);
  only_known(layer, text("%s%s", common, row[2]), type);
  const Json *shape = member(layer, "shape");
  long size[INITSERVE_MOST_AXES];
  int axes = 0;
  for (const Json *each = shape ? shape->child : NULL; each; each = each->next) {
    if (axes == INITSERVE_MOST_AXES || each->number < 1 || each->number > 1e15 || each->number != floor(each->number))
      fail("this is not a shape", type);
    size[axes++] = (long)each->number;
  }
  if (!shape || (*row[1] == '+' && !axes) || (*row[1] > '0' && axes != *row[1] - '0')) fail("this is not the shape of a layer", type);
  if (same(type, "tensor")) return bare_tensor(layer, axes, size, found);
  if (strstr(type, "_norm")) return normalisation(type, axes, size, found);
  if (!strncmp(type, "conv", 4)) return convolution(layer, axes, size, found);
  if (same(type, "embedding")) {
    static const char otherwise[] = "{\"name\":\"random_normal\",\"stddev\":0.02}";
    found[0] = weight("embeddings", "weight", "scheme", otherwise, 2, size, (double)size[0], (double)size[1]);
    return 1;
  }
  found[0] = weight("kernel", "weight", "scheme", NULL, 2, size, (double)size[0], (double)size[1]);
  found[0].order[0] = 1;
  return biased(found, size[1]);
}

static const char *recommended(const Json *layer) {
  static const char others[] = " linear softmax tanh sigmoid softsign hard_tanh hard_sigmoid tanhshrink sin exp softplus log_sigmoid ";
  const char *activation = text_of(layer, "activation", "linear"), *scheme = by_activation(activation);
  if (same(scheme, "glorot_uniform") && !among(others, activation)) fail("this activation is left to a server", activation);
  if (!given(layer, "gain")) return text("\"%s\"", scheme);
  double gain = stated_number(layer, "gain", 1.0);
  return text("{\"name\":\"%s\",\"scale\":%.17g}", scheme, gain * gain);
}

static Scheme chosen(const Json *layer, const Weight *weight) {
  const Json *asked = weight->member && given(layer, weight->member) ? member(layer, weight->member) : NULL;
  bool automatic = !asked || same(asked->kind == TEXT ? asked->text : text_of(asked, "name", ""), "auto");
  if (automatic) return scheme_among(parse(weight->otherwise ? weight->otherwise : recommended(layer)), NULL, 0);
  Scheme scheme = scheme_among(asked, NULL, 0);
  for (const Json *each = scheme.own->child; each; each = each->next)
    if (!same(each->key, "name") && !member(scheme.preset, each->key)) fail("this argument is left to a server", each->key);
  const Json *mode = argument(&scheme, "mode"), *distribution = argument(&scheme, "distribution");
  if (mode && !among(" fan_in fan_out fan_avg fan_geo_avg ", mode->kind == TEXT ? mode->text : "")) fail("this mode is left to a server", "");
  if (distribution && !among(" uniform truncated_normal untruncated_normal uncorrected_normal ", distribution->kind == TEXT ? distribution->text : ""))
    fail("this distribution is left to a server", "");
  return scheme;
}

static uint64_t seed_of(const Json *layer, const Json *spec) {
  const Json *seed = given(layer, "seed") ? member(layer, "seed") : member(spec, "seed");
  if (seed && seed->kind == NUMBER && seed->number >= 0 && seed->number <= 9007199254740991.0 && seed->number == floor(seed->number))
    return (uint64_t)seed->number;
  const char *digits = seed && seed->kind == TEXT ? seed->text : "";
  errno = 0;
  uint64_t found = strtoull(digits, NULL, 10);
  if (!*digits || digits[strspn(digits, "0123456789")] || errno) fail("a seed is 0 to 2^64 - 1, above 2^53 a text", "");
  return found;
}

static void write_value(initserve_array *array, size_t index, double value) {
  uint64_t bits = 0;
  size_t width = array->length / (array->count ? array->count : 1);
  float single = (float)value;
  uint32_t pattern;
  memcpy(&pattern, &single, 4);
  if (width == 8) memcpy(&bits, &value, 8);
  else bits = width == 4 ? pattern : same(array->dtype, "float16") ? float16_of(single) : bfloat16_of(single);
  for (size_t i = 0; i < width; i++) array->bytes[index * width + i] = (unsigned char)(bits >> 8 * i);
  if (!isfinite(initserve_value(array, index))) fail("its dtype cannot hold the values of", array->key);
}

/* Write values, which are in Keras's order of axes, in PyTorch's. */
static void write_moved(initserve_array *array, const Weight *weight, const double *values) {
  long stride[INITSERVE_MOST_AXES] = {0}, step = 1;
  for (int i = weight->axes - 1; i >= 0; step *= weight->size[i--]) stride[i] = step;
  for (size_t to = 0; to < array->count; to++) {
    long rest = (long)to, from = 0;
    for (int i = array->axes - 1; i >= 0; rest /= array->size[i--]) from += rest % array->size[i] * stride[weight->order[i]];
    write_value(array, to, values[from]);
  }
}

static void draw_weight(const Json *spec, const Json *layer, const char *name, const Weight *weight, initserve_arrays *found) {
  bool torch = same(text_of(spec, "layout", "keras"), "pytorch"), turned_round = torch && weight->axes > 1 && weight->order[0];
  const char *dtype = dtype_named(text_of(spec, "dtype", "float32"), 0);
  if (!dtype) fail("this dtype is left to a server", text_of(spec, "dtype", ""));
  long size[INITSERVE_MOST_AXES];
  for (int i = 0; i < weight->axes; i++) size[i] = weight->size[turned_round ? weight->order[i] : i];
  char *key = torch ? text("%s.%s", name, weight->torch) : text("%s/%s", name, weight->name);
  initserve_array *array = add_array(found, key, dtype, weight->axes, size);
  Stream stream = stream_of(seed_of(layer, spec), text("%s/%s", name, weight->name));
  Draw draw = {&stream, (long)array->count, same(dtype, "float64"), take(sizeof(double) * array->count), NULL};
  Scheme scheme = chosen(layer, weight);
  if (stated(scheme.family)) as_stated(&draw, &scheme);
  else scaled(&draw, &scheme, weight->fan_in, weight->fan_out);
  if (turned_round) write_moved(array, weight, draw.out);
  for (size_t i = 0; !turned_round && i < array->count; i++) write_value(array, i, draw.out[i]);
}

static void draw_spec(const char *written, initserve_arrays *found) {
  static const char *const only[][2] = {{"algorithm", "initserve/1"}, {"defaults", "recommended"}, {"fans", "true"}};
  const Json *spec = parse(written), *layers = member(spec, "layers");
  only_known(spec, " algorithm seed layout dtype defaults fans input_shape layers ", "spec");
  for (int i = 0; i < 3; i++)
    if (!same(text_of(spec, only[i][0], only[i][1]), only[i][1])) fail("this is left to a server", text_of(spec, only[i][0], ""));
  if (!among(" keras pytorch ", text_of(spec, "layout", "keras"))) fail("this layout is left to a server", text_of(spec, "layout", ""));
  if (!layers || layers->kind != LIST) fail("a spec has layers", "");
  int index = 0;
  for (const Json *layer = layers->child; layer; layer = layer->next) {
    if (weightless(layer)) continue;
    Weight weights[4];
    const char *name = text_of(layer, "name", text("%s_%d", text_of(layer, "type", ""), index++));
    int count = weights_of(layer, weights);
    for (int i = 0; i < count; i++) {
      bool left_out = weights[i].member && same(weights[i].member, "bias") && member(layer, "bias") && !given(layer, "bias");
      if (!left_out) draw_weight(spec, layer, name, &weights[i], found);
    }
  }
}

bool initserve_draw(const char *spec, initserve_arrays *found, char *error) {
  found->count = 0;
  found->array = NULL;
  CALL(found, error, draw_spec(spec, found));
}

#endif /* INITSERVE_STREAM_ONLY */
#endif /* INITSERVE_IMPLEMENTATION */
