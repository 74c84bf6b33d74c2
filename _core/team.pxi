"""Teams of helper threads, which engines take and give back."""
from cpython.ref cimport Py_INCREF
from posix.types cimport pid_t
from posix.unistd cimport getpid

from kernels cimport prepare_team, rnn_team


cdef class Team:
    """Helper threads for the engine that has taken the team. Without one they sleep; they never end."""
    cdef rnn_team team
    cdef pid_t process

    def __cinit__(self):
        prepare_team(&self.team)
        self.process = getpid()
        Py_INCREF(self)     # the threads read it until the process ends


cdef list idle_teams = []


cdef Team take_team():
    """A team that is not in use, with the threads it has so far."""
    cdef Team team
    while idle_teams:
        team = idle_teams.pop()
        if team.process == getpid():    # in a forked child the threads of its parent do not exist
            return team
    return Team()
