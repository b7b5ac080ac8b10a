"""torch's inverse error function, which is MKL's: rounded to float32 as nearest, but where MKL's last bit is another.

In float64 it is a normal quantile (Wichura 1988, AS 241). Where that lies so near the middle between two numbers of
float32 that MKL's own arithmetic takes the farther one, a table says so; ties.py has it.
"""

import math

import numpy as np
from numba import float32, float64, int32, int64

from service.stream.bits import bits_of, float_of
from service.stream.targets import compiled, inlined

NEAR = 1.0 / 256.0  # of a unit in the last place: no number of the table is so far from the middle
ROOT_TWO = math.sqrt(2.0)
CENTRE, TAIL = 0.425, 5.0
A0, A1, A2, A3 = 3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4
A4, A5, A6, A7 = 4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3
B1, B2, B3, B4 = 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4
B5, B6, B7 = 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3
C0, C1, C2, C3 = 1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0
C4, C5 = 1.27045825245236838258e0, 2.41780725177450611770e-1
C6, C7 = 2.27238449892691845833e-2, 7.74545014278341407640e-4
D1, D2, D3 = 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1
D4, D5 = 1.48103976427480074590e-1, 1.51986665636164571966e-2
D6, D7 = 5.47593808499534494600e-4, 1.05075007164441684324e-9
E0, E1, E2, E3 = 6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1
E4, E5 = 2.65321895265761230930e-2, 1.24266094738807843860e-3
E6, E7 = 2.71155556874348757815e-5, 2.01033439929228813265e-7
F1, F2, F3 = 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2
F4, F5 = 7.86869131145613259100e-4, 1.84631831751005468180e-5
F6, F7 = 1.42151175831644588870e-7, 2.04426310338993978564e-15


@inlined
def quotient(r, n0, n1, n2, n3, n4, n5, n6, n7, d1, d2, d3, d4, d5, d6, d7):
    above = ((((((n7 * r + n6) * r + n5) * r + n4) * r + n3) * r + n2) * r + n1) * r + n0
    below = ((((((d7 * r + d6) * r + d5) * r + d4) * r + d3) * r + d2) * r + d1) * r + 1.0
    return above / below


@inlined
def erfinv_of(x):
    """Return the inverse error function of 0 <= x < 1, in float64."""
    q = 0.5 * x
    if q <= CENTRE:
        r = 0.180625 - q * q
        z = q * quotient(r, A0, A1, A2, A3, A4, A5, A6, A7, B1, B2, B3, B4, B5, B6, B7)
        return z / ROOT_TWO
    r = math.sqrt(-math.log(0.5 * (1.0 - x)))
    if r <= TAIL:
        return quotient(r - 1.6, C0, C1, C2, C3, C4, C5, C6, C7, D1, D2, D3, D4, D5, D6, D7) / ROOT_TWO
    return quotient(r - TAIL, E0, E1, E2, E3, E4, E5, E6, E7, F1, F2, F3, F4, F5, F6, F7) / ROOT_TWO


@inlined
def stands_in(table, number):
    low, high = int64(0), int64(table.size)
    while low < high:
        middle = (low + high) >> 1
        if table[middle] < number:
            low = middle + 1
        else:
            high = middle
    return low < table.size and table[low] == number


@compiled("void(float32[::1], int32[::1])")
def erfinv(values, table):
    """Replace values from -1 to 1 by their inverse error functions; `table` has the bit patterns of exceptions."""
    for i in range(values.size):
        x = abs(values[i])
        if x == float32(1.0):
            values[i] = math.copysign(np.float32(np.inf), values[i])
            continue
        exact = erfinv_of(float64(x))
        nearest = float32(exact)
        beyond = exact - float64(nearest)
        bits = bits_of(nearest)
        other = float_of(int32(bits + int32(1))) if beyond > 0.0 else float_of(int32(bits - int32(1)))
        step = abs(float64(other) - float64(nearest))
        if abs(abs(beyond) - 0.5 * step) < NEAR * step and stands_in(table, bits_of(x)):
            nearest = other
        values[i] = math.copysign(nearest, values[i])


@compiled("void(float64[::1])")
def erfinv64(values):
    """Replace values from -1 to 1 by their inverse error functions, to a last bit that is not MKL's."""
    for i in range(values.size):
        x = abs(values[i])
        found = math.inf if x == 1.0 else erfinv_of(x)
        values[i] = math.copysign(found, values[i])
