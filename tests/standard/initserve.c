/* The stream initserve/1, written from docs/stream.md alone: what it shares with the service is that page.
 *
 * Reads specs as JSON, one a line, and writes of each, in its layout and dtype, every array: a line with its key and
 * its sizes, then its bytes. A spec names its layers and its seed. An empty line follows each spec.
 *
 *     cc -std=c99 -O2 -ffp-contract=off -o initserve initserve.c -lm
 *
 * Words, and the values that they become, are the C client's, which draws too. Of libm only functions whose result is
 * exact are called: sqrt, floor, frexp, ldexp, nextafter.
 */
#define INITSERVE_IMPLEMENTATION
#define INITSERVE_STREAM_ONLY
#include "../../clients/c/initserve.h"

enum { MOST_AXES = INITSERVE_MOST_AXES, MOST_PARAMETERS = 512, LONGEST_LINE = 1 << 20 };

/* ---- Sections 3 to 5: values of any element ---- */

static uint32_t word_of(const Stream *stream, uint64_t element) {
  uint32_t words[4];
  block_of(stream, element / 4, words);
  return words[element % 4];
}

static double *uniforms(const Stream *stream, long count) {
  double *u = take(sizeof *u * (size_t)count);
  draw_uniform(stream, count, 0.0, 1.0, true, u);
  return u;
}

static double *normals(const Stream *stream, long count) {
  double *z = take(sizeof *z * (size_t)count);
  draw_normal(stream, count, 0.0, 1.0, -INFINITY, INFINITY, -INFINITY, INFINITY, true, z);
  return z;
}

/* ---- Section 1: logarithms, "exactly" ---- */

static Exact ln_near_one(Exact m) { /* 2 artanh((m - 1) / (m + 1)) */
  Exact s = over(minus(m, of_whole(1)), plus(m, of_whole(1))), square = times(s, s), power = s, sum = s;
  for (uint32_t n = 3; !is_zero(power); n += 2) {
    power = times(power, square);
    sum = plus(sum, over_small(power, n));
  }
  return shifted(sum, 1);
}

static Exact exact_ln(Exact mantissa, int exponent) { /* of mantissa x 2^exponent */
  int up = 32 * BEHIND - 1 - top_bit(mantissa);
  Exact half = shifted(of_whole(1), -1), powers = times(of_whole((uint32_t)abs(exponent - up)), negated(ln_near_one(half)));
  return plus(ln_near_one(shifted(mantissa, up)), exponent < up ? negated(powers) : powers);
}

static Exact ln_of_double(double x) {
  int exponent;
  double mantissa = frexp(x, &exponent);
  return exact_ln(of_double(mantissa), exponent);
}

/* ---- Section 6: exp, ln, sin, cos and powers ---- */

static double polynomial(double x, const double *c, int degree) {
  double found = c[degree];
  for (int i = degree - 1; i >= 0; i--) {
    double product = found * x;
    found = product + c[i];
  }
  return found;
}

static double factorial(int n) {
  double found = 1.0; /* each product is exact up to 22!, and 23! is rounded once */
  for (int i = 2; i <= n; i++) found *= i;
  return found;
}

static const double LN2_HIGH = 0x1.62e42fee00000p-1, LN2_LOW = 0x1.a39ef35793c76p-33, TWO_PI = 0x1.921fb54442d18p+2;

static double exp64(double x) {
  double c[18], scaled = x * 0x1.71547652b82fep+0, n = floor(scaled + 0.5), high = n * LN2_HIGH, low = n * LN2_LOW;
  for (int i = 0; i < 18; i++) c[i] = 1.0 / factorial(i);
  return ldexp(polynomial((x - high) - low, c, 17), (int)n);
}

static double ln64(double x) {
  int e;
  double m = frexp(x, &e), c[14];
  if (m < 0.7071067811865476) {
    m *= 2.0;
    e--;
  }
  for (int i = 0; i < 14; i++) c[i] = 2.0 / (2 * i + 1);
  double s = (m - 1.0) / (m + 1.0), odd = s * polynomial(s * s, c, 13), low = e * LN2_LOW, high = e * LN2_HIGH;
  double rest = low + odd;
  return high + rest;
}

static void sine_and_cosine(double x, double *sine, double *cosine) {
  double scaled = x * 0x1.45f306dc9c883p-1, n = floor(scaled + 0.5), high = n * 0x1.921fb54400000p+0;
  double middle = n * 0x1.0b4611a600000p-34, low = n * 0x1.3198a2e037073p-69, r = ((x - high) - middle) - low;
  double square = r * r, odd[12], even[12];
  for (int i = 0; i < 12; i++) {
    odd[i] = (i % 2 ? -1.0 : 1.0) / factorial(2 * i + 1);
    even[i] = (i % 2 ? -1.0 : 1.0) / factorial(2 * i);
  }
  double s = r * polynomial(square, odd, 11), c = polynomial(square, even, 11);
  long turn = (long)n % 4;
  switch (turn < 0 ? turn + 4 : turn) {
    case 0: *sine = s, *cosine = c; break;
    case 1: *sine = c, *cosine = -s; break;
    case 2: *sine = -s, *cosine = -c; break;
    default: *sine = -c, *cosine = s;
  }
}

/* ---- Section 8: what a scheme sees ---- */

/* The array's axes in order, some cut in two; each part counts matrices apart ('a'), or places of a convolution's
 * window ('w'), inputs ('i') or outputs ('o'). */
typedef struct {
  int axes, parts;
  long size[MOST_AXES], part[2 * MOST_AXES];
  char kind[2 * MOST_AXES + 1];
  double fan_in, fan_out;
  bool spread; /* a transposed convolution's window belongs to the outputs */
  long groups;
} Site;

static long extent(const Site *site, const char *kinds) {
  long found = 1;
  for (int i = 0; i < site->parts; i++)
    if (strchr(kinds, site->kind[i])) found *= site->part[i];
  return found;
}

/* The place of an element among the parts of these kinds, which count in the array's order. */
static long index_among(const Site *site, long element, const char *kinds) {
  long index = 0, stride = elements_of(site->parts, site->part);
  for (int i = 0; i < site->parts; i++) {
    stride /= site->part[i];
    if (strchr(kinds, site->kind[i])) index = index * site->part[i] + element / stride % site->part[i];
  }
  return index;
}

static const char *row_kinds(const Site *site) { return site->spread ? "wo" : "wi"; }
static const char *column_kinds(const Site *site) { return site->spread ? "i" : "o"; }

typedef struct {
  long matrices, rows, columns;
  long *address; /* of (matrix, row, column) */
} Stack;

static Stack stack_of(const Site *site, const char *rows, const char *columns) {
  Stack stack = {extent(site, "a"), extent(site, rows), extent(site, columns), NULL};
  long count = stack.matrices * stack.rows * stack.columns;
  stack.address = take(sizeof(long) * (size_t)count);
  for (long element = 0; element < count; element++) {
    long row = index_among(site, element, rows), column = index_among(site, element, columns);
    stack.address[(index_among(site, element, "a") * stack.rows + row) * stack.columns + column] = element;
  }
  return stack;
}

/* ---- Section 9: schemes ---- */

/* Apply a reflection to the rows of a column from row k on; its elements stand `stride` apart. */
static void reflect(const double *v, double f, long k, long rows, double *column, long stride) {
  double d = 0.0;
  for (long i = k; i < rows; i++) {
    double product = v[i] * column[i * stride];
    d = d + product;
  }
  d = d * f;
  for (long i = k; i < rows; i++) {
    double product = v[i] * d;
    column[i * stride] = column[i * stride] - product;
  }
}

/* Q of G (rows, columns), rows >= columns, in place of G. */
static void orthonormal_columns(double *g, long rows, long columns) {
  double *v = take(sizeof *v * (size_t)(rows * columns)), *f = take(sizeof *f * (size_t)columns);
  double *sign = take(sizeof *sign * (size_t)columns);
  for (long k = 0; k < columns; k++) {
    double s = 0.0, h = g[k * columns + k];
    for (long i = k + 1; i < rows; i++) {
      double square = g[i * columns + k] * g[i * columns + k];
      s = s + square;
      v[k * rows + i] = g[i * columns + k];
    }
    double square = h * h, length = sqrt(square + s);
    sign[k] = h >= 0 ? -1.0 : 1.0;
    v[k * rows + k] = h - sign[k] * length;
    double first = v[k * rows + k] * v[k * rows + k], t = first + s;
    f[k] = t > 0 ? 2.0 / t : 0.0;
    for (long j = k + 1; j < columns; j++) reflect(v + k * rows, f[k], k, rows, g + j, columns);
  }
  for (long j = 0; j < columns; j++) {
    for (long i = 0; i < rows; i++) g[i * columns + j] = i == j ? sign[j] : 0.0;
    for (long k = j; k >= 0; k--) reflect(v + k * rows, f[k], k, rows, g + j, columns);
  }
}

static void orthonormal(double *g, long rows, long columns) {
  if (columns <= rows) {
    orthonormal_columns(g, rows, columns);
    return;
  }
  double *turned_round = take(sizeof *g * (size_t)(rows * columns));
  for (long i = 0; i < rows; i++)
    for (long j = 0; j < columns; j++) turned_round[j * rows + i] = g[i * columns + j];
  orthonormal_columns(turned_round, columns, rows);
  for (long i = 0; i < rows; i++)
    for (long j = 0; j < columns; j++) g[i * columns + j] = turned_round[j * rows + i];
}

static double spectral_radius(const double *matrix, long n) {
  double *power = take(sizeof *power * (size_t)(n * n)), *product = take(sizeof *power * (size_t)(n * n)), radius = 1.0;
  memcpy(power, matrix, sizeof *power * (size_t)(n * n));
  for (int doubling = 0; doubling < 24; doubling++) {
    double largest = 0.0;
    for (long i = 0; i < n * n; i++) largest = fabs(power[i]) > largest ? fabs(power[i]) : largest;
    if (largest == 0.0) return 0.0;
    for (long i = 0; i < n * n; i++) power[i] = power[i] / largest;
    for (int i = 0; i < doubling; i++) largest = sqrt(largest);
    radius = radius * largest;
    for (long i = 0; i < n; i++)
      for (long j = 0; j < n; j++) {
        double sum = 0.0;
        for (long k = 0; k < n; k++) {
          double term = power[i * n + k] * power[k * n + j];
          sum = sum + term;
        }
        product[i * n + j] = sum;
      }
    memcpy(power, product, sizeof *power * (size_t)(n * n));
  }
  return radius;
}

