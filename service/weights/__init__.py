"""Makes weights: words -> values -> schemes -> layers -> a plan -> blocks of numbers. Knows no HTTP.

NumPy and Numba do the numbers, one pydantic base describes what may be asked for. Imports point down the chain
`model > plan > layers | layouts > schemes > distributions > kernels > streams > errors`.
"""
