"""Draws numbers: a random word for every element, a value for every word, and where elements stand.

NumPy and Numba alone. Words (`streams`, `kernels`) become values (`gaussian`, `distributions`, `matrices`), rounded
to a dtype (`rounding`, `dtypes`); `views` say where elements stand, `draws` make them, `drawing` fills any
part, `walked` of what has no addresses.
"""