static const Preset MORE_PRESETS[] = {
    {"orthogonal", "orthogonal", "{\"gain\":1}"},
    {"identity", "identity", "{\"gain\":1}"},
    {"dirac", "dirac", "{\"gain\":1}"},
    {"delta_orthogonal", "delta_orthogonal", "{\"gain\":1}"},
    {"sparse", "sparse", "{\"sparsity\":0.9,\"stddev\":0.01}"},
    {"reservoir", "reservoir", "{\"radius\":0.9,\"sparsity\":0.9}"},
    {"zer_o", "zer_o", "{}"},
    {"hippo", "hippo", "{}"},
    {"s4d_real", "s4d_real", "{}"},
    {"siren", "siren", "{\"omega\":30,\"first\":false}"},
    {"residual_normal", "residual_normal", "{\"stddev\":0.02,\"layers\":1}"},
    {"mup_normal", "mup_normal", "{\"stddev\":0.02,\"base\":256,\"output\":false}"},
    {"stft", "stft", "{\"side\":\"real\",\"window\":\"hann\",\"scaling\":\"density\",\"periodic\":false}"},
    {"bilinear", "bilinear", "{\"pairs\":\"diagonal\"}"},
    {"icnr", "icnr", "{\"upscale\":2,\"scale\":2}"},
    {"rope", "rope", "{\"part\":\"cos\",\"base\":10000}"},
    {"sinusoidal", "sinusoidal", "{\"base\":10000,\"order\":\"interleaved\"}"},
    {"unit_forget_bias", "unit_forget_bias", "{\"value\":1}"},
    {"chrono", "chrono", "{\"longest\":100}"},
    {"step_bias", "step_bias", "{\"shortest\":0.001,\"longest\":0.1,\"floor\":0}"},
    {"prior_bias", "prior_bias", "{\"prior\":0.01}"},
    {"torch:normal", "random_normal", "{\"mean\":0,\"stddev\":1}"},
    {"torch:uniform", "random_uniform", "{\"minval\":0,\"maxval\":1}"},
    {"torch:trunc_normal", "bounded_normal", "{\"mean\":0,\"stddev\":1,\"minval\":-2,\"maxval\":2}"},
    {"timm:trunc_normal", "bounded_normal", "{\"mean\":0,\"stddev\":1,\"minval\":-2,\"maxval\":2}"},
    {"timm:trunc_normal_tf", "truncated_normal", "{\"mean\":0,\"stddev\":1,\"lower\":-2,\"upper\":2,\"preserve_std\":false}"},
    SCALED("torch:xavier_normal", "1", "fan_avg", "untruncated_normal"),
    SCALED("torch:xavier_uniform", "1", "fan_avg", "uniform"),
    SCALED("torch:kaiming_normal", "2", "fan_in", "untruncated_normal"),
    SCALED("torch:kaiming_uniform", "2", "fan_in", "uniform"),
    {"torch:orthogonal", "orthogonal", "{\"gain\":1}"},
    {"torch:sparse", "sparse", "{\"sparsity\":0.9,\"stddev\":0.01,\"columns\":\"inputs\"}"},
    {"torch:eye", "identity", "{\"gain\":1}"},
    {"torch:dirac", "dirac", "{\"gain\":1}"},
    {"jax:normal", "random_normal", "{\"mean\":0,\"stddev\":0.01}"},
    {"jax:uniform", "random_uniform", "{\"minval\":0,\"maxval\":0.01}"},
    {"jax:truncated_normal", "truncated_normal", "{\"mean\":0,\"stddev\":0.01,\"lower\":-2,\"upper\":2}"},
    SCALED("jax:variance_scaling", "1", "fan_in", "truncated_normal"),
    SCALED("jax:glorot_normal", "1", "fan_avg", "truncated_normal"),
    SCALED("jax:glorot_uniform", "1", "fan_avg", "uniform"),
    SCALED("jax:he_normal", "2", "fan_in", "truncated_normal"),
    SCALED("jax:he_uniform", "2", "fan_in", "uniform"),
    SCALED("jax:lecun_normal", "1", "fan_in", "truncated_normal"),
    SCALED("jax:lecun_uniform", "1", "fan_in", "uniform"),
    {"jax:orthogonal", "orthogonal", "{\"gain\":1,\"column_axis\":-1}"},
    {"jax:delta_orthogonal", "delta_orthogonal", "{\"gain\":1,\"column_axis\":-1}"},
    SCALED("keras:variance_scaling", "1", "fan_in", "truncated_normal"),
    SCALED("keras:glorot_normal", "1", "fan_avg", "truncated_normal"),
    SCALED("keras:glorot_uniform", "1", "fan_avg", "uniform"),
    SCALED("keras:he_normal", "2", "fan_in", "truncated_normal"),
    SCALED("keras:he_uniform", "2", "fan_in", "uniform"),
    SCALED("keras:lecun_normal", "1", "fan_in", "truncated_normal"),
    SCALED("keras:lecun_uniform", "1", "fan_in", "uniform"),
    {"keras:orthogonal", "orthogonal", "{\"gain\":1}"},
    {"keras:identity", "identity", "{\"gain\":1}"},
    SCALED("tfjs:variance_scaling", "1", "fan_in", "uncorrected_normal"),
    SCALED("tfjs:glorot_normal", "1", "fan_avg", "uncorrected_normal"),
    SCALED("tfjs:glorot_uniform", "1", "fan_avg", "uniform"),
    SCALED("tfjs:he_normal", "2", "fan_in", "uncorrected_normal"),
    SCALED("tfjs:he_uniform", "2", "fan_in", "uniform"),
    SCALED("tfjs:lecun_normal", "1", "fan_in", "uncorrected_normal"),
    SCALED("tfjs:lecun_uniform", "1", "fan_in", "uniform"),
    {"tfjs:orthogonal", "orthogonal", "{\"gain\":1}"},
    {"tfjs:identity", "identity", "{\"gain\":1}"},
};

typedef struct {
  int axes;
  long size[MOST_AXES];
  double *values; /* each a float32, but for the dtype float64 */
  bool nothing;   /* its scheme comes to the constant 0 */
} Array;

static long whole_of(const Json *object, const char *key, long otherwise) {
  return given(object, key) ? (long)member(object, key)->number : otherwise;
}
static bool is_true(const Json *object, const char *key) { return given(object, key) && member(object, key)->kind == YES; }

static Scheme scheme_of(const Json *written) {
  return scheme_among(written, MORE_PRESETS, sizeof MORE_PRESETS / sizeof *MORE_PRESETS);
}

static long elements_in(const Array *array) { return elements_of(array->axes, array->size); }

/* Where an element of a framework's array stands among the layer's own parameters. */
typedef struct Origin {
  const Stream *stream;
  long element, count; /* of so many */
} Origin;

static double *chance(const Draw *draw, double *values(const Stream *, long)) { /* each element's own */
  if (!draw->origins) return values(draw->stream, draw->count);
  double *found = take(sizeof *found * (size_t)draw->count), *all = NULL;
  for (long i = 0; i < draw->count; i++) {
    const Origin *origin = &draw->origins[i];
    if (i == 0 || origin->stream != draw->origins[i - 1].stream) all = values(origin->stream, origin->count);
    found[i] = all[origin->element];
  }
  return found;
}

static uint32_t second_word(const Draw *draw, long element) {
  if (!draw->origins) return word_of(draw->stream, (uint64_t)(draw->count + element));
  const Origin *origin = &draw->origins[element];
  return word_of(origin->stream, (uint64_t)(origin->count + origin->element));
}

static double product_along(const Site *site, const Json *axes) { /* of the sizes of an axis, or of a list of them */
  double found = 1;
  for (const Json *axis = axes->kind == LIST ? axes->child : axes; axis; axis = axes->kind == LIST ? axis->next : NULL)
    found *= (double)site->size[(int)axis->number < 0 ? site->axes + (int)axis->number : (int)axis->number];
  return found;
}

static void fans_along(const Scheme *scheme, const Site *site, double fans[2]) { /* Keras's and JAX's axes */
  const Json *in = argument(scheme, "input_axes"), *out = argument(scheme, "output_axes");
  if (in && out && in->kind == LIST && out->kind == LIST) {
    fans[0] = product_along(site, in);
    fans[1] = product_along(site, out);
  }
  const Json *in_axis = argument(scheme, "in_axis"), *out_axis = argument(scheme, "out_axis");
  const Json *batch = argument(scheme, "batch_axis");
  if (!in_axis && !out_axis && !batch) return;
  double inputs = product_along(site, in_axis ? in_axis : parse("-2")), window;
  double outputs = product_along(site, out_axis ? out_axis : parse("-1"));
  window = (double)elements_of(site->axes, site->size) / inputs / outputs / product_along(site, batch ? batch : parse("[]"));
  fans[0] = inputs * window;
  fans[1] = outputs * window;
}

static bool variance_scaling(const Draw *draw, const Scheme *scheme, const Site *site) {
  double fans[2] = {site->fan_in, site->fan_out};
  fans_along(scheme, site, fans);
  return scaled(draw, scheme, fans[0], fans[1]);
}

static double prior_bias(double prior) {
  Exact rest = minus(of_whole(1), of_double(prior)), half = shifted(of_whole(1), -1), least = of_whole(1);
  for (int i = 0; i < 27; i++) least = times(least, of_whole(10));
  int digits = 0;
  for (; compare_sizes(&rest, &least) < 0; digits++) rest = times(rest, of_whole(10));
  Exact whole = rest, behind = {0};
  for (int i = 0; i < BEHIND; i++) {
    behind.limb[i] = whole.limb[i];
    whole.limb[i] = 0;
  }
  int more = compare_sizes(&behind, &half);
  if (more > 0 || (more == 0 && whole.limb[BEHIND] & 1)) whole = plus(whole, of_whole(1));
  for (; digits > 0; digits--) whole = over_small(whole, 10);
  return rounded(minus(ln_of_double(prior), exact_ln(whole, 0)));
}

static void ramp(double *out, long size) {
  long f = (size + 1) / 2;
  double centre = (double)(2 * f - 1 - f % 2) / (2.0 * (double)f);
  for (long x = 0; x < size; x++) out[x] = 1.0 - fabs((double)x / (double)f - centre);
}

/* A place in the window, as the sum of index times stride, whose index along an axis of k elements is (k - less) / 2. */
static long centre_of(const Site *site, long less) {
  long centre = 0;
  for (int i = 0; i < site->parts; i++)
    if (site->kind[i] == 'w') centre = centre * site->part[i] + (site->part[i] - less) / 2;
  return centre;
}

static double tent_at(const Site *site, long element) {
  double found = 1.0;
  long stride = elements_of(site->parts, site->part);
  for (int i = 0; i < site->parts; i++) {
    stride /= site->part[i];
    if (site->kind[i] != 'w') continue;
    double *tent = take(sizeof *tent * (size_t)site->part[i]);
    ramp(tent, site->part[i]);
    found = found * tent[element / stride % site->part[i]];
  }
  return found;
}

static void sparse(const Draw *draw, const Stack *stack, long zeros) {
  double *z = chance(draw, normals);
  memcpy(draw->out, z, sizeof *z * (size_t)draw->count);
  for (long column = 0; column < stack->matrices * stack->columns; column++) {
    const long *first = stack->address + column / stack->columns * stack->rows * stack->columns + column % stack->columns;
    for (long row = 0; row < stack->rows; row++) {
      uint32_t word = second_word(draw, first[row * stack->columns]);
      long before = 0;
      for (long other = 0; other < stack->rows; other++) {
        uint32_t theirs = second_word(draw, first[other * stack->columns]);
        before += theirs < word || (theirs == word && other < row);
      }
      if (before < zeros) draw->out[first[row * stack->columns]] = 0.0;
    }
  }
}

