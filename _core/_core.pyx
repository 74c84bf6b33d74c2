# cython: language_level=3
"""The boundary between Python and the kernels: checks arrays, cuts a minibatch into slices, runs them in parallel.

Nothing here depends on the estimators. NumPy owns every array; each is checked once, here, before it reaches C.
"""
import numpy as np

cimport numpy as cnp

cnp.import_array()

include "rosters.pxi"
include "boundary.pxi"
include "network.pxi"
include "team.pxi"
include "workspace.pxi"
include "runner.pxi"
include "engine.pxi"
include "session.pxi"
include "decoder.pxi"
