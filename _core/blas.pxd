"""The only place that calls BLAS: C (m, n) = [C +] op(A) B, all row-major, op(A) = A or its transpose.

Row-major matrices are their own transposes to BLAS, so it computes C' = B' op(A)'.
"""
from scipy.linalg.cython_blas cimport dgemm, sgemm


cdef inline void gemm_float(int transposed, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const void *a, Py_ssize_t ld_a,
                            const void *b, Py_ssize_t ld_b, int accumulate, void *c, Py_ssize_t ld_c) noexcept nogil:
    cdef int m_ = <int>m, n_ = <int>n, k_ = <int>k, lda = <int>ld_a, ldb = <int>ld_b, ldc = <int>ld_c
    cdef float one = 1, beta = accumulate
    cdef char plain = b"N", trans_a = b"T" if transposed else b"N"
    sgemm(&plain, &trans_a, &n_, &m_, &k_, &one, <float *>b, &ldb, <float *>a, &lda, &beta, <float *>c, &ldc)


cdef inline void gemm_double(int transposed, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, const void *a, Py_ssize_t ld_a,
                             const void *b, Py_ssize_t ld_b, int accumulate, void *c, Py_ssize_t ld_c) noexcept nogil:
    cdef int m_ = <int>m, n_ = <int>n, k_ = <int>k, lda = <int>ld_a, ldb = <int>ld_b, ldc = <int>ld_c
    cdef double one = 1, beta = accumulate
    cdef char plain = b"N", trans_a = b"T" if transposed else b"N"
    dgemm(&plain, &trans_a, &n_, &m_, &k_, &one, <double *>b, &ldb, <double *>a, &lda, &beta, <double *>c, &ldc)