static void stft(const Draw *draw, const Scheme *scheme, const Site *site) {
  long frame = site->size[0], bins = site->size[2], length = 2 * (bins - 1);
  double *window = take(sizeof *window * (size_t)frame), sine, cosine;
  bool windowed = argument(scheme, "window")->kind == TEXT && frame > 1;
  double first = says(scheme, "window", "hann") ? 0.5 : 0.54;
  long period = holds(scheme, "periodic") || frame == 1 ? frame : frame - 1;
  Exact sum = {0};
  for (long t = 0; t < frame; t++) {
    sine_and_cosine(TWO_PI * (double)t / (double)period, &sine, &cosine);
    double wave = (1.0 - first) * cosine;
    window[t] = windowed ? first - wave : 1.0;
    sum = plus(sum, of_double(says(scheme, "scaling", "density") ? window[t] * window[t] : fabs(window[t])));
  }
  double scale = says(scheme, "scaling", "density") ? sqrt(rounded(sum)) : rounded(sum);
  for (long t = 0; t < frame; t++)
    if (windowed && argument(scheme, "scaling")->kind == TEXT) window[t] = window[t] / scale;
  for (long i = 0; i < draw->count; i++) {
    long turns = i / bins * (i % bins) % length;
    sine_and_cosine(-TWO_PI * (double)turns / (double)length, &sine, &cosine);
    draw->out[i] = (says(scheme, "side", "real") ? cosine : sine) * window[i / bins];
  }
}

static void waves(const Draw *draw, const Scheme *scheme, const Site *site, bool rotary) {
  bool halves = !rotary && says(scheme, "order", "halves");
  long width = site->size[1], span = halves ? width - 2 : width;
  double *frequency = take(sizeof *frequency * (size_t)width / 2), sine, cosine, base = number_of(scheme, "base");
  Exact ln = ln_of_double(base);
  for (long i = 0; i < width / 2; i++)
    frequency[i] = rounded(exp_of_minus(over_small(times(ln, of_whole((uint32_t)(2 * i))), (uint32_t)(span ? span : 1))));
  for (long i = 0; i < draw->count; i++) {
    long column = i % width;
    bool sines = rotary ? says(scheme, "part", "sin") : halves ? column < width / 2 : column % 2 == 0;
    long wave = rotary || halves ? column % (width / 2) : column / 2;
    sine_and_cosine((double)(i / width) * frequency[wave], &sine, &cosine);
    draw->out[i] = sines ? sine : cosine;
  }
}

static int ones_in(long bits) {
  int found = 0;
  for (; bits; bits >>= 1) found += bits & 1;
  return found;
}

static void orthogonal(const Draw *draw, const Scheme *scheme, const Site *site) {
  double *z = chance(draw, normals), gain = number_of(scheme, "gain");
  const Json *axis = argument(scheme, "column_axis");
  Stack stack = stack_of(site, row_kinds(site), column_kinds(site));
  if (axis) { /* JAX's: all other axes are rows */
    Site turned_round = *site;
    turned_round.parts = site->axes;
    memcpy(turned_round.part, site->size, sizeof site->size);
    memset(turned_round.kind, 'i', sizeof turned_round.kind);
    turned_round.kind[(int)axis->number < 0 ? site->axes + (int)axis->number : (int)axis->number] = 'o';
    stack = stack_of(&turned_round, "i", "o");
  }
  long size = stack.rows * stack.columns;
  double *g = take(sizeof *g * (size_t)size);
  for (long matrix = 0; matrix < stack.matrices; matrix++) {
    const long *address = stack.address + matrix * size;
    for (long i = 0; i < size; i++) g[i] = z[address[i]];
    orthonormal(g, stack.rows, stack.columns);
    for (long i = 0; i < size; i++) draw->out[address[i]] = gain * g[i];
  }
}

static void delta_orthogonal(const Draw *draw, const Scheme *scheme, const Site *site) {
  double *z = chance(draw, normals), gain = number_of(scheme, "gain");
  const Json *axis = argument(scheme, "column_axis");
  bool turned_round = axis && (axis->number == 0 || axis->number == -2);
  long inputs = extent(site, "i"), outputs = extent(site, "o");
  double *g = take(sizeof *g * (size_t)(inputs * outputs));
  for (long matrix = 0; matrix < extent(site, "a"); matrix++)
    for (int back = 0; back < 2; back++) {
      for (long i = 0; i < draw->count; i++) {
        if (index_among(site, i, "a") != matrix || index_among(site, i, "w") != centre_of(site, 1)) continue;
        long row = index_among(site, i, "i"), column = index_among(site, i, "o");
        double *place = turned_round ? g + column * inputs + row : g + row * outputs + column;
        if (back) draw->out[i] = gain * *place;
        else *place = z[i];
      }
      if (!back && turned_round) orthonormal(g, outputs, inputs);
      if (!back && !turned_round) orthonormal(g, inputs, outputs);
    }
}

static void dirac(const Draw *draw, const Scheme *scheme, const Site *site) {
  const char *inner = site->spread ? "o" : "i", *outer = site->spread ? "i" : "o";
  const Json *asked = argument(scheme, "groups");
  long groups = asked && asked->kind == NUMBER ? (long)asked->number : site->groups;
  long each = extent(site, "a") * extent(site, outer) / groups;
  for (long i = 0; i < draw->count; i++) {
    long channel = index_among(site, i, "a") * extent(site, outer) + index_among(site, i, outer);
    bool centre = index_among(site, i, "w") == centre_of(site, 0), on = channel % each == index_among(site, i, inner);
    draw->out[i] = centre && on ? number_of(scheme, "gain") : 0.0;
  }
}

/* Put what a family makes as a whole into draw->out, in float64; false where there is no such family. */
static bool make_whole(const Draw *draw, const Scheme *scheme, const Site *site) {
  const char *family = scheme->family, *across = row_kinds(site), *down = column_kinds(site);
  long count = draw->count, last = site->axes ? site->size[site->axes - 1] : 1;
  if (same(family, "orthogonal")) {
    orthogonal(draw, scheme, site);
  } else if (same(family, "delta_orthogonal")) {
    delta_orthogonal(draw, scheme, site);
  } else if (same(family, "identity")) {
    for (long i = 0; i < count; i++)
      draw->out[i] = index_among(site, i, across) == index_among(site, i, down) ? number_of(scheme, "gain") : 0.0;
  } else if (same(family, "dirac")) {
    dirac(draw, scheme, site);
  } else if (same(family, "bilinear")) {
    bool all = says(scheme, "pairs", "all");
    for (long i = 0; i < count; i++)
      draw->out[i] = all || index_among(site, i, "i") == index_among(site, i, "o") ? tent_at(site, i) : 0.0;
  } else if (same(family, "zer_o")) {
    long rows = extent(site, across), columns = extent(site, down);
    int bits = 0;
    while ((columns - 1) >> bits) bits++;
    double value = 1.0 / sqrt(ldexp(1.0, bits));
    for (long i = 0; i < count; i++) {
      long row = index_among(site, i, across), column = index_among(site, i, down);
      draw->out[i] = columns <= rows ? (double)(row == column) : ones_in(row & column) % 2 ? -value : value;
    }
  } else if (same(family, "sparse")) {
    Stack stack = says(scheme, "columns", "inputs") ? stack_of(site, "o", "i") : stack_of(site, "i", "o");
    sparse(draw, &stack, (long)ceil(number_of(scheme, "sparsity") * (double)stack.rows));
    for (long i = 0; i < count; i++) draw->out[i] = number_of(scheme, "stddev") * draw->out[i];
  } else if (same(family, "reservoir")) {
    Stack stack = stack_of(site, across, down);
    long n = stack.rows, zeros = (long)ceil(number_of(scheme, "sparsity") * (double)n);
    sparse(draw, &stack, zeros < n ? zeros : n - 1);
    for (long matrix = 0; matrix < stack.matrices; matrix++) {
      const long *address = stack.address + matrix * n * n;
      double *values = take(sizeof *values * (size_t)(n * n));
      for (long i = 0; i < n * n; i++) values[i] = draw->out[address[i]];
      double radius = spectral_radius(values, n);
      for (long i = 0; i < n * n; i++)
        draw->out[address[i]] = radius > 0 ? values[i] * (number_of(scheme, "radius") / radius) : values[i];
    }
  } else if (same(family, "hippo")) {
    for (long i = 0; i < count; i++) {
      long n = i / last, k = i % last;
      double product = sqrt(2.0 * (double)n + 1.0) * sqrt(2.0 * (double)k + 1.0);
      draw->out[i] = site->axes == 1 ? sqrt(2.0 * (double)k + 1.0) : n > k ? -product : n == k ? -(double)(n + 1) : -0.0;
    }
  } else if (same(family, "s4d_real")) {
    for (long i = 0; i < count; i++) draw->out[i] = ln64((double)(i % last + 1));
  } else if (same(family, "rope") || same(family, "sinusoidal")) {
    waves(draw, scheme, site, same(family, "rope"));
  } else if (same(family, "stft")) {
    stft(draw, scheme, site);
  } else if (same(family, "icnr")) {
    double deviation = sqrt(number_of(scheme, "scale") / (site->fan_in > 1.0 ? site->fan_in : 1.0)) / CUT_DEVIATION;
    long copies = (long)(number_of(scheme, "upscale") * number_of(scheme, "upscale"));
    double *values = take(sizeof *values * (size_t)count);
    Draw whole = {draw->stream, count, true, values, NULL};
    normal(&whole, 0.0, deviation, -2.0, 2.0);
    Stack stack = stack_of(site, "wi", "o");
    for (long i = 0; i < count; i++) {
      long column = i % stack.columns;
      draw->out[stack.address[i]] = values[stack.address[i - column % copies]];
    }
  } else if (same(family, "unit_forget_bias")) {
    for (long i = 0; i < count; i++) draw->out[i] = i % last / (last / 4) == 1 ? number_of(scheme, "value") : 0.0;
  } else if (same(family, "chrono")) {
    double *u = uniforms(draw->stream, count);
    long units = count / 4;
    for (long i = 0; i < units; i++) {
      double product = u[units + i] * (number_of(scheme, "longest") - 2.0), forget = ln64(1.0 + product);
      draw->out[i] = -forget;
      draw->out[units + i] = forget;
    }
  } else if (same(family, "step_bias")) {
    double *u = uniforms(draw->stream, count), a = ln64(number_of(scheme, "shortest"));
    double b = ln64(number_of(scheme, "longest")), floor_of_steps = number_of(scheme, "floor");
    for (long i = 0; i < count; i++) {
      double product = u[i] * (b - a), step = exp64(a + product);
      if (step < floor_of_steps) step = floor_of_steps;
      draw->out[i] = step + ln64(1.0 - exp64(-step));
    }
  } else {
    return false;
  }
  return true;
}

