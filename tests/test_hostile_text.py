"""Text in a weight file takes little time and memory, whatever it says."""

import os
from pathlib import Path

import pytest
from cases import NOT_SANITIZED, run_python
from hostile_text import HOSTILE_TEXTS

LOAD_HOSTILE = f"""
import sys, time
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from sklearn_rnn import RNNClassifier
from hostile_text import HOSTILE_TEXTS, hostile_files

def memory(name):
    line = next(x for x in open("/proc/self/status") if x.startswith(name))
    return int(line.split()[1]) / 1024

for what in HOSTILE_TEXTS:
    for suffix, content in hostile_files(what):
        file = Path("hostile" + suffix)
        file.write_bytes(content)
        del content
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before, begin = memory("VmRSS"), time.process_time()
        try:
            RNNClassifier().load_weights(file)
        except ValueError:
            print(time.process_time() - begin, memory("VmHWM") - before, what, suffix)
        file.unlink()
"""


@NOT_SANITIZED
@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs clear_refs")
def test_hostile_text_takes_little_time_and_memory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = run_python(LOAD_HOSTILE).stdout.splitlines()
    assert len(lines) == 3 * len(HOSTILE_TEXTS)
    for line in lines:
        seconds, megabytes = map(float, line.split()[:2])
        assert seconds < 4 and megabytes < 100, line  # once 7 s and 400 MB
