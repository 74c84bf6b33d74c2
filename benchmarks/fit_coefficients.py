"""Fit the coefficients of _core/levels/vec.h: y coth y = 1 + z c(z), z = y^2, for |y| <= ln2 / 4.

The polynomial c of given degree has the least greatest relative error of y coth y, which is that of
tanh y = y / (y coth y) (Remez, 1934). Needs mpmath. Run: python benchmarks/fit_coefficients.py
"""

from mpmath import cos, coth, linspace, log, lu_solve, matrix, mp, mpf, nstr, pi, polyval, sqrt

mp.dps = 50
WIDTH = (log(2) / 4) ** 2


def y_coth_y(z):
    return sqrt(z) * coth(sqrt(z))


def relative_error(c, z):
    return (1 + z * polyval(c[::-1], z)) / y_coth_y(z) - 1


def extrema(c, n):
    """Return the place of the greatest error in each of the n stretches of one sign."""
    grid = [WIDTH * (1 - cos(pi * i)) / 2 for i in linspace(mpf(1) / 1000, 1, 1000)]
    places = [grid[0]]
    for z in grid:
        error, greatest = relative_error(c, z), relative_error(c, places[-1])
        if error * greatest < 0:
            places.append(z)
        elif abs(error) > abs(greatest):
            places[-1] = z
    assert len(places) == n
    return places


def minimax(degree, rounds=8):
    """Solve 1 + z c(z) = y coth y (1 + error) with errors of equal size and alternating sign."""
    n = degree + 2
    places = [WIDTH * (1 - cos(pi * (i + mpf(1) / 2) / n)) / 2 for i in range(n)]
    for _ in range(rounds):
        rows = [
            [z ** (k + 1) for k in range(degree + 1)] + [(-1) ** i * y_coth_y(z)]
            for i, z in enumerate(places)
        ]
        c = list(lu_solve(matrix(rows), matrix([y_coth_y(z) - 1 for z in places])))[:-1]
        places = extrema(c, n)
    return c, max(abs(relative_error(c, z)) for z in places)


if __name__ == "__main__":
    for real, degree, digits in (("float", 1, 10), ("double", 4, 20)):
        c, error = minimax(degree)
        print(f"{real}: greatest relative error {nstr(error, 3)}")
        for coefficient in c:
            print("   ", nstr(coefficient, digits, min_fixed=-9))