/* Make an array; whether its scheme comes to the constant 0. */
static bool realise(const Draw *draw, const Scheme *scheme, const Site *site) {
  const char *family = scheme->family;
  if (stated(family)) return as_stated(draw, scheme);
  if (same(family, "prior_bias")) return constant(draw, prior_bias(number_of(scheme, "prior")));
  if (same(family, "variance_scaling")) return variance_scaling(draw, scheme, site);
  if (same(family, "siren")) {
    double limit = holds(scheme, "first") ? 1.0 / site->fan_in : sqrt(6.0 / site->fan_in) / number_of(scheme, "omega");
    return uniform(draw, -limit, limit);
  }
  if (same(family, "residual_normal"))
    return normal(draw, 0.0, number_of(scheme, "stddev") / sqrt(2.0 * number_of(scheme, "layers")), -INFINITY, INFINITY);
  if (same(family, "mup_normal")) {
    double share = number_of(scheme, "base") / site->fan_in;
    double deviation = number_of(scheme, "stddev") * (holds(scheme, "output") ? share : sqrt(share));
    return normal(draw, 0.0, deviation, -INFINITY, INFINITY);
  }
  if (same(family, "sparse")) {
    double rows = (double)extent(site, says(scheme, "columns", "inputs") ? "o" : "i");
    if (number_of(scheme, "stddev") == 0.0 || ceil(number_of(scheme, "sparsity") * rows) == rows) return constant(draw, 0.0);
  }
  if (!make_whole(draw, scheme, site)) fail("no such family", family);
  return false;
}

/* ---- Section 10: layers ---- */

enum { TRUE_FANS, KERAS, PYTORCH, FLAX, RULES, RECOMMENDED = TRUE_FANS };
static const char *const FRAMEWORKS[RULES] = {"recommended", "keras", "pytorch", "flax"};
typedef enum { WEIGHTS, RECURRENT, BIAS, EMBEDDING, SCALE, SHIFT, SLOPE } Role;

static const char TORCH[] = "{\"name\":\"variance_scaling\",\"scale\":0.33333333333333331,\"distribution\":\"uniform\"}";
static const char ZEROS[] = "\"zeros\"", ONES[] = "\"ones\"", GLOROT[] = "\"glorot_uniform\"";

typedef struct {
  char *name;
  int axes;
  long size[MOST_AXES];
  double fans[RULES][2];
  Role role;
  const char *member; /* of the layer, that sets its scheme; NULL: none does */
  const char *defaults[RULES];
  int parts;
  long part[2 * MOST_AXES];
  char kind[2 * MOST_AXES + 1];
  bool spread, heads;
  long groups, zero_row;
  Stream stream;
  Array array;
} Parameter;

typedef struct {
  const Json *spec, *written;
  const char *name, *type, *prefix;
  long shape[MOST_AXES];
  int sizes, count;
  Parameter *parameter;
} Layer;

static Parameter *add(Layer *layer, const char *name, Role role, const char *member, int axes, ...) {
  if (layer->count == MOST_PARAMETERS) fail("too many parameters in", layer->name);
  Parameter *found = &layer->parameter[layer->count++];
  memset(found, 0, sizeof *found);
  found->name = text("%s%s", layer->prefix, name);
  found->role = role;
  found->member = member;
  found->axes = axes;
  found->zero_row = -1;
  found->groups = 1;
  va_list sizes;
  va_start(sizes, axes);
  for (int i = 0; i < axes; i++) found->size[i] = va_arg(sizes, long);
  va_end(sizes);
  return found;
}

/* Read the array as matrices: `kinds` has a letter for each axis. */
static void read_as(Parameter *parameter, const char *kinds) {
  parameter->parts = parameter->axes;
  for (int i = 0; i < parameter->axes; i++) {
    parameter->part[i] = parameter->size[i];
    parameter->kind[i] = kinds[i];
  }
}

/* Cut the last axis in `count` equal parts, which are matrices of their own. */
static void cut_last(Parameter *parameter, long count) {
  int last = parameter->parts++;
  parameter->part[last] = parameter->part[last - 1] / count;
  parameter->kind[last] = parameter->kind[last - 1];
  parameter->part[last - 1] = count;
  parameter->kind[last - 1] = 'a';
}

static void set_fans(Parameter *parameter, int rule, double fan_in, double fan_out) {
  for (int i = rule == TRUE_FANS ? TRUE_FANS : rule; i < (rule == TRUE_FANS ? RULES : rule + 1); i++) {
    parameter->fans[i][0] = fan_in;
    parameter->fans[i][1] = fan_out;
  }
}

static void set_defaults(Parameter *parameter, const char *recommended, const char *keras, const char *torch,
                         const char *flax) {
  const char *each[RULES] = {recommended, keras, torch, flax};
  memcpy(parameter->defaults, each, sizeof each);
}

static bool has_bias(const Layer *layer) {
  const Json *bias = member(layer->spec, "bias");
  return !bias || bias->kind != NOTHING;
}

static void add_bias(Layer *layer, const Parameter *weights, long outputs) {
  if (!has_bias(layer)) return;
  Parameter *bias = add(layer, "bias", BIAS, "bias", 1, outputs);
  memcpy(bias->fans, weights->fans, sizeof bias->fans);
}

static void bare_fans(int axes, const long *size, double fans[2]) { /* Keras's rule for bare shapes */
  double field = 1;
  for (int i = 0; i < axes - 2; i++) field *= (double)size[i];
  fans[0] = axes == 0 ? 1 : axes == 1 ? (double)size[0] : field * (double)size[axes - 2];
  fans[1] = axes < 2 ? fans[0] : field * (double)size[axes - 1];
}

static void add_dense(Layer *layer, long inputs, long outputs) {
  Parameter *kernel = add(layer, "kernel", WEIGHTS, "scheme", 2, inputs, outputs);
  set_fans(kernel, TRUE_FANS, inputs, outputs);
  add_bias(layer, kernel, outputs);
}

static void add_lora(Layer *layer) {
  long inputs = layer->shape[0], outputs = layer->shape[1], rank = whole_of(layer->spec, "lora_rank", 0);
  if (!rank) return;
  Parameter *a = add(layer, "lora_kernel_a", WEIGHTS, NULL, 2, inputs, rank);
  set_fans(a, TRUE_FANS, inputs, rank);
  set_defaults(a, "\"he_uniform\"", "\"he_uniform\"", TORCH, "\"he_uniform\"");
  Parameter *b = add(layer, "lora_kernel_b", SCALE, NULL, 2, rank, outputs);
  set_fans(b, TRUE_FANS, rank, outputs);
  set_defaults(b, ZEROS, ZEROS, ZEROS, ZEROS);
}

static void add_einsum(Layer *layer) {
  const char *equation = member(layer->spec, "equation")->text, *comma = strchr(equation, ',');
  const char *arrow = strstr(equation, "->"), *axes = text_of(layer->spec, "bias_axes", NULL);
  Parameter *kernel = add(layer, "kernel", WEIGHTS, "scheme", 0);
  double fan_in = 1, fan_out = 1, bare[2];
  char kinds[MOST_AXES];
  kernel->axes = layer->sizes;
  memcpy(kernel->size, layer->shape, sizeof kernel->size);
  for (int i = 0; i < layer->sizes; i++) {
    char letter = comma[1 + i];
    bool into = memchr(equation, letter, (size_t)(comma - equation)) != NULL, out_of = strchr(arrow, letter) != NULL;
    fan_in *= into && !out_of ? (double)layer->shape[i] : 1;
    fan_out *= out_of && !into ? (double)layer->shape[i] : 1;
    kinds[i] = into && out_of ? 'a' : into ? 'i' : 'o';
  }
  read_as(kernel, kinds);
  bare_fans(layer->sizes, layer->shape, bare);
  set_fans(kernel, TRUE_FANS, fan_in, fan_out);
  set_fans(kernel, FLAX, bare[0], bare[1]);
  set_fans(kernel, PYTORCH, bare[1], bare[0]);
  if (!axes) return;
  Parameter *bias = add(layer, "bias", BIAS, "bias", 0);
  set_fans(bias, TRUE_FANS, fan_in, fan_out);
  for (bias->axes = 0; axes[bias->axes]; bias->axes++)
    bias->size[bias->axes] = layer->shape[strchr(comma, axes[bias->axes]) - comma - 1];
}

static void add_convolution(Layer *layer, bool transposed) {
  int field = layer->sizes - 2;
  long inputs = layer->shape[field], outputs = layer->shape[field + 1], groups = whole_of(layer->spec, "groups", 1);
  long area = elements_of(field, layer->shape), meeting = inputs / groups * area;
  Parameter *kernel = add(layer, "kernel", WEIGHTS, "scheme", 0);
  kernel->axes = field + 2;
  memcpy(kernel->size, layer->shape, sizeof kernel->size);
  kernel->size[field] = transposed ? outputs / groups : inputs / groups;
  kernel->size[field + 1] = transposed ? inputs : outputs;
  read_as(kernel, transposed ? &"wwwoi"[3 - field] : &"wwwio"[3 - field]);
  cut_last(kernel, groups);
  kernel->spread = transposed;
  kernel->groups = groups;
  if (transposed) {
    for (int i = 0; i < field; i++) meeting /= whole_of(layer->spec, "strides", 1);
    set_fans(kernel, TRUE_FANS, meeting > 1 ? meeting : 1, outputs / groups * area);
    set_fans(kernel, KERAS, outputs / groups * area, inputs * area);
    set_fans(kernel, PYTORCH, outputs / groups * area, inputs * area);
    set_fans(kernel, FLAX, inputs * area, outputs / groups * area);
  } else {
    set_fans(kernel, TRUE_FANS, inputs / groups * area, outputs * area);
    kernel->fans[TRUE_FANS][1] = outputs / groups * area;
  }
  add_bias(layer, kernel, outputs);
}

static Parameter *add_depthwise(Layer *layer, const char *name, long multiplier) {
  int field = layer->sizes - 2;
  long inputs = layer->shape[field], area = elements_of(field, layer->shape);
  Parameter *kernel = add(layer, name, WEIGHTS, "scheme", 0);
  kernel->axes = field + 2;
  memcpy(kernel->size, layer->shape, sizeof kernel->size);
  kernel->size[field + 1] = multiplier;
  read_as(kernel, &"wwwao"[3 - field]);
  kernel->groups = inputs;
  set_fans(kernel, TRUE_FANS, area, multiplier * area);
  set_fans(kernel, KERAS, inputs * area, multiplier * area);
  set_fans(kernel, PYTORCH, area, inputs * multiplier * area);
  set_fans(kernel, FLAX, area, inputs * multiplier * area);
  return kernel;
}

static void add_separable(Layer *layer) {
  int field = layer->sizes - 2;
  long multiplier = whole_of(layer->spec, "depth_multiplier", 1);
  long middle = layer->shape[field] * multiplier, outputs = layer->shape[field + 1];
  add_depthwise(layer, "depthwise_kernel", multiplier);
  Parameter *pointwise = add(layer, "pointwise_kernel", WEIGHTS, "pointwise_scheme", 0);
  pointwise->axes = field + 2;
  for (int i = 0; i < field; i++) pointwise->size[i] = 1;
  pointwise->size[field] = middle;
  pointwise->size[field + 1] = outputs;
  set_fans(pointwise, TRUE_FANS, middle, outputs);
  add_bias(layer, pointwise, outputs);
}

