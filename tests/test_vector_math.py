"""exp, log, sigmoid and tanh of the kernels, at every level, against NumPy in higher precision."""

from functools import cache

import numpy as np
import pytest

from sklearn_rnn import _core

ULPS = 4
SIGMOID_ABSOLUTE = {np.float32: 1.2e-7, np.float64: 4e-16}
ORACLE = {np.float32: np.float64, np.float64: np.longdouble}
FUNCTIONS = {"exp": np.exp, "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "tanh": np.tanh}

each_function = pytest.mark.parametrize("name", FUNCTIONS)
each_dtype = pytest.mark.parametrize("dtype", ORACLE)


@pytest.fixture(params=_core.simd_levels(), autouse=True)
def simd_level(request):
    before = _core.simd_level()
    _core.set_simd_level(request.param)
    yield request.param
    _core.set_simd_level(before)


@cache
def arguments(dtype):
    """Return about a million finite numbers, none of them subnormal."""
    rng, info = np.random.default_rng(0), np.finfo(dtype)
    bits = np.int32 if dtype is np.float32 else np.int64
    edge = 1.1 * float(np.log(info.max))
    any_exponent = np.frombuffer(rng.bytes(300_000 * info.bits // 8), dtype)
    uniform, central = rng.uniform(-edge, edge, 300_000), rng.normal(scale=4, size=300_000)
    # What reduction and clamping depend on are multiples of ln2 / 4: each with its neighbours.
    branches = np.arange(1, edge / np.log(2) * 4) * np.log(2) / 4
    branches = np.concatenate([branches, -branches]).astype(dtype)
    neighbours = (branches.view(bits)[:, None] + np.arange(-24, 25, dtype=bits)).view(dtype)
    parts = any_exponent, uniform, central, neighbours.ravel()
    x = np.concatenate([part.astype(dtype) for part in parts])
    return x[np.isfinite(x) & (np.abs(x) >= info.tiny)]


@cache
def truth(name, dtype):
    """Return f(x), the size of its last place, and where it is a normal number of the dtype."""
    info = np.finfo(dtype)
    with np.errstate(over="ignore", under="ignore"):
        y = FUNCTIONS[name](arguments(dtype).astype(ORACLE[dtype]))
    normal = (np.abs(y) >= info.tiny) & (np.abs(y) <= info.max)
    _, exponent = np.frexp(np.where(normal, y, 1))
    return y, np.ldexp(ORACLE[dtype](1), exponent - info.nmant - 1), normal


def error(name, dtype):
    """Return the absolute error of f(x), and f(x), its last place and x, where f(x) is normal."""
    if np.finfo(ORACLE[dtype]).nmant <= np.finfo(dtype).nmant:
        pytest.skip("long double has no more digits than float64 here")
    x = arguments(dtype)
    y, ulp, normal = truth(name, dtype)
    result = _core.vector_math(name, x)[normal]
    return np.abs(result - y[normal]), y[normal], ulp[normal], x[normal]


@each_dtype
@pytest.mark.parametrize("name", ["exp", "tanh"])
def test_exp_and_tanh_are_right_to_the_last_places(name, dtype):
    wrong, _, ulp, x = error(name, dtype)
    worst = np.argmax(wrong / ulp)
    assert wrong[worst] <= ULPS * ulp[worst], f"{name}({x[worst]!r})"


@each_dtype
def test_sigmoid_is_right_in_absolute_terms(dtype):
    wrong, _, _, x = error("sigmoid", dtype)
    worst = np.argmax(wrong)
    assert wrong[worst] <= SIGMOID_ABSOLUTE[dtype], f"sigmoid({x[worst]!r})"


@each_dtype
def test_sigmoid_is_right_in_relative_terms_as_far_as_its_argument_is(dtype):
    # An argument off by eps relative to itself moves exp(x), hence sigmoid(x << 0), by |x| eps.
    wrong, y, _, x = error("sigmoid", dtype)
    excess = wrong / y - (ULPS + np.abs(x)) * np.finfo(dtype).eps
    assert excess.max() <= 0, f"sigmoid({x[np.argmax(excess)]!r})"


@each_dtype
@each_function
def test_overflow_is_infinite_and_underflow_at_most_subnormal(name, dtype):
    info, result = np.finfo(dtype), _core.vector_math(name, arguments(dtype))
    y, _, normal = truth(name, dtype)
    assert np.all(result[y > info.max] == np.inf)
    assert not np.any(np.isnan(result))
    assert np.all(np.abs(result[~normal & (y < 1)]) <= info.tiny)


@each_dtype
@each_function
def test_zero_infinity_and_nan_have_their_limits(name, dtype):
    x = np.array([0, -0.0, np.inf, -np.inf, np.nan, -np.nan], dtype)
    limits = {"exp": [1, 1, np.inf, 0], "sigmoid": [0.5, 0.5, 1, 0], "tanh": [0, -0.0, 1, -1]}
    expected = np.array([*limits[name], np.nan, np.nan], dtype)
    result = _core.vector_math(name, x)
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(np.signbit(result[:4]), np.signbit(expected[:4]))


@each_dtype
def test_log_is_right_to_the_last_places(dtype):
    x = np.abs(arguments(dtype))
    near_1 = 1 + np.linspace(-0.5, 1, 10_000)
    x = np.concatenate([x, near_1.astype(dtype)])
    y = np.log(x.astype(ORACLE[dtype]))
    assert_allclose = np.testing.assert_allclose
    eps = np.finfo(dtype).eps
    assert_allclose(_core.vector_math("log", x), y, rtol=ULPS * eps, atol=0)
    limits = np.array([0, np.finfo(dtype).tiny / 2, np.inf, np.nan, 1], dtype)
    expected = [-np.inf, -np.inf, np.inf, np.nan, 0]
    np.testing.assert_array_equal(_core.vector_math("log", limits), np.array(expected, dtype))


@each_dtype
def test_nan_of_any_payload_stays_nan(dtype):
    bits = {np.float32: (np.int32, 0x7F800000), np.float64: (np.int64, 0x7FF0000000000000)}[dtype]
    payloads = 2 ** np.arange(np.finfo(dtype).nmant, dtype=bits[0])
    x = np.concatenate([(bits[1] | payloads).view(dtype), -(bits[1] | payloads).view(dtype)])
    for name in FUNCTIONS:
        assert np.all(np.isnan(_core.vector_math(name, x)))


@each_dtype
def test_tanh_is_odd_and_never_beyond_one(dtype):
    x = arguments(dtype)
    y = _core.vector_math("tanh", x)
    np.testing.assert_array_equal(_core.vector_math("tanh", -x), -y)
    assert np.abs(y).max() == 1


@each_dtype
def test_tanh_of_a_tiny_number_is_the_number(dtype):
    x = arguments(dtype)
    x = x[np.abs(x) < np.sqrt(np.finfo(dtype).eps) / 4]
    np.testing.assert_array_equal(_core.vector_math("tanh", x), x)


@each_dtype
@each_function
def test_place_in_the_vector_does_not_matter(name, dtype):
    x = arguments(dtype)[::50]
    y = _core.vector_math(name, x)
    for start in range(1, 17):
        np.testing.assert_array_equal(_core.vector_math(name, x[start:]), y[start:])
