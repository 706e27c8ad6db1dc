"""What ends is started again, until somebody asks for the end."""

import signal
import subprocess
import sys
import time


def test_what_dies_runs_again_and_goes_when_told(tmp_path):
    noted = tmp_path / "starts"
    script = f"open({str(noted)!r}, 'a').write('x'); import time; time.sleep(0.2 if len(open({str(noted)!r}).read()) < 3 else 60)"
    keeper = subprocess.Popen([sys.executable, "-m", "incentives_site.services.keep", sys.executable, "-c", script])
    try:
        end = time.monotonic() + 20
        while not noted.exists() or len(noted.read_text()) < 3:
            assert time.monotonic() < end
            time.sleep(0.05)
        keeper.send_signal(signal.SIGTERM)
        assert keeper.wait(10) == 0
        assert noted.read_text() == "xxx"
    finally:
        keeper.kill()
        keeper.wait()