static void add_cell(Layer *layer, long inputs) {
  bool lstm = same(layer->type, "lstm"), gru = same(layer->type, "gru");
  long units = layer->shape[1], gates = lstm ? 4 : gru ? 3 : 1, projection = whole_of(layer->spec, "projection", 0);
  long state = projection ? projection : units;
  Parameter *kernel = add(layer, "kernel", WEIGHTS, "scheme", 2, inputs, gates * units);
  Parameter *recurrent = add(layer, "recurrent_kernel", RECURRENT, "recurrent_scheme", 2, state, gates * units);
  set_fans(kernel, TRUE_FANS, inputs, units);
  set_fans(kernel, KERAS, inputs, gates * units);
  set_fans(kernel, PYTORCH, units, gates * units);
  set_fans(recurrent, TRUE_FANS, state, units);
  set_fans(recurrent, KERAS, state, gates * units);
  set_fans(recurrent, PYTORCH, units, gates * units);
  read_as(kernel, "io");
  cut_last(kernel, gates);
  read_as(recurrent, "io");
  cut_last(recurrent, gates);
  if (has_bias(layer)) {
    Parameter *bias = gru ? add(layer, "bias", BIAS, "bias", 2, 2L, gates * units)
                          : add(layer, "bias", BIAS, "bias", 1, gates * units);
    set_fans(bias, TRUE_FANS, inputs, units);
    set_fans(bias, PYTORCH, units, gates * units);
    if (lstm) set_defaults(bias, "\"unit_forget_bias\"", "\"unit_forget_bias\"", NULL, NULL);
    if (!gru) {
      Parameter *second = add(layer, "recurrent_bias", BIAS, NULL, 1, gates * units);
      set_fans(second, TRUE_FANS, units, units);
      set_fans(second, PYTORCH, units, gates * units);
      set_defaults(second, NULL, NULL, given(layer->spec, "bias") ? ZEROS : TORCH, NULL);
    }
  }
  if (projection) {
    Parameter *back = add(layer, "projection_kernel", RECURRENT, "recurrent_scheme", 2, units, projection);
    set_fans(back, TRUE_FANS, units, projection);
    set_fans(back, PYTORCH, units, 4 * units);
  }
}

static int directions(const Layer *layer) { return is_true(layer->spec, "bidirectional") ? 2 : 1; }
static long stacked(const Layer *layer) { return whole_of(layer->spec, "num_layers", 1); }

static void add_recurrent(Layer *layer) {
  long state = whole_of(layer->spec, "projection", layer->shape[1]);
  for (long number = 0; number < stacked(layer); number++)
    for (int way = 0; way < directions(layer); way++) {
      const char *stack = stacked(layer) > 1 ? text("layer_%ld/", number) : "";
      const char *side = directions(layer) > 1 ? text("%s_%s/", way ? "backward" : "forward", layer->type) : "";
      layer->prefix = text("%s%s%s_cell/", stack, side, layer->type);
      add_cell(layer, number ? state * directions(layer) : layer->shape[0]);
    }
  layer->prefix = "";
}

static long key_heads(const Layer *layer) { return whole_of(layer->spec, "kv_heads", layer->shape[1]); }
static long width_of(const Layer *layer, int projection) {
  return projection == 0 ? layer->shape[0]
                         : whole_of(layer->spec, projection == 1 ? "key_width" : "value_width", layer->shape[0]);
}
static bool several_widths(const Layer *layer) {
  return width_of(layer, 1) != layer->shape[0] || width_of(layer, 2) != layer->shape[0];
}
static bool one_matrix(const Layer *layer) {
  if (same(layer->type, "grouped_query_attention")) return false;
  if (given(layer->spec, "fused")) return is_true(layer->spec, "fused");
  return layer->shape[1] * layer->shape[2] == layer->shape[0] && !several_widths(layer);
}

static void add_attention(Layer *layer) {
  static const char *const names[3] = {"query", "key", "value"};
  long width = layer->shape[0], heads = layer->shape[1], size = layer->shape[2];
  for (int i = 0; i < 3; i++) {
    long count = i ? key_heads(layer) : heads;
    Parameter *kernel = add(layer, text("%s/kernel", names[i]), WEIGHTS, "scheme", 3, width_of(layer, i), count, size);
    set_fans(kernel, TRUE_FANS, width_of(layer, i), count * size);
    if (one_matrix(layer)) set_fans(kernel, PYTORCH, width, 3 * width);
    set_defaults(kernel, NULL, NULL, GLOROT, NULL);
    read_as(kernel, "ioo");
    kernel->heads = true;
    if (!has_bias(layer)) continue;
    Parameter *bias = add(layer, text("%s/bias", names[i]), BIAS, "bias", 2, count, size);
    memcpy(bias->fans, kernel->fans, sizeof bias->fans);
    set_defaults(bias, NULL, NULL, ZEROS, NULL);
    bias->heads = true;
  }
  Parameter *back = add(layer, "attention_output/kernel", WEIGHTS, "output_scheme", 3, heads, size, width);
  set_fans(back, TRUE_FANS, heads * size, width);
  read_as(back, "iio");
  back->heads = true;
  if (has_bias(layer)) {
    Parameter *bias = add(layer, "attention_output/bias", BIAS, "bias", 1, width);
    set_fans(bias, TRUE_FANS, heads * size, width);
    set_defaults(bias, NULL, NULL, ZEROS, NULL);
  }
  if (!is_true(layer->spec, "bias_kv")) return;
  for (int i = 0; i < 2; i++) {
    Parameter *bias = add(layer, i ? "bias_v" : "bias_k", WEIGHTS, NULL, 3, 1L, 1L, width);
    const char *usual = "\"torch:xavier_normal\"";
    set_fans(bias, TRUE_FANS, 1, 1);
    set_fans(bias, PYTORCH, width, width);
    set_defaults(bias, usual, usual, usual, usual);
  }
}

static void add_features(Layer *layer, const char *name, Role role, const char *member) {
  Parameter *found = add(layer, name, role, member, 0);
  long features = elements_of(layer->sizes, layer->shape);
  found->axes = layer->sizes;
  memcpy(found->size, layer->shape, sizeof found->size);
  set_fans(found, TRUE_FANS, features, features);
}

static void add_slopes(Layer *layer) {
  const Json *shared = member(layer->spec, "shared_axes");
  Parameter *alpha = add(layer, "alpha", SLOPE, "scheme", 0);
  alpha->axes = layer->sizes;
  memcpy(alpha->size, layer->shape, sizeof alpha->size);
  for (const Json *axis = shared && shared->kind == LIST ? shared->child : NULL; axis; axis = axis->next)
    alpha->size[(int)axis->number - 1] = 1;
  set_fans(alpha, TRUE_FANS, elements_of(alpha->axes, alpha->size), elements_of(alpha->axes, alpha->size));
}

static void add_norm(Layer *layer, bool members) {
  add_features(layer, "gamma", SCALE, members ? "scheme" : NULL);
  if (has_bias(layer)) add_features(layer, "beta", SHIFT, members ? "bias" : NULL);
}

typedef struct {
  const char *type, *own, *torch; /* prefixes in Keras and Flax, and in PyTorch */
  int sizes;
  long a, b, c;
} Part;

enum { MOST_PARTS = 65 };

static bool is_block(const char *type) { return !strncmp(type, "transformer_", 12); }

static int parts_of(const Layer *block, Part *part) {
  long width = block->shape[0], heads = block->shape[1], inner = block->shape[2];
  int count = 0, norms = same(block->type, "transformer_encoder_layer") ? 2 : 3;
  if (!strstr(block->type, "_layer")) {
    const char *type = text("%s_layer", block->type);
    for (long i = 0; i < whole_of(block->spec, "num_layers", 1); i++)
      part[count++] = (Part){type, text("layer_%ld/", i), text("layers.%ld.", i), 3, width, heads, inner};
    if (is_true(block->spec, "norm")) part[count++] = (Part){"layer_norm", "norm/", "norm.", 1, width, 0, 0};
    return count;
  }
  part[count++] = (Part){"multi_head_attention", "attention/", "self_attn.", 3, width, heads, width / heads};
  if (norms == 3) part[count++] = (Part){"multi_head_attention", "cross_attention/", "multihead_attn.", 3, width, heads, width / heads};
  part[count++] = (Part){"dense", "dense_1/", "linear1.", 2, width, inner, 0};
  part[count++] = (Part){"dense", "dense_2/", "linear2.", 2, inner, width, 0};
  for (int i = 1; i <= norms; i++) part[count++] = (Part){"layer_norm", text("norm_%d/", i), text("norm%d.", i), 1, width, 0, 0};
  return count;
}

static Layer part_of(const Layer *block, const Part *part) {
  Layer found = *block;
  found.type = part->type;
  found.prefix = text("%s%s", block->prefix, part->own);
  found.sizes = part->sizes;
  found.shape[0] = part->a;
  found.shape[1] = part->b;
  found.shape[2] = part->c;
  found.count = 0;
  found.parameter = block->parameter + block->count;
  return found;
}

static bool is_convolution(const char *type, const char *kind) { /* kind "" is conv1d, conv2d, conv3d */
  return !strncmp(type, "conv", 4) && same(type + 6, kind);
}

static void add_parameters(Layer *layer) {
  const char *type = layer->type;
  long *shape = layer->shape;
  if (same(type, "dense") || same(type, "transformers_conv1d")) {
    add_dense(layer, shape[0], shape[1]);
    add_lora(layer);
  } else if (same(type, "bilinear")) {
    Parameter *kernel = add(layer, "kernel", WEIGHTS, "scheme", 3, shape[0], shape[1], shape[2]);
    set_fans(kernel, TRUE_FANS, shape[0] * shape[1], shape[2]);
    set_fans(kernel, PYTORCH, shape[0], shape[2] * shape[1]);
    read_as(kernel, "iio");
    add_bias(layer, kernel, shape[2]);
  } else if (same(type, "moe_dense")) {
    Parameter *kernel = add(layer, "kernel", WEIGHTS, "scheme", 3, shape[0], shape[1], shape[2]);
    set_fans(kernel, TRUE_FANS, shape[1], shape[2]);
    set_fans(kernel, KERAS, shape[0] * shape[1], shape[0] * shape[2]);
    set_fans(kernel, FLAX, shape[0] * shape[1], shape[0] * shape[2]);
    set_fans(kernel, PYTORCH, shape[1] * shape[2], shape[0] * shape[2]);
    read_as(kernel, "aio");
    add_bias(layer, kernel, shape[2]);
    if (has_bias(layer)) {
      Parameter *bias = &layer->parameter[layer->count - 1];
      bias->axes = 2;
      bias->size[0] = shape[0];
      bias->size[1] = shape[2];
    }
  } else if (same(type, "einsum_dense")) {
    add_einsum(layer);
  } else if (is_convolution(type, "")) {
    add_convolution(layer, false);
  } else if (is_convolution(type, "_transpose")) {
    add_convolution(layer, true);
  } else if (!strncmp(type, "depthwise", 9)) {
    long channels = shape[layer->sizes - 2], multiplier = shape[layer->sizes - 1];
    add_bias(layer, add_depthwise(layer, "kernel", multiplier), channels * multiplier);
  } else if (!strncmp(type, "separable", 9)) {
    add_separable(layer);
  } else if (same(type, "embedding")) {
    Parameter *table = add(layer, "embeddings", EMBEDDING, "scheme", 2, shape[0], shape[1]);
    set_fans(table, TRUE_FANS, shape[0], shape[1]);
    table->zero_row = whole_of(layer->spec, "padding_index", -1);
  } else if (same(type, "simple_rnn") || same(type, "lstm") || same(type, "gru")) {
    add_recurrent(layer);
  } else if (same(type, "multi_head_attention") || same(type, "grouped_query_attention")) {
    add_attention(layer);
  } else if (is_block(type)) {
    Part parts[MOST_PARTS];
    int count = parts_of(layer, parts);
    for (int i = 0; i < count; i++) {
      Layer part = part_of(layer, &parts[i]);
      if (same(part.type, "layer_norm")) add_norm(&part, false);
      else add_parameters(&part);
      layer->count += part.count;
    }
  } else if (strstr(type, "_norm") && !same(type, "rms_norm")) {
    add_norm(layer, true);
    if (same(type, "batch_norm")) {
      add_features(layer, "moving_mean", SHIFT, NULL);
      add_features(layer, "moving_variance", SCALE, NULL);
    }
  } else if (same(type, "rms_norm")) {
    add_features(layer, "scale", SCALE, "scheme");
  } else if (same(type, "prelu")) {
    add_slopes(layer);
  } else if (same(type, "tensor")) {
    Parameter *value = add(layer, "value", WEIGHTS, "scheme", 0);
    double fans[2];
    value->axes = layer->sizes;
    memcpy(value->size, shape, sizeof value->size);
    bare_fans(layer->sizes, shape, fans);
    set_fans(value, TRUE_FANS, (double)whole_of(layer->spec, "fan_in", (long)fans[0]),
             (double)whole_of(layer->spec, "fan_out", (long)fans[1]));
  } else if (!same(type, "dropout")) {
    fail("no such layer", type);
  }
}

/* ---- Section 8: which scheme ---- */

static const char *recommended(const Layer *layer, const Parameter *parameter) {
  static const char *const by_role[] = {NULL,  "\"orthogonal\"", ZEROS, "{\"name\":\"random_normal\",\"stddev\":0.02}",
                                        ONES, ZEROS, "{\"name\":\"constant\",\"value\":0.25}"};
  if (parameter->defaults[RECOMMENDED]) return parameter->defaults[RECOMMENDED];
  if (parameter->role != WEIGHTS) return by_role[parameter->role];
  bool recurrent = strstr(parameter->name, "_cell/") != NULL, block = is_block(layer->written->text);
  const char *scheme = by_activation(text_of(layer->spec, "activation", recurrent ? "tanh" : block ? "relu" : "linear"));
  if (!given(layer->spec, "gain")) return text("\"%s\"", scheme);
  double gain = member(layer->spec, "gain")->number;
  return text("{\"name\":\"%s\",\"scale\":%.17g}", scheme, gain * gain);
}

static const char *default_of(int framework, Role role) {
  static const char *const found[RULES][7] = {
      {NULL},
      {GLOROT, "\"keras:orthogonal\"", ZEROS, "\"random_uniform\"", ONES, ZEROS, ZEROS},
      {TORCH, TORCH, TORCH, "{\"name\":\"random_normal\",\"stddev\":1}", ONES, ZEROS,
       "{\"name\":\"constant\",\"value\":0.25}"},
      {"\"lecun_normal\"", "\"orthogonal\"", ZEROS,
       "{\"name\":\"variance_scaling\",\"mode\":\"fan_out\",\"distribution\":\"untruncated_normal\"}", ONES, ZEROS,
       "{\"name\":\"constant\",\"value\":0.01}"},
  };
  return found[framework][role];
}

static int rule_named(const Json *spec, const char *key) {
  const char *name = text_of(spec, key, "recommended");
  for (int i = 0; i < RULES; i++)
    if (same(name, FRAMEWORKS[i])) return i;
  return TRUE_FANS; /* "true" */
}

/* ---- Section 11: layouts ---- */

static Array empty(int axes, const long *size) {
  Array found = {axes, {0}, take(sizeof(double) * (size_t)elements_of(axes, size)), false};
  memcpy(found.size, size, sizeof *size * (size_t)axes);
  return found;
}

static Array moved(Array array, const int *order) { /* axis order[i] stands at place i afterwards */
  long size[MOST_AXES] = {0}, stride[MOST_AXES] = {0}, step = 1;
  for (int i = array.axes - 1; i >= 0; step *= array.size[i--]) stride[i] = step;
  for (int i = 0; i < array.axes; i++) size[i] = array.size[order[i]];
  Array found = empty(array.axes, size);
  for (long element = 0; element < step; element++) {
    long rest = element, from = 0;
    for (int i = array.axes - 1; i >= 0; rest /= size[i--]) from += rest % size[i] * stride[order[i]];
    found.values[element] = array.values[from];
  }
  return found;
}

static Array transposed(Array array) {
  static const int order[2] = {1, 0};
  return moved(array, order);
}

static Array reshaped(Array array, int axes, ...) {
  va_list sizes;
  va_start(sizes, axes);
  array.axes = axes;
  for (int i = 0; i < axes; i++) array.size[i] = va_arg(sizes, long);
  va_end(sizes);
  return array;
}

static Array cut(Array array, int axis, long part, long count) {
  long after = elements_of(array.axes - axis - 1, array.size + axis + 1), before = elements_of(axis, array.size);
  long whole = array.size[axis], length = whole / count;
  Array found = array;
  found.size[axis] = length;
  found.values = take(sizeof(double) * (size_t)elements_in(&found));
  for (long i = 0; i < before; i++)
    memcpy(found.values + i * length * after, array.values + (i * whole + part * length) * after,
           sizeof(double) * (size_t)(length * after));
  return found;
}

static Array below(Array first, Array second) { /* joined along the first axis */
  Array found = first;
  found.size[0] += second.size[0];
  found.values = take(sizeof(double) * (size_t)elements_in(&found));
  memcpy(found.values, first.values, sizeof(double) * (size_t)elements_in(&first));
  memcpy(found.values + elements_in(&first), second.values, sizeof(double) * (size_t)elements_in(&second));
  return found;
}

static Array backwards(Array array, int axis) {
  long size = array.size[axis], after = elements_of(array.axes - axis - 1, array.size + axis + 1);
  Array found = empty(array.axes, array.size);
  for (long i = 0; i < elements_in(&array); i++) {
    long place = i / after % size;
    found.values[i + (size - 1 - 2 * place) * after] = array.values[i];
  }
  return found;
}

static Array summed(Array first, Array second, bool in64) {
  if (second.nothing || first.nothing) return second.nothing ? first : second;
  Array found = empty(first.axes, first.size);
  for (long i = 0; i < elements_in(&found); i++)
    found.values[i] = in64 ? first.values[i] + second.values[i] : (double)((float)first.values[i] + (float)second.values[i]);
  return found;
}

typedef struct {
  FILE *file;
  const char *dtype, *separator, *layer, *prefix;
  int layout;
  bool in64;
  Array *kept; /* where arrays are put instead of the file, where it is not NULL */
  int count;
} Answer;

static void write_number(Answer *answer, double value) {
  uint64_t bits = 0;
  float single = (float)value;
  int size = 4;
  if (same(answer->dtype, "float64")) memcpy(&bits, &value, (size_t)(size = 8));
  else if (same(answer->dtype, "float16")) bits = float16_of(single), size = 2;
  else if (same(answer->dtype, "bfloat16")) bits = bfloat16_of(single), size = 2;
  else {
    uint32_t pattern;
    memcpy(&pattern, &single, 4);
    bits = pattern;
  }
  for (int i = 0; i < size; i++) putc((int)(bits >> 8 * i & 0xFF), answer->file);
}

static void put(Answer *answer, const char *name, Array array) {
  if (answer->kept) {
    answer->kept[answer->count++] = array;
    return;
  }
  fprintf(answer->file, *name ? "%s%s%s%s" : "%s", answer->layer, answer->separator, answer->prefix, name);
  for (int i = 0; i < array.axes; i++) fprintf(answer->file, " %ld", array.size[i]);
  putc('\n', answer->file);
  for (long i = 0; i < elements_in(&array); i++) write_number(answer, array.values[i]);
}

static const Parameter *find(const Layer *layer, const char *name) {
  for (int i = 0; i < layer->count; i++)
    if (same(layer->parameter[i].name, name)) return &layer->parameter[i];
  return NULL;
}

static Array get(const Layer *layer, const char *name) {
  const Parameter *found = find(layer, text("%s%s", layer->prefix, name));
  if (!found) fail("no such parameter", name);
  return found->array;
}

/* An array under its own name in each framework. */
static void put_named(Answer *answer, const Layer *layer, const char *name, const char *torch, const char *flax) {
  if (!find(layer, text("%s%s", layer->prefix, name))) return;
  put(answer, answer->layout == PYTORCH ? torch : answer->layout == FLAX ? flax : name, get(layer, name));
}

static void put_as_in_keras(Answer *answer, const Layer *layer) {
  for (int i = 0; i < layer->count; i++) {
    const Parameter *each = &layer->parameter[i];
    const char *bias = strstr(each->name, "_cell/bias");
    if (strstr(each->name, "_cell/recurrent_bias")) continue;
    const char *second = bias ? text("%.*s_cell/recurrent_bias", (int)(bias - each->name), each->name) : "";
    const Parameter *other = bias ? find(layer, second) : NULL;
    const char *name = is_true(layer->spec, "cell") ? strstr(each->name, "_cell/") + 6 : each->name;
    put(answer, name, other ? summed(each->array, other->array, answer->in64) : each->array);
  }
}

static Array last_two_first(Array kernel) { /* (k..., a, b) -> (b, a, k...) */
  int order[MOST_AXES] = {kernel.axes - 1, kernel.axes - 2};
  for (int i = 2; i < kernel.axes; i++) order[i] = i - 2;
  return moved(kernel, order);
}

static Array depthwise(Answer *answer, Array kernel) {
  int last = kernel.axes - 1;
  long channels = kernel.size[last - 1] * kernel.size[last];
  if (answer->layout == FLAX) {
    kernel.size[last - 1] = 1;
    kernel.size[last] = channels;
    return kernel;
  }
  int order[MOST_AXES] = {last - 1, last};
  for (int i = 2; i <= last; i++) order[i] = i - 2;
  kernel = moved(kernel, order);
  kernel.size[0] = channels;
  kernel.size[1] = 1;
  return kernel;
}

static Array flax_transposed(Array kernel) { /* (k..., out / g, in) -> (k..., in, out / g), every k backwards */
  int order[MOST_AXES];
  for (int i = 0; i < kernel.axes; i++) order[i] = i;
  order[kernel.axes - 2] = kernel.axes - 1;
  order[kernel.axes - 1] = kernel.axes - 2;
  kernel = moved(kernel, order);
  for (int i = 0; i < kernel.axes - 2; i++) kernel = backwards(kernel, i);
  return kernel;
}

static Array in_torch_order(Array array, long gates) { /* gates are the first axis */
  static const int gru[3] = {1, 0, 2};
  Array found = {0};
  for (long i = 0; i < gates; i++) {
    Array gate = cut(array, 0, gates == 3 ? gru[i] : i, gates);
    found = i ? below(found, gate) : gate;
  }
  return found;
}

static void put_cell_as_in_torch(Answer *answer, const Layer *layer, long gates, const char *suffix) {
  put(answer, text("weight_ih%s", suffix), in_torch_order(transposed(get(layer, "kernel")), gates));
  put(answer, text("weight_hh%s", suffix), in_torch_order(transposed(get(layer, "recurrent_kernel")), gates));
  for (long row = 0; has_bias(layer) && row < 2; row++) {
    Array bias = get(layer, gates != 3 && row ? "recurrent_bias" : "bias");
    if (gates == 3) bias = reshaped(cut(bias, 0, row, 2), 1, bias.size[1]);
    put(answer, text("bias_%s%s", row ? "hh" : "ih", suffix), in_torch_order(bias, gates));
  }
  if (given(layer->spec, "projection")) put(answer, text("weight_hr%s", suffix), transposed(get(layer, "projection_kernel")));
}

static void put_cell_as_in_flax(Answer *answer, const Layer *layer, long gates, const char *prefix) {
  const char *letters = gates == 4 ? "ifgo" : gates == 3 ? "zrn" : "";
  for (long gate = 0; gate < gates; gate++) {
    const char *letter = gates == 1 ? "" : text("%c", letters[gate]);
    put(answer, text("%si%s/kernel", prefix, letter), cut(get(layer, "kernel"), 1, gate, gates));
    put(answer, text("%sh%s/kernel", prefix, letter), cut(get(layer, "recurrent_kernel"), 1, gate, gates));
    if (!has_bias(layer)) continue;
    Array bias = get(layer, "bias");
    if (gates != 3) {
      Array sum = summed(bias, get(layer, "recurrent_bias"), answer->in64);
      put(answer, text("%s%s%s/bias", prefix, gates == 4 ? "h" : "i", letter), cut(sum, 0, gate, gates));
      continue;
    }
    Array own = cut(bias, 1, gate, 3), first = reshaped(cut(own, 0, 0, 2), 1, own.size[1]);
    Array second = reshaped(cut(own, 0, 1, 2), 1, own.size[1]);
    first.nothing = second.nothing = bias.nothing;
    if (gate == 2) {
      put(answer, text("%sin/bias", prefix), first);
      put(answer, text("%shn/bias", prefix), second);
    } else {
      put(answer, text("%si%s/bias", prefix, letter), summed(first, second, answer->in64));
    }
  }
  if (given(layer->spec, "projection")) put(answer, text("%sprojection/kernel", prefix), get(layer, "projection_kernel"));
}

static void put_recurrent(Answer *answer, Layer *layer) {
  long gates = same(layer->type, "lstm") ? 4 : same(layer->type, "gru") ? 3 : 1;
  for (long number = 0; number < stacked(layer); number++)
    for (int way = 0; way < directions(layer); way++) {
      bool both = directions(layer) > 1;
      const char *stack = stacked(layer) > 1 ? text("layer_%ld/", number) : "", *side = way ? "backward" : "forward";
      layer->prefix = text("%s%s%s_cell/", stack, both ? text("%s_%s/", side, layer->type) : "", layer->type);
      if (answer->layout == PYTORCH)
        put_cell_as_in_torch(answer, layer, gates, is_true(layer->spec, "cell") ? "" : text("_l%ld%s", number, way ? "_reverse" : ""));
      else
        put_cell_as_in_flax(answer, layer, gates, text("%s%s", stack, both ? text("%s_rnn/cell/", side) : ""));
    }
}

static void put_attention(Answer *answer, const Layer *layer) {
  static const char *const names[3] = {"query", "key", "value"};
  if (answer->layout == FLAX) {
    for (int i = 0; i < layer->count; i++) {
      const char *name = layer->parameter[i].name + strlen(layer->prefix);
      put(answer, strncmp(name, "attention_output", 16) ? name : text("out%s", name + 16), layer->parameter[i].array);
    }
    return;
  }
  Array weights[3], biases[3] = {{0}};
  bool joined = one_matrix(layer), apart = several_widths(layer), bias = has_bias(layer);
  for (int i = 0; i < 3; i++) {
    Array kernel = get(layer, text("%s/kernel", names[i]));
    weights[i] = transposed(reshaped(kernel, 2, kernel.size[0], kernel.size[1] * kernel.size[2]));
    if (!bias) continue;
    biases[i] = get(layer, text("%s/bias", names[i]));
    biases[i] = reshaped(biases[i], 1, biases[i].size[0] * biases[i].size[1]);
  }
  if (joined) put(answer, "in_proj_weight", below(below(weights[0], weights[1]), weights[2]));
  for (int i = 0; apart && i < 3; i++) put(answer, text("%c_proj_weight", names[i][0]), weights[i]);
  if ((joined || apart) && bias) put(answer, "in_proj_bias", below(below(biases[0], biases[1]), biases[2]));
  if (is_true(layer->spec, "bias_kv")) {
    put(answer, "bias_k", get(layer, "bias_k"));
    put(answer, "bias_v", get(layer, "bias_v"));
  }
  for (int i = 0; !joined && !apart && i < 3; i++) {
    put(answer, text("%c_proj.weight", names[i][0]), weights[i]);
    if (bias) put(answer, text("%c_proj.bias", names[i][0]), biases[i]);
  }
  Array out = get(layer, "attention_output/kernel");
  put(answer, "out_proj.weight", transposed(reshaped(out, 2, out.size[0] * out.size[1], out.size[2])));
  if (bias) put(answer, "out_proj.bias", get(layer, "attention_output/bias"));
}

static void put_arrays(Answer *answer, Layer *layer) {
  const char *type = layer->type;
  bool torch = answer->layout == PYTORCH;
  if (answer->layout == KERAS) {
    put_as_in_keras(answer, layer);
  } else if (is_block(type)) {
    Part parts[MOST_PARTS];
    int count = parts_of(layer, parts), before = 0;
    for (int i = 0; i < count; i++) {
      Layer part = part_of(layer, &parts[i]);
      Answer own = *answer;
      own.prefix = text("%s%s", answer->prefix, torch ? parts[i].torch : parts[i].own);
      part.parameter = layer->parameter + before;
      while (before < layer->count && !strncmp(layer->parameter[before].name, part.prefix, strlen(part.prefix))) before++, part.count++;
      put_arrays(&own, &part);
      answer->count = own.count;
    }
  } else if (same(type, "simple_rnn") || same(type, "lstm") || same(type, "gru")) {
    put_recurrent(answer, layer);
  } else if (strstr(type, "attention")) {
    put_attention(answer, layer);
  } else if (!strncmp(type, "separable", 9)) {
    put(answer, torch ? "depthwise.weight" : "depthwise/kernel", depthwise(answer, get(layer, "depthwise_kernel")));
    put(answer, torch ? "pointwise.weight" : "pointwise/kernel",
        torch ? last_two_first(get(layer, "pointwise_kernel")) : get(layer, "pointwise_kernel"));
    put_named(answer, layer, "bias", "pointwise.bias", "pointwise/bias");
  } else if (!strncmp(type, "depthwise", 9) || !strncmp(type, "conv", 4)) {
    Array kernel = get(layer, "kernel");
    bool turned_round = is_convolution(type, "_transpose");
    if (type[0] == 'd') kernel = depthwise(answer, kernel);
    else if (torch) kernel = last_two_first(kernel);
    else if (turned_round) kernel = flax_transposed(kernel);
    put(answer, torch ? "weight" : "kernel", kernel);
    put_named(answer, layer, "bias", "bias", "bias");
  } else if (same(type, "dense") || same(type, "transformers_conv1d") || same(type, "bilinear")) {
    static const int order[3] = {2, 0, 1};
    Array kernel = get(layer, "kernel");
    if (torch && same(type, "dense")) kernel = transposed(kernel);
    if (torch && same(type, "bilinear")) kernel = moved(kernel, order);
    put(answer, torch ? "weight" : "kernel", kernel);
    put_named(answer, layer, "bias", "bias", "bias");
    if (!given(layer->spec, "lora_rank")) return;
    Array a = get(layer, "lora_kernel_a"), b = get(layer, "lora_kernel_b");
    put(answer, torch ? "lora_A.weight" : "lora_a", torch ? transposed(a) : a);
    put(answer, torch ? "lora_B.weight" : "lora_b", torch ? transposed(b) : b);
  } else {
    static const char *const names[][3] = {
        {"kernel", "kernel", "kernel"}, {"bias", "bias", "bias"}, {"embeddings", "weight", "embedding"},
        {"gamma", "weight", "scale"}, {"beta", "bias", "bias"}, {"moving_mean", "running_mean", "mean"},
        {"moving_variance", "running_var", "var"}, {"scale", "weight", "scale"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) put_named(answer, layer, names[i][0], names[i][1], names[i][2]);
    if (same(type, "prelu")) {
      Array alpha = get(layer, "alpha");
      long features = alpha.size[alpha.axes - 1];
      if (torch && elements_in(&alpha) == features) alpha = reshaped(alpha, 1, features);
      if (answer->layout == FLAX && elements_in(&alpha) == 1) alpha = reshaped(alpha, 0);
      put(answer, torch ? "weight" : "negative_slope", alpha);
    }
    put_named(answer, layer, "value", is_true(layer->spec, "bare") ? "" : "value", "value");
  }
}

/* ---- Section 8: a framework's own arrays, and all of it ---- */

typedef struct {
  Array array; /* its values are places: of element i of parameter p, p x FARTHEST + i */
  int first;   /* the parameter that its first element is of */
} Placed;

enum { MOST_ARRAYS = 1024, FARTHEST = 1 << 24 };

static int parameter_of(double place) { return (int)(place / FARTHEST); }
static long element_at(double place) { return (long)place % FARTHEST; }

/* The arrays of a layout, with places for values. */
static int place(Layer *layer, int layout, Placed *placed) {
  for (int i = 0; i < layer->count; i++) {
    Parameter *each = &layer->parameter[i];
    each->array = empty(each->axes, each->size);
    each->array.nothing = true; /* so that of a sum the first stands */
    for (long k = 0; k < elements_in(&each->array); k++) each->array.values[k] = (double)i * FARTHEST + (double)k;
  }
  Array arrays[MOST_ARRAYS];
  Answer answer = {NULL, "", "", layer->name, "", layout, true, arrays, 0};
  put_arrays(&answer, layer);
  for (int i = 0; i < answer.count; i++) {
    placed[i].array = arrays[i];
    placed[i].first = parameter_of(arrays[i].values[0]);
  }
  return answer.count;
}

static bool holds_some(const Array *array, int parameter) {
  for (long i = 0; i < elements_in(array); i++)
    if (parameter_of(array->values[i]) == parameter) return true;
  return false;
}

/* The parts of a parameter's kind: what comes in, or goes out, of a projection to or from heads. */
static double width_along(const Parameter *parameter, char kind) {
  double found = 1;
  for (int i = 0; i < parameter->parts; i++)
    if (parameter->kind[i] == kind) found *= (double)parameter->part[i];
  return found;
}

/* What an initialiser of Flax is called with: projections to and from heads are matrices there. */
static void flatten_heads(Array *array, const Parameter *first) {
  if (!first->heads) return;
  if (first->role == BIAS) {
    array->size[0] = elements_in(array);
    array->axes = 1;
  } else {
    array->size[0] = (long)width_along(first, 'i');
    array->size[1] = (long)width_along(first, 'o');
    array->axes = 2;
  }
}

typedef struct {
  const char *prefix;
  int layout; /* whose arrays it has, and the spec's word for its rule of fans */
} Framework;
static const Framework PREFIXES[] = {{"torch:", PYTORCH}, {"keras:", KERAS}, {"jax:", FLAX}, {"tfjs:", KERAS}};

/* The fans that a framework counts for an array of its own; false where it refuses such a shape. */
static bool count_fans(const Framework *framework, const Layer *layer, const Parameter *first, const Array *array, double fans[2]) {
  bool torch = framework->layout == PYTORCH, keras = same(framework->prefix, "keras:"), tfjs = same(framework->prefix, "tfjs:");
  const long *size = array->size;
  bool counted = array->axes > 1 || keras || tfjs;
  bare_fans(array->axes, size, fans);
  if (torch && array->axes > 1) {
    double window = (double)elements_of(array->axes - 2, size + 2);
    fans[0] = (double)size[1] * window;
    fans[1] = (double)size[0] * window;
  }
  if (tfjs && (array->axes < 2 || array->axes > 5)) fans[0] = fans[1] = sqrt((double)elements_in(array));
  if (keras && first->heads && first->role != BIAS) {
    fans[0] = width_along(first, 'i');
    fans[1] = width_along(first, 'o');
  }
  if (keras && same(layer->type, "einsum_dense") && same(first->name, "kernel")) {
    const char *kernel = strchr(member(layer->spec, "equation")->text, ',') + 1, *outputs = strstr(kernel, "->");
    fans[0] = fans[1] = 1;
    for (int i = 0; i < array->axes; i++) fans[strchr(outputs, kernel[i]) != NULL] *= (double)size[i];
  }
  bool in = same(layer->type, "tensor") && given(layer->spec, "fan_in");
  bool out = same(layer->type, "tensor") && given(layer->spec, "fan_out");
  if (in) fans[0] = member(layer->spec, "fan_in")->number;
  if (out) fans[1] = member(layer->spec, "fan_out")->number;
  return counted || (in && out);
}

static bool positional(const char *family) { /* whether it matters where in its array a value stands */
  static const char *const found[] = {"orthogonal", "identity", "dirac", "delta_orthogonal", "sparse"};
  for (size_t i = 0; i < sizeof found / sizeof *found; i++)
    if (same(family, found[i])) return true;
  return false;
}

typedef struct {
  Scheme scheme;
  int rule;   /* by which fans are counted */
  bool asked; /* by a member of the layer: the rule is then that of initialisers, on the framework's own array */
} Choice;

static Choice choose(const Json *document, const Layer *layer, const Parameter *parameter) {
  const Json *asked = parameter->member ? member(layer->spec, parameter->member) : NULL;
  bool automatic = asked && (asked->kind == TEXT ? same(asked->text, "auto") : same(text_of(asked, "name", ""), "auto"));
  int defaults = rule_named(document, "defaults");
  Choice choice = {{0}, TRUE_FANS, false};
  if (asked && asked->kind != NOTHING && !automatic) {
    choice.scheme = scheme_of(asked);
    choice.rule = rule_named(document, "fans");
    choice.asked = true;
  } else if (automatic || defaults == RECOMMENDED || (given(layer->spec, "gain") && parameter->role == WEIGHTS)) {
    choice.scheme = scheme_of(parse(recommended(layer, parameter)));
  } else {
    const char *own = parameter->defaults[defaults];
    choice.scheme = scheme_of(parse(own ? own : default_of(defaults, parameter->role)));
    choice.rule = defaults;
  }
  return choice;
}

/* The site of a scheme under a framework's prefix: the framework's own array, read by its shape alone. */
static Site bare_site(const Array *array, const Parameter *parameter, bool outputs_first) {
  Site site = {0};
  site.axes = site.parts = array->axes;
  memcpy(site.size, array->size, sizeof site.size);
  memcpy(site.part, array->size, sizeof array->size);
  memset(site.kind, array->axes < 2 ? 'o' : 'w', (size_t)array->axes);
  site.groups = parameter->groups;
  if (array->axes < 2) return site;
  site.kind[outputs_first ? 1 : array->axes - 2] = 'i';
  site.kind[outputs_first ? 0 : array->axes - 1] = 'o';
  return site;
}

static Site own_site(const Parameter *parameter, int rule) {
  Site site = {parameter->axes, parameter->parts, {0}, {0}, {0}, parameter->fans[rule][0], parameter->fans[rule][1],
               parameter->spread, parameter->groups};
  memcpy(site.size, parameter->size, sizeof site.size);
  memcpy(site.part, parameter->part, sizeof site.part);
  memcpy(site.kind, parameter->kind, sizeof site.kind);
  return site;
}

/* Make a parameter as the parts of a framework's arrays that it is. */
static void make_in(const Layer *layer, int number, const Choice *choice, const Placed *placed, int count, bool first, bool in64, double *out) {
  for (int i = 0; i < count; i++) {
    const Array *array = &placed[i].array;
    if (!holds_some(array, number)) continue;
    long elements = elements_in(array);
    Origin *origins = take(sizeof *origins * (size_t)elements);
    for (long k = 0; k < elements; k++) {
      const Parameter *from = &layer->parameter[parameter_of(array->values[k])];
      origins[k].stream = &from->stream;
      origins[k].element = element_at(array->values[k]);
      origins[k].count = elements_of(from->axes, from->size);
    }
    double *values = take(sizeof *values * (size_t)elements);
    Draw draw = {NULL, elements, in64, values, origins};
    Site site = bare_site(array, &layer->parameter[placed[i].first], first);
    realise(&draw, &choice->scheme, &site);
    for (long k = 0; k < elements; k++)
      if (parameter_of(array->values[k]) == number) out[element_at(array->values[k])] = values[k];
  }
}

static void make(const Json *document, const Layer *layer, int number, Placed *placed[], const int *counts, Array *made) {
  Parameter *parameter = &layer->parameter[number];
  Choice choice = choose(document, layer, parameter);
  Site site = own_site(parameter, choice.rule);
  bool in64 = same(text_of(document, "dtype", "float32"), "float64"), in_place = false;
  long count = elements_of(parameter->axes, parameter->size);
  Array array = empty(parameter->axes, parameter->size);
  for (size_t i = 0; i < sizeof PREFIXES / sizeof *PREFIXES; i++) {
    const Framework *framework = &PREFIXES[i];
    bool named = !strncmp(choice.scheme.name, framework->prefix, strlen(framework->prefix));
    bool counted = choice.asked && !strchr(choice.scheme.name, ':') && choice.rule == framework->layout;
    if ((!named && !counted) || (counted && same(framework->prefix, "tfjs:"))) continue;
    Placed *arrays = placed[framework->layout];
    int held = 0;
    while (!holds_some(&arrays[held].array, number)) held++;
    const Parameter *first = &layer->parameter[arrays[held].first];
    double fans[2];
    count_fans(framework, layer, first, &arrays[held].array, fans);
    if (named) site = bare_site(&arrays[held].array, parameter, framework->layout == PYTORCH);
    site.fan_in = fans[0];
    site.fan_out = fans[1];
    if (!named || !positional(choice.scheme.family)) continue;
    in_place = true;
    make_in(layer, number, &choice, arrays, counts[framework->layout], framework->layout == PYTORCH, in64, array.values);
  }
  Draw draw = {&parameter->stream, count, in64, array.values, NULL};
  if (!in_place) array.nothing = realise(&draw, &choice.scheme, &site);
  for (long i = 0; parameter->zero_row >= 0 && i < array.size[1]; i++)
    array.values[parameter->zero_row * array.size[1] + i] = 0.0;
  for (long i = 0; !in64 && i < count; i++) array.values[i] = (float)array.values[i];
  *made = array;
}

static void make_all(const Json *document, Layer *layer) {
  Placed *placed[RULES] = {NULL};
  int counts[RULES] = {0};
  Array *made = take(sizeof *made * (size_t)(layer->count + 1));
  const Json *seed = given(layer->spec, "seed") ? member(layer->spec, "seed") : member(document, "seed");
  uint64_t number = seed->kind == TEXT ? strtoull(seed->text, NULL, 10) : (uint64_t)seed->number;
  for (int i = 0; i < layer->count; i++)
    layer->parameter[i].stream = stream_of(number, text("%s/%s", layer->name, layer->parameter[i].name));
  for (int layout = KERAS; layout < RULES; layout++) {
    placed[layout] = take(sizeof(Placed) * MOST_ARRAYS);
    counts[layout] = place(layer, layout, placed[layout]);
    for (int i = 0; layout == FLAX && i < counts[layout]; i++)
      flatten_heads(&placed[layout][i].array, &layer->parameter[placed[layout][i].first]);
  }
  for (int i = 0; i < layer->count; i++) make(document, layer, i, placed, counts, &made[i]);
  for (int i = 0; i < layer->count; i++) layer->parameter[i].array = made[i];
}

static bool is_structure(const char *type) {
  static const char *const types[] = {"activation", "add", "average_pool", "concatenate", "dot_product_attention", "flatten",
                                      "global_average_pool", "max_pool", "multiply", "pad", "relative_positions", "reshape",
                                      "rotary", "scale", "split", "tied", "transpose", "upsample"};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (same(type, types[i])) return true;
  return false;
}

static void answer_spec(const Json *document, FILE *file) {
  int index = 0, layout = rule_named(document, "layout");
  for (const Json *spec = member(document, "layers")->child; spec; spec = spec->next) {
    if (is_structure(member(spec, "type")->text)) continue;
    Layer layer = {spec, member(spec, "type"), NULL, NULL, "", {0}, 0, 0, take(sizeof(Parameter) * MOST_PARAMETERS)};
    layer.type = layer.written->text;
    layer.name = text_of(spec, "name", text("%s_%d", layer.type, index++));
    for (const Json *size = given(spec, "shape") ? member(spec, "shape")->child : NULL; size; size = size->next)
      layer.shape[layer.sizes++] = (long)size->number;
    add_parameters(&layer);
    for (int i = 0; i < layer.count; i++) {
      Parameter *each = &layer.parameter[i];
      if (!each->parts) { /* the last two axes are inputs and outputs, those before a window */
        char kinds[MOST_AXES + 1];
        memset(kinds, 'w', sizeof kinds);
        if (each->axes > 1) kinds[each->axes - 2] = 'i';
        if (each->axes) kinds[each->axes - 1] = 'o';
        read_as(each, kinds);
      }
    }
    make_all(document, &layer);
    Answer answer = {file, text_of(document, "dtype", "float32"), layout == PYTORCH ? "." : "/", layer.name, "",
                     layout == TRUE_FANS ? KERAS : layout, same(text_of(document, "dtype", "float32"), "float64"), NULL, 0};
    put_arrays(&answer, &layer);
  }
  putc('\n', file);
}

int main(void) {
  char *line = malloc(LONGEST_LINE);
  if (!line) fail("no memory", "");
  while (fgets(line, LONGEST_LINE, stdin)) {
    answer_spec(parse(line), stdout);
    let_go();
  }
  return 0;
}
